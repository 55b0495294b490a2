/** @file The page of the contract suite: opens the engine as any page would and runs a group of the rows. */

import { OrtEngine } from "../../src/engines/ort/engine.ts";
import type { OrtModule } from "../../src/engines/ort/runtime/js-api.ts";
import { createWebRuntime } from "../../src/engines/ort/runtime/web.ts";
import { checkBindable, checkSupported } from "../../src/engines/ort/unsupported.ts";
import { families } from "../contract/cases/index.ts";
import { gpuAccuracy } from "../contract/gpu-accuracy.ts";
import { type Refusals, contract } from "../contract/suite.ts";
import { fetchFiles } from "./fetched-files.ts";
import { type Failure, runGroup, testGroups } from "./tab-tests.ts";

/** What came of a group. */
export interface GroupResult {
  readonly engine: string;
  readonly groups: readonly string[];
  readonly ran: number;
  readonly failures: readonly Failure[];
  readonly refusals: Refusals;
}

declare global {
  var contractResult: Promise<GroupResult>;
}

async function runContract(): Promise<GroupResult> {
  const asked = new URLSearchParams(location.search);
  const device = asked.get("device") as "webgpu" | "wasm";
  const ort = (await import(`/ort/ort.${device}.min.mjs`)) as OrtModule;
  const runtime = await createWebRuntime(ort, { threads: 2, device, wasmPaths: "/ort/" });
  const engine = new OrtEngine({ runtime });
  const names = [...Object.keys(families), "random"];
  await fetchFiles(names.map((name) => new URL(`/golden/contract/${name}.json`, location.href)));
  const refusals = contract({
    name: device,
    create: () => Promise.resolve(engine),
    checkSupported: (program) => {
      checkBindable(program, runtime);
      checkSupported(program, runtime.gpu);
    },
    ...(runtime.gpu && { accuracy: gpuAccuracy }),
  });
  const { ran, failures } = await runGroup(asked.get("group") ?? "");
  return { engine: engine.description, groups: testGroups(), ran, failures, refusals };
}

globalThis.contractResult = runContract();
