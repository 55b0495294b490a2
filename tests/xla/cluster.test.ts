/** @file Two processes train one model: the losses of a single process, one run folder, one stop, one loss of a peer. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import quickstart from "../../recipes/quickstart.ts";
import { installedPlugins } from "../../src/engines/xla/plugins.ts";
import type { ConfigInput } from "../../src/config/config.ts";
import { train } from "../../src/train/train.ts";
import { metricsOf } from "../e2e/small-run.ts";
import { type Job, openStandIn } from "./cluster-member.ts";

const long = process.env.OCELLI_LONG === "1";
const installed = installedPlugins().includes("xla-cpu");
const dir = mkdtempSync(join(tmpdir(), "ocelli-cluster-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(dir, { recursive: true });
});

const STEPS = 12;
const config: ConfigInput = {
  ...quickstart,
  split: "train[:50]", // batches span epochs
  evals: { test: { type: "classification", split: "test[:24]" } },
  batchSize: 16,
  duration: { steps: STEPS },
  log: { steps: 1 },
  checkpoint: { every: { steps: 4 } },
  model: { name: "vit", patchSize: [14, 14], width: 16, depth: 1, mlpDim: 16, numHeads: 2 },
  optimizer: { name: "sgd", lr: 0.1 },
  mesh: "data=2",
  sharding: [["embedding/kernel", { fsdp: "data", minSize: 64 }]],
};

/** A process, what it has said, and its last word. */
interface Member {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly ended: Promise<{
    steps?: number;
    error?: string;
    interrupted?: boolean;
    evals?: object;
  }>;
}

function start(job: Job, onLine: (line: string) => void = () => undefined): Member {
  const file = fileURLToPath(new URL("./cluster-member.ts", import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const lines: string[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const said = (rest + text).split("\n");
    rest = said.pop()!;
    lines.push(...said);
    said.forEach(onLine);
  });
  const ended = once(child, "close").then(() => {
    const last = lines.find((line) => line.startsWith("ended ")) ?? "ended {}";
    return JSON.parse(last.slice("ended ".length)) as Awaited<Member["ended"]>;
  });
  return { child, lines, ended };
}

async function places(): Promise<Job["place"][]> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return [0, 1].map((index) => ({ host: "127.0.0.1", port, index, processes: 2 }));
}

const lossesOf = async (workdir: string): Promise<number[]> =>
  (await metricsOf(workdir)).flatMap((line) => (line as { loss?: number }).loss ?? []);

test.skipIf(!installed)(
  "two processes train as one does, stop together and go on together",
  { timeout: 240_000 },
  async () => {
    const alone = join(dir, "alone");
    const result = await train(config, { workdir: alone, engine: openStandIn });
    const expected = await lossesOf(alone);
    expect(expected).toHaveLength(STEPS);

    const workdir = join(dir, "two");
    const unused = join(dir, "unused");
    const [first, second] = await places();
    // the wish to stop comes to the process that writes nothing
    const zero = start({ place: first, workdir, config }, (line) => {
      if (line.startsWith("step 3/")) one.child.kill("SIGINT");
    });
    const one = start({ place: second, workdir: unused, config });
    const [stopped, other] = await Promise.all([zero.ended, one.ended]);
    expect(stopped).toMatchObject({ interrupted: true });
    expect(other).toEqual(stopped);
    expect(stopped.steps).toBeGreaterThanOrEqual(3);
    expect(stopped.steps).toBeLessThan(STEPS);
    expect(await lossesOf(workdir)).toEqual(expected.slice(0, stopped.steps));
    expect(existsSync(unused)).toBe(false);
    expect(one.lines).toHaveLength(1);

    const again = (await places()).map((place) => start({ place, workdir }));
    const ended = await Promise.all(again.map(({ ended }) => ended));
    const { steps, evals, interrupted } = result;
    expect(ended).toEqual([0, 1].map(() => ({ steps, evals, interrupted })));
    expect(await lossesOf(workdir)).toEqual(expected);
  },
);

test.skipIf(!installed || !long)(
  "a process that is killed ends the other with one line, and another configuration is refused",
  { timeout: 240_000 },
  async () => {
    const workdir = join(dir, "lost");
    const [first, second] = await places();
    const zero = start({ place: first, workdir, config }, (line) => {
      if (line.startsWith("step 2/")) one.child.kill("SIGKILL");
    });
    const one = start({ place: second, workdir, config });
    expect(await zero.ended).toEqual({
      error: expect.stringContaining("process 1 was lost; this one is process 0.") as string,
    });

    const [place, otherPlace] = await places();
    const different = { ...config, batchSize: 32 };
    const both = [
      start({ place, workdir: join(dir, "differ"), config }),
      start({ place: otherPlace, workdir: join(dir, "differ"), config: different }),
    ];
    const errors = (await Promise.all(both.map(({ ended }) => ended))).map(({ error }) => error);
    expect(errors.join("\n")).toMatch(
      /another batchSize than the others: (32, not 16|16, not 32)\./,
    );
    expect(errors.every((error) => error !== undefined)).toBe(true);
  },
);
