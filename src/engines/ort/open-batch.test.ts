import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeModel } from "../../formats/onnx-encode.ts";
import type { OnnxModel } from "../../formats/onnx.ts";
import * as g from "../../graph/index.ts";
import { interpretProgram } from "../../graph/interpret.ts";
import { decode } from "../../graph/values.ts";
import { EXPORT_BATCHES, toOnnx } from "./export.ts";
import { onnxProgram } from "./onnx-program.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { openRuntime } from "./runtime/select.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ threads: 1 });
});
afterAll(() => runtime.close());

type Fn = (x: g.Tensor) => g.Tensor;

const numbers = (shape: g.Shape, seed: number): g.HostArray =>
  g.fromNumbers(
    Array.from({ length: g.sizeOf(shape) }, (_, i) => Math.sin(seed + 1.7 * i)),
    shape,
    "float32",
  );
const constant = (shape: g.Shape, seed: number): g.Tensor => g.constant(numbers(shape, seed));

const traced = (fn: Fn, rest: g.Shape, batch: number): g.Program =>
  g.trace(fn, { shape: [batch, ...rest], dtype: "float32" }).program;

function exported(fn: Fn, rest: g.Shape, batches: readonly number[] = EXPORT_BATCHES): OnnxModel {
  const [program, otherBatch] = batches.map((batch) => traced(fn, rest, batch));
  return toOnnx(program, { inputNames: ["x"], outputNames: ["y"], otherBatch });
}

/** What is chosen by size: each has an operand with the batch beside fixed numbers on either side of trial sizes. */
const PROGRAMS: Readonly<Record<string, { fn: Fn; rest: g.Shape }>> = {
  "a sum of rows, few or many": {
    fn: (x) => g.add(g.reduceSum(x, 0), g.reduceSum(x, [0, 1])),
    rest: [2, 20],
  },
  "a sum of rows within an image": { fn: (x) => g.reduceSum(x, [1, 2]), rest: [2, 2, 32] },
  "a sum beside a fixed operand that may be larger": {
    fn: (x) => g.add(g.transpose(x, [1, 0, 2]), constant([3, 1, 40_000], 1)),
    rest: [3, 40_000],
  },
  "a product with a fixed matrix that may be larger": {
    fn: (x) =>
      g.dotGeneral(x, constant([300, 5, 5], 2), { lhsContract: [1, 2], rhsContract: [2, 1] }),
    rest: [5, 5],
  },
  "a product whose transposed side may be the smaller": {
    fn: (x) => g.dotGeneral(constant([6, 90], 3), x, { lhsContract: [0], rhsContract: [1] }),
    rest: [6],
  },
  "a product of the batch with itself": { fn: (x) => g.matmul(x, g.transpose(x)), rest: [70] },
  "rows in reverse": { fn: (x) => g.reverse(g.mul(x, 2), [0]), rest: [3] },
  "a concatenation of unlike parts": {
    fn: (x) => {
      const token = g.broadcastTo(constant([1, 200, 4], 4), [x.shape[0], 200, 4]);
      return g.concatenate([g.transpose(token, [1, 0, 2]), g.transpose(x, [1, 0, 2])], 0);
    },
    rest: [3, 4],
  },
  "elements at places": {
    fn: (x) =>
      g.takeAlongAxis(x, g.convert(g.greater(g.slice(x, [0, 0], [x.shape[0], 2]), 0), "int32"), 1),
    rest: [6],
  },
  "the number of each row": {
    fn: (x) => g.add(x, g.iota(x.shape, "float32", 0)),
    rest: [2],
  },
  "a scan over the batch": {
    fn: (x) =>
      g.scan(([c], [row]) => ({ carry: [g.add(c, row)], ys: [g.sin(c)] }), [g.zeros([3])], [x])
        .ys[0],
    rest: [3],
  },
  "a long scan that carries the batch": {
    fn: (x) =>
      g.scan(
        ([c], [w]) => ({
          carry: [g.reshape(g.tanh(g.matmul(g.reshape(c, [x.shape[0] * 2, 2]), w)), c.shape)],
        }),
        [x],
        [constant([40, 2, 2], 5)],
      ).carry[0],
    rest: [4],
  },
  "a branch over the batch": {
    fn: (x) =>
      g.cond(
        g.greater(g.reduceSum(x), 0),
        (a) => [g.reduceSum(g.reshape(g.sin(a), [x.shape[0] * 2, 2]), 0)],
        (a) => [g.reduceSum(g.reshape(g.cos(a), [x.shape[0] * 2, 2]), 0)],
        x,
      )[0],
    rest: [4],
  },
};
const rows = Object.keys(PROGRAMS);

describe.each(rows)("%s", (row) => {
  const { fn, rest } = PROGRAMS[row];

  test("is one graph, whatever the batch was while it was lowered", () => {
    const usual = exported(fn, rest);
    for (const batches of [
      [43, 47],
      [373, 379],
    ]) {
      expect(exported(fn, rest, batches)).toEqual(usual);
    }
  });

  test.each([1, 3, 17])("computes the same for a batch of %i", async (batch) => {
    const program = await onnxProgram(runtime, encodeModel(exported(fn, rest)).model);
    const x = numbers([batch, ...rest], 6);
    const [got] = await program.run([x]);
    const [want] = interpretProgram(traced(fn, rest, batch), [decode(x)]);
    const [values, wanted] = [g.toNumbers(got), Array.from(want.data)];
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const error = wanted.reduce((most, y, i) => Math.max(most, Math.abs(values[i] - y)), 0);
    expect(values.length).toBe(wanted.length);
    expect(error / largest).toBeLessThan(1e-6);
  });
});

test("a scan over nothing, as often as there are rows, is refused", () => {
  const fn: Fn = (x) =>
    g.scan(([c]) => ({ carry: [g.sin(c)] }), [g.scalar(1)], [], { length: x.shape[0] }).carry[0];
  expect(() => exported((x) => g.add(fn(x), x), [2])).toThrow(
    /the number of steps of a scan over nothing depends on it/,
  );
});

test("a fixed extent that a trial size divides is an error that names both", () => {
  expect(() => exported((x) => g.sin(x), [EXPORT_BATCHES[0] * 2])).toThrow(
    /fixed extent 20014 is a multiple of the batch size 10007/,
  );
});
