/** @file What only this engine does: memory given up and taken back, errors of the device, clean exits, no leaks. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import {
  type Tensor,
  add,
  broadcastTo,
  debugPrint,
  debugSink,
  hostArray,
  matmul,
  mul,
  reduceSum,
  sort,
  trace,
} from "../../graph/index.ts";
import { type DeviceArray, jit } from "../engine.ts";
import { createXlaEngine } from "./index.ts";
import { installedPlugins } from "./plugins.ts";

const installed = installedPlugins().includes("xla-cpu");
const ones = (n: number) => hostArray([n], "float32", new Float32Array(n).fill(1));
const spec = (...shape: number[]) => ({ shape, dtype: "float32" as const });

/** Resident memory without garbage of JavaScript's own, of which there may be tens of megabytes. */
function residentBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().rss;
}

describe.skipIf(!installed)("the xla engine on the CPU", () => {
  const engine = createXlaEngine({ plugin: "xla-cpu" });
  afterAll(() => engine.dispose());

  it("computes in the memory of donated inputs, and refuses them afterwards", async () => {
    const { program } = trace((x: Tensor) => add(x, 1), spec(1024));
    using executable = await engine.compile(program, { donate: [0] });
    expect(executable.memory).toMatchObject({ aliased: 4096 });
    const x = await engine.upload(ones(1024));
    const pending = x.read();
    const [y] = await executable.run([x]);
    expect(x.disposed).toBe(true);
    await expect(executable.run([x])).rejects.toThrow("disposed");
    await expect(x.read()).rejects.toThrow("was donated and can no longer be used");
    expect((await pending).data[7]).toBe(1);
    expect((await y.read()).data[7]).toBe(2);
  });

  it("copies a donated input that is also read elsewhere", async () => {
    const { program } = trace((x: Tensor, y: Tensor) => [add(x, y), mul(x, y)], spec(8), spec(8));
    using executable = await engine.compile(program, { donate: [0] });
    const x = await engine.upload(ones(8));
    const [sum, product] = await executable.run([x, x]);
    expect((await sum.read()).data[0]).toBe(2);
    expect((await product.read()).data[0]).toBe(1);
  });

  it("leaves the event loop free", async () => {
    const chain = jit(engine, (x: Tensor) => {
      let y = x;
      for (let i = 0; i < 8; i++) y = matmul(y, x);
      return y;
    });
    const x = await engine.upload(hostArray([768, 768], "float32", new Float32Array(768 * 768)));
    await chain(x);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const start = performance.now();
    await ((await chain(x)) as DeviceArray).read();
    const ms = performance.now() - start;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(ms / 20);
  });

  it("tells when a program does not fit, and goes on", async () => {
    const huge = jit(engine, (x: Tensor) => broadcastTo(x, [1 << 20, 1 << 20]));
    await expect(huge(ones(1))).rejects.toThrow(/does not fit into the device's memory/);
    await expect(huge(ones(1))).rejects.toThrow(
      /its largest values: 4096.0 GB \[1048576,1048576\]/,
    );
    const later = jit(engine, (x: Tensor) =>
      reduceSum(sort(broadcastTo(x, [1 << 18, 1 << 20]), 0)),
    );
    const result = (await later(ones(1 << 20))) as DeviceArray;
    await expect(result.read()).rejects.toThrow(/does not fit into the device's memory/);
    const small = jit(engine, (x: Tensor) => add(x, 1));
    expect((await ((await small(ones(1))) as DeviceArray).read()).data[0]).toBe(2);
  });

  it("prints what debugPrint shows", async () => {
    const shown: string[] = [];
    const { write } = debugSink;
    debugSink.write = (label, { data }) => void shown.push(`${label} ${Array.from(data).join()}`);
    try {
      await jit(engine, (x: Tensor) => mul(debugPrint("x", x), 2))(ones(2));
    } finally {
      debugSink.write = write;
    }
    expect(shown).toEqual(["x 1,1"]);
  });

  it("runs 50,000 times without a leak", async () => {
    const { program } = trace((x: Tensor, y: Tensor) => add(x, y), spec(4), spec(4));
    using executable = await engine.compile(program, { donate: [0] });
    const y = await engine.upload(ones(4));
    let x: DeviceArray = await engine.upload(ones(4));
    const run = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) [x] = await executable.run([x, y]);
    };
    await run(10_000);
    const before = residentBytes();
    await run(50_000);
    expect((await x.read()).data[0]).toBe(60_001);
    expect(residentBytes() - before).toBeLessThan(48 << 20);
  }, 240_000);

  const NOTHING = "";
  const WORK = `
    const shape = [512, 512], dtype = "float32";
    const { program } = trace((x) => matmul(matmul(x, x), matmul(x, x)), { shape, dtype });
    const executable = await engine.compile(program);
    const [y] = await executable.run([hostArray(shape, dtype, new Float32Array(512 * 512))]);
    void y.read();`;
  const DISPOSED = "await engine.dispose();";

  it.each([
    ["at once", NOTHING],
    ["with work under way", WORK],
    ["disposed of", DISPOSED],
    ["disposed of with work under way", WORK + DISPOSED],
  ])("lets a process end cleanly, %s", (_how, body) => {
    const entry = fileURLToPath(new URL("index.ts", import.meta.url));
    const graph = fileURLToPath(new URL("../../graph/index.ts", import.meta.url));
    const script = `
      import { createXlaEngine } from ${JSON.stringify(entry)};
      import { hostArray, matmul, trace } from ${JSON.stringify(graph)};
      const engine = createXlaEngine({ plugin: "xla-cpu" });
      ${body}
      process.exit(3);`;
    const run = () =>
      execFileSync(process.execPath, ["--input-type=module", "--eval", script], { stdio: "pipe" });
    expect(run).toThrow(expect.objectContaining({ status: 3, signal: null }));
  });
});
