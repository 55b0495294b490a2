/** @file What only the C API does: memory in place, a free event loop, profiles, clean exits. */

import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { fromNumbers, hostArray, toNumbers } from "../../../graph/dtype.ts";
import { MemoryPool } from "./memory.ts";
import { createNativeRuntime } from "./native.ts";
import { readProfile } from "./profile.ts";
import { testModel, unaryModel } from "./test-models.ts";

const runtime = createNativeRuntime({ threads: 2 });
afterAll(() => runtime.close());

const N = 1024;
/** A chain of products: some 100 ms. */
const slow = testModel({
  inputs: { x: ["float32", [N, N]] },
  outputs: { y: ["float32", [N, N]] },
  nodes: Array.from({ length: 6 }, (_, i) => [
    "MatMul",
    [i === 0 ? "x" : `t${i}`, "x"],
    [i === 5 ? "y" : `t${i + 1}`],
  ]),
});

describe("native runtime", () => {
  it("leaves the event loop free", async () => {
    await using session = await runtime.createSession(slow);
    using x = runtime.allocate("float32", [N, N]);
    x.write(new Float32Array(N * N).fill(1 / N));
    using y = runtime.allocate("float32", [N, N]);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 2);
    const start = performance.now();
    await session.run([x], [y]);
    const ms = performance.now() - start;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(ms / 2 / 6);
    expect(y.view[N]).toBeCloseTo(1 / N, 6);
  });

  it("writes outputs into the bound memory itself", async () => {
    await using session = await runtime.createSession(unaryModel("Neg", "float32", [100]));
    using x = runtime.upload(fromNumbers(Array(100).fill(2), [100], "float32"));
    using y = runtime.allocate("float32", [100]);
    const view = y.view;
    expect(view.byteOffset % 8).toBe(0);
    await session.run([x], [y]);
    expect(view[99]).toBe(-2);
  });

  it("reuses memory by size, never beyond the peak, and gives it back", () => {
    const pool = new MemoryPool();
    const a = pool.take(1000);
    const b = pool.take(1000);
    expect(a.address % 64n).toBe(0n);
    pool.give(a);
    expect(pool.take(1001).address).toBe(a.address);
    pool.give(b);
    pool.give(a);
    expect(pool.usage).toEqual({ live: 0, idle: 2048 });
    pool.take(1500); // 1536: another size, so one idle block has to go
    expect(pool.usage).toEqual({ live: 1536, idle: 0 });
    pool.trim();
    expect(a.buffer.byteLength + b.buffer.byteLength).toBe(0);
  });

  it("does not grow over many runs", async () => {
    await using session = await runtime.createSession(unaryModel("Neg", "float32", [1]));
    const step = async (count: number) => {
      for (let i = 0; i < count; i++) {
        using x = runtime.upload(fromNumbers([i], [1], "float32"));
        using y = runtime.allocate("float32", [1]);
        await session.run([x], [y]);
      }
    };
    await step(1000);
    const before = process.memoryUsage.rss();
    await step(2000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(16e6);
  });

  it("writes a profile that reads back as rows", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ocelli-"));
    try {
      await using session = await runtime.createSession(slow, { profile: join(folder, "p") });
      using x = runtime.upload(hostArray([N, N], "float32", new Float32Array(N * N)));
      using y = runtime.allocate("float32", [N, N]);
      await session.run([x], [y]);
      const json = await readFile(await session.endProfile(), "utf8");
      expect(readProfile(json, "op")).toMatchObject([{ op: "MatMul", count: 6 }]);
      expect(readProfile(json)).toHaveLength(6);
      expect(readProfile(json)[0].shapes).toBe(`float[${N},${N}] · float[${N},${N}]`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("opens a model from a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ocelli-"));
    try {
      const path = join(folder, "modèle.onnx");
      await writeFile(path, unaryModel("Neg", "float32", [2]));
      await using session = await runtime.createSession({ path });
      expect(session.inputs).toEqual([{ name: "x", dtype: "float32", shape: [2] }]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("takes options, and refuses those ONNX Runtime refuses", async () => {
    const model = unaryModel("Neg", "int32", [2]);
    await using session = await runtime.createSession(model, {
      optimization: "none",
      disabledOptimizers: ["EliminateIdentity"],
      spinning: false,
      memoryArena: false,
      memoryPattern: false,
      config: { "session.set_denormal_as_zero": "1" },
    });
    using x = runtime.upload(fromNumbers([1, 2], [2], "int32"));
    await session.run([x], [x]);
    expect(toNumbers(await x.read())).toEqual([-1, -2]);
    await expect(runtime.createSession(model, { config: { "": "1" } })).rejects.toThrow(
      /Config key/,
    );
    await expect(runtime.createSession({ path: "/nowhere.onnx" })).rejects.toThrow(/nowhere/);
  });

  it("survives garbage collection, of the library's handle too", () => {
    const script = `
      const { createNativeRuntime } = await import(${JSON.stringify(import.meta.resolve("./native.ts"))});
      const runtime = createNativeRuntime({ threads: 1 });
      const model = Buffer.from("${Buffer.from(slow).toString("base64")}", "base64");
      for (let i = 0; i < 3; i++) {
        const session = await runtime.createSession(model);
        const x = runtime.upload({ shape: [${N}, ${N}], dtype: "float32", data: new Float32Array(${N * N}) });
        const run = session.run([x], [runtime.allocate("float32", [${N}, ${N}])]);
        gc();
        await run;
        gc();
      }
      await runtime.close();`;
    execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", script]);
  });

  it.each(["finished", "pending", "error"])("exits cleanly with a run %s", (when) => {
    const script = `
      const { createNativeRuntime } = await import(${JSON.stringify(import.meta.resolve("./native.ts"))});
      const runtime = createNativeRuntime({ threads: 2 });
      const session = await runtime.createSession(Buffer.from("${Buffer.from(slow).toString("base64")}", "base64"));
      const x = runtime.allocate("float32", [${N}, ${N}]);
      const y = runtime.allocate("float32", [${N}, ${N}]);
      const run = session.run([x], [y]).catch(() => {});
      ${when === "finished" ? "await run;" : "await new Promise((resolve) => setTimeout(resolve, 5));"}
      ${when === "error" ? "throw new Error('deliberate');" : "process.exit(7);"}`;
    const outcome = () =>
      execFileSync(process.execPath, ["--input-type=module", "-e", script], { stdio: "pipe" });
    expect(outcome).toThrow(
      expect.objectContaining({ status: when === "error" ? 1 : 7, signal: null }),
    );
  });
});
