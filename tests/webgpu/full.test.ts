/**
 * @file A GPU without room for an array, in Node on Linux: this process is denied memory while the array is made.
 * `OCELLI_LONG=1 npx vitest run tests/webgpu/full.test.ts`
 */

import { readFileSync } from "node:fs";
import koffi from "koffi";
import { describe, expect, it } from "vitest";
import { type DeviceArray, jit } from "../../src/engines/engine.ts";
import { OrtEngine } from "../../src/engines/ort/engine.ts";
import { createWebGpuRuntime } from "../../src/engines/ort/runtime/gpu/webgpu.ts";
import { type Tensor, add, broadcastTo, exp, fromNumbers } from "../../src/graph/index.ts";

const runtime =
  process.env.OCELLI_LONG === "1" && process.platform === "linux"
    ? await createWebGpuRuntime({ threads: 1 }).catch(String)
    : "asked for by OCELLI_LONG=1, on Linux";
const reason = typeof runtime === "string" ? `: skipped, ${runtime}` : "";

/** RLIMIT_AS: bytes that a process may address. */
const ADDRESSES = 9;

/** Runs work while the process can address only so many more bytes. */
async function within<T>(more: number, work: () => Promise<T>): Promise<T> {
  const libc = koffi.load("libc.so.6");
  const call = (name: string) =>
    libc.func(`int ${name}(int what, void *limit)`) as (what: number, to: BigUint64Array) => number;
  const before = new BigUint64Array(2); // the soft limit and the hard one
  expect(call("getrlimit")(ADDRESSES, before)).toBe(0);
  const status = readFileSync("/proc/self/status", "utf8");
  const now = 1024 * Number(/VmSize:\s+(\d+)/.exec(status)![1]);
  expect(call("setrlimit")(ADDRESSES, BigUint64Array.of(BigInt(now + more), before[1]))).toBe(0);
  try {
    return await work();
  } finally {
    call("setrlimit")(ADDRESSES, before);
  }
}

describe.skipIf(reason !== "")(`a GPU without memory${reason}`, () => {
  it("says so at once, and computes what there is room for", { timeout: 120_000 }, async () => {
    if (typeof runtime === "string") return;
    await using open = runtime;
    const engine = new OrtEngine({ runtime: open });
    const large = jit(engine, (x: Tensor) => broadcastTo(exp(x), [256 * 1024, 1024])); // 1 GB
    const small = jit(engine, (x: Tensor) => add(x, 1));
    const one = fromNumbers([1], [], "float32");
    const read = async (array: unknown) => [...(await (array as DeviceArray).read()).data];
    expect(await read(await small(one))).toEqual([2]);
    await within(400 * 2 ** 20, async () => {
      const made = await large(one);
      await expect(read(made)).rejects.toMatchObject({
        code: "engine",
        message: expect.stringMatching(/the GPU has no memory left for an array/) as string,
      });
      expect(await read(await small(one))).toEqual([2]);
    });
  });
});
