/** @file Arrays above a GPU's limit in Node: `OCELLI_LONG=1 npx vitest run tests/webgpu/large.test.ts`. A process has one limit. */

import { describe, expect, it } from "vitest";
import { OrtEngine } from "../../src/engines/ort/engine.ts";
import { createWebGpuRuntime } from "../../src/engines/ort/runtime/gpu/webgpu.ts";
import { LIMIT, largeErrors } from "./large-arrays.ts";

const runtime =
  process.env.OCELLI_LONG === "1"
    ? await createWebGpuRuntime({ threads: 1, maxStorageBytes: LIMIT }).catch(String)
    : "asked for by OCELLI_LONG=1";
const reason = typeof runtime === "string" ? `: skipped, ${runtime}` : "";

describe.skipIf(reason !== "")(`arrays above 128 MB on a GPU${reason}`, () => {
  it("are computed in pieces where that is the limit", { timeout: 300_000 }, async () => {
    if (typeof runtime === "string") return;
    await using open = runtime;
    expect(open.gpu.maxStorageBytes).toBe(LIMIT);
    const errors = await largeErrors(new OrtEngine({ runtime: open }));
    for (const [what, error] of Object.entries(errors)) expect(error, what).toBeLessThan(2e-5);
  });
});
