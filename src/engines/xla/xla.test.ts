/** @file What only this engine does: memory given up and taken back, errors of the device, clean exits, no leaks. */

import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import {
  type Tensor,
  add,
  broadcastTo,
  conv,
  debugPrint,
  debugSink,
  hostArray,
  matmul,
  mul,
  reduceSum,
  sizeOf,
  sort,
  trace,
} from "../../graph/index.ts";
import { type DeviceArray, jit } from "../engine.ts";
import { createXlaEngine } from "./index.ts";
import { installedPlugins } from "./plugins.ts";

const installed = installedPlugins().includes("xla-cpu");
const ones = (n: number) => hostArray([n], "float32", new Float32Array(n).fill(1));
const spec = (...shape: number[]) => ({ shape, dtype: "float32" as const });

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

  it("reads nothing beside an image that negative padding crops", async () => {
    const cases = [
      { x: [2, 4, 9], kernel: [2, 3, 9], groups: 3, padding: [[-1, 1]] },
      { x: [2, 3, 3, 2], kernel: [3, 2, 2, 2], strides: [2, 2], padding: [[-1, 1], [0, 0]] }, // prettier-ignore
      { x: [1, 3, 3, 2], kernel: [2, 2, 2, 2], lhsDilation: [2, 1], padding: [[-5, 6], [2, -2]] }, // prettier-ignore
    ] as const;
    for (const { x: shape, kernel, ...options } of cases) {
      const { program } = trace((a: Tensor, b: Tensor) => conv(a, b, options), spec(...shape), spec(...kernel)); // prettier-ignore
      using executable = await engine.compile(program);
      const filled = (extents: readonly number[], value: number) =>
        hostArray(extents, "float32", new Float32Array(sizeOf(extents)).fill(value));
      const inputs = [filled(shape, 0), filled(kernel, 1)];
      for (let run = 0; run < 50; run++) {
        const [y] = await executable.run(inputs); // what lies beside it in memory differs from run to run
        expect(Math.max(...((await y.read()).data as Float32Array).map(Math.abs))).toBe(0);
      }
    }
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

  it("leaves worker threads to files while many results are awaited", async () => {
    const slow = jit(engine, (x: Tensor) => {
      let y = x;
      for (let i = 0; i < 8; i++) y = matmul(y, x);
      return Array.from({ length: 6 }, (_, i) => reduceSum(mul(y, i)));
    });
    const x = await engine.upload(hostArray([1024, 1024], "float32", new Float32Array(1 << 20)));
    const order: string[] = [];
    const made = (await slow(x)) as DeviceArray[];
    const results = made.map((result) => result.read().then(() => order.push("result")));
    await readFile(fileURLToPath(import.meta.url)).then(() => order.push("file"));
    await Promise.all(results);
    expect(order).toHaveLength(7);
    expect(order[0]).toBe("file");
  });

  it("tells when a program does not fit, and goes on", async () => {
    const huge = jit(engine, (x: Tensor) => broadcastTo(x, [1 << 20, 1 << 20]));
    const failed = huge(ones(1));
    await expect(failed).rejects.toThrow("does not fit into the device's memory");
    await expect(failed).rejects.toThrow(
      "its largest values: 4096.0 GB [1048576,1048576] of broadcast",
    );
    await expect(failed).rejects.toThrow("It needs 4096.0 GB; there are ");
    const small = jit(engine, (x: Tensor) => add(x, 1));
    expect((await ((await small(ones(1))) as DeviceArray).read()).data[0]).toBe(2);
  });

  it.each([
    ["at once", (x: Tensor) => broadcastTo(x, [1 << 18, 1 << 20])],
    ["on the way", (x: Tensor) => reduceSum(sort(broadcastTo(x, [1 << 18, 1 << 20]), 0))],
  ])("tells when the device refuses memory %s, and goes on", async (_when, grow) => {
    const device = createXlaEngine({ plugin: "xla-cpu", checkMemory: false });
    const result = jit(device, grow)(ones(1 << 20)).then((y) => (y as DeviceArray).read());
    await expect(result).rejects.toThrow(
      /largest values: 1024.0 GB.* does not fit into the device/,
    );
    const small = jit(device, (x: Tensor) => add(x, 1));
    expect((await ((await small(ones(1))) as DeviceArray).read()).data[0]).toBe(2);
    await device.dispose();
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

  const WORK = `
    const shape = [512, 512], dtype = "float32";
    const { program } = trace((x) => matmul(matmul(x, x), matmul(x, x)), { shape, dtype });
    const executable = await engine.compile(program);
    const [y] = await executable.run([hostArray(shape, dtype, new Float32Array(512 * 512))]);
    void y.read();`;
  const DISPOSE = "await engine.dispose();";
  const EXIT = "process.exit(3);";

  it.each([
    ["at once", EXIT, 3],
    ["with work under way", WORK + EXIT, 3],
    ["with work under way, of itself", WORK, 0],
    ["with work under way, by an error", `${WORK} throw new Error("stop");`, 1],
    ["disposed of", DISPOSE + EXIT, 3],
    ["disposed of with work under way", WORK + DISPOSE + EXIT, 3],
  ])("lets a process end cleanly, %s", (_how, body, expected) => {
    const entry = fileURLToPath(new URL("index.ts", import.meta.url));
    const graph = fileURLToPath(new URL("../../graph/index.ts", import.meta.url));
    const script = `
      import { createXlaEngine } from ${JSON.stringify(entry)};
      import { hostArray, matmul, trace } from ${JSON.stringify(graph)};
      const engine = createXlaEngine({ plugin: "xla-cpu" });
      ${body}`;
    const { status, signal, stderr } = spawnSync(process.execPath, [
      "--input-type=module",
      "--eval",
      script,
    ]);
    expect({ status, signal }, String(stderr)).toEqual({ status: expected, signal: null });
  });
});
