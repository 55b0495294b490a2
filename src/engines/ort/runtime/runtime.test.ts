/** @file One contract for every way to ONNX Runtime: all element types, order, failure, disposal. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OcelliError } from "../../../errors.ts";
import { DTYPES, fromNumbers, toNumbers } from "../../../graph/dtype.ts";
import type { DType } from "../../../graph/dtype.ts";
import type { Runtime } from "./runtime.ts";
import { openRuntime } from "./select.ts";
import { testModel, unaryModel } from "./test-models.ts";
import { createWebRuntime } from "./web.ts";

const kinds: Record<string, () => Promise<Runtime>> = {
  "c-api": () => openRuntime({ threads: 2, prefer: "c-api" }),
  node: () => openRuntime({ threads: 2, prefer: "node" }),
  web: async () => createWebRuntime(await import("onnxruntime-web"), { threads: 2 }),
};

const SHAPES = [[], [0, 3], [2, 2]];

const code = (error: unknown) => (error as OcelliError).code;

describe.each(Object.keys(kinds))("runtime %s", (kind) => {
  let runtime: Runtime;
  beforeAll(async () => void (runtime = await kinds[kind]()));
  afterAll(() => runtime.close());

  const upload = (values: number[], shape = [values.length], dtype: DType = "float32") =>
    runtime.upload(fromNumbers(values, shape, dtype));

  it("says what it is", () => {
    expect(runtime.kind).toBe(kind);
    expect(runtime.name).toMatch(/^ONNX Runtime \d+\.\d+\.\d+, /);
  });

  it("computes, and knows names and shapes", async () => {
    await using session = await runtime.createSession(
      testModel({
        inputs: { x: ["float32", [2, 3]], s: ["float32", []] },
        outputs: { sum: ["float32", [2, 3]], product: ["float32", [2, 3]] },
        nodes: [
          ["Add", ["x", "s"], ["sum"]],
          ["Mul", ["x", "s"], ["product"]],
        ],
      }),
    );
    expect(session.inputs).toEqual([
      { name: "x", dtype: "float32", shape: [2, 3] },
      { name: "s", dtype: "float32", shape: [] },
    ]);
    using x = upload([1, 2, 3, 4, 5, 6], [2, 3]);
    using s = upload([2], []);
    using sum = runtime.allocate("float32", [2, 3]);
    using product = runtime.allocate("float32", [2, 3]);
    await session.run([x, s], [sum, product]);
    expect(toNumbers(await sum.read())).toEqual([3, 4, 5, 6, 7, 8]);
    expect(toNumbers(await product.read())).toEqual([2, 4, 6, 8, 10, 12]);
  });

  const supported = DTYPES.filter((dtype) => dtype !== "bfloat16" || kind === "c-api");
  it.each(supported)("carries %s: scalars, no elements, several", async (dtype) => {
    for (const shape of SHAPES) {
      await using session = await runtime.createSession(unaryModel("Identity", dtype, shape));
      const values = shape.includes(0) ? [] : shape.length === 0 ? [1] : [1, 0, 1, 1];
      using x = upload(values, shape, dtype);
      using y = runtime.allocate(dtype, shape);
      await session.run([x], [y]);
      const result = await y.read();
      expect(result).toEqual(fromNumbers(values, shape, dtype));
    }
  });

  it("runs in order, and a read sees the runs before it and none after", async () => {
    await using session = await runtime.createSession(addOne);
    using x = upload([0]);
    using y = runtime.allocate("float32", [1]);
    const reads: Promise<number[]>[] = [];
    const read = async (buffer: typeof x) => toNumbers(await buffer.read());
    const runs: Promise<void>[] = [];
    for (let i = 0; i < 4; i++) {
      runs.push(session.run([x], [y]));
      reads.push(read(y));
      runs.push(session.run([y], [x]));
    }
    reads.push(read(x));
    expect(await Promise.all(reads)).toEqual([[1], [3], [5], [7], [8]]);
    await Promise.all(runs);
  });

  it("lets one buffer be input and output", async () => {
    await using session = await runtime.createSession(addOne);
    using x = upload([0]);
    for (let i = 0; i < 3; i++) void session.run([x], [x]);
    expect(toNumbers(await x.read())).toEqual([3]);
  });

  it("keeps a disposed buffer until the runs that use it are done", async () => {
    await using session = await runtime.createSession(addOne);
    const x = upload([41]);
    using y = runtime.allocate("float32", [1]);
    const run = session.run([x], [y]);
    const read = x.read();
    x.dispose();
    expect(() => session.run([x], [y])).toThrow(/disposed/);
    expect(() => x.read()).toThrow(/disposed/);
    await run;
    expect(toNumbers(await read)).toEqual([41]);
    expect(toNumbers(await y.read())).toEqual([42]);
  });

  it("refuses a write while a run is queued", async () => {
    await using session = await runtime.createSession(addOne);
    using x = upload([1]);
    using y = runtime.allocate("float32", [1]);
    const run = session.run([x], [y]);
    expect(() => x.write(new Float32Array(1))).toThrow(/still uses/);
    await run;
    x.write(new Float32Array([5]));
    expect(() => x.write(new Float32Array(2))).toThrow(/holds 1 elements/);
    await session.run([x], [y]);
    expect(toNumbers(await y.read())).toEqual([6]);
  });

  it("refuses buffers that do not fit", async () => {
    await using session = await runtime.createSession(addOne);
    using x = upload([1]);
    using long = upload([1, 2]);
    using whole = upload([1], [1], "int32");
    expect(() => session.run([x], [])).toThrow("1 outputs, 0 buffers");
    expect(() => session.run([long], [x])).toThrow(
      'input "x" is float32 [1], its buffer float32 [2]',
    );
    expect(() => session.run([x], [whole])).toThrow('output "y" is float32 [1]');
  });

  it("reports broken models, and failed runs with all that depends on them", async () => {
    const broken = await runtime.createSession(new Uint8Array(100)).catch((error) => error);
    expect(code(broken)).toBe("engine");
    await using gather = await runtime.createSession(
      testModel({
        inputs: { x: ["float32", [2]], i: ["int64", [1]] },
        outputs: { y: ["float32", [1]] },
        nodes: [["Gather", ["x", "i"], ["y"]]],
      }),
    );
    await using next = await runtime.createSession(addOne);
    using x = upload([1, 2]);
    using i = upload([7], [1], "int64");
    using y = runtime.allocate("float32", [1]);
    using z = runtime.allocate("float32", [1]);
    const outcomes = await Promise.allSettled([
      gather.run([x, i], [y]),
      next.run([y], [z]),
      z.read(),
      next.run([x0], [z]),
      z.read(),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect(String((outcomes[0] as PromiseRejectedResult).reason)).toMatch(/Gather.*out of/s);
    for (const outcome of outcomes.slice(1, 3)) {
      expect(String((outcome as PromiseRejectedResult).reason)).toMatch(
        /this buffer failed at the operator Gather.*: indices element out of data bounds, idx=7/,
      );
    }
  });
  let x0: ReturnType<typeof upload>;
  beforeAll(() => void (x0 = upload([1])));
});

const addOne = testModel({
  inputs: { x: ["float32", [1]] },
  outputs: { y: ["float32", [1]] },
  nodes: [["Add", ["x", "one"], ["y"]]],
  constants: { one: fromNumbers([1], [1], "float32") },
});
