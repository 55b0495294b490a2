import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeModel } from "../../formats/onnx-encode.ts";
import type { OnnxModel } from "../../formats/onnx.ts";
import { interpretProgram } from "../../graph/interpret.ts";
import {
  type HostArray,
  type Tensor,
  add,
  attention,
  broadcastTo,
  concatenate,
  conv,
  dotGeneral,
  fromNumbers,
  gelu,
  indexAxis,
  layerNorm,
  matmul,
  mean,
  reduceSum,
  reshape,
  rmsNorm,
  sizeOf,
  toNumbers,
  trace,
} from "../../graph/index.ts";
import { withScope } from "../../graph/tensor.ts";
import { EXPORT_BATCHES, toOnnx } from "./export.ts";
import { openRuntime } from "./runtime/select.ts";
import type { Runtime } from "./runtime/runtime.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ threads: 1 });
});
afterAll(() => runtime.close());

const numbers = (shape: readonly number[], seed: number): HostArray =>
  fromNumbers(
    Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(seed + 1.7 * i)),
    shape,
    "float32",
  );

const WIDTH = 8;
const params = {
  stem: numbers([4, 4, 3, WIDTH], 1),
  token: numbers([1, 1, WIDTH], 2),
  scale: numbers([WIDTH], 3),
  bias: numbers([WIDTH], 4),
  qkv: numbers([WIDTH, 3, 2, 4], 5),
  head: numbers([WIDTH, 5], 6),
};
const names = Object.keys(params) as (keyof typeof params)[];

/** A transformer block with a class token, in small. */
function predict(image: Tensor, ...values: Tensor[]): Tensor {
  const p = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  const n = image.shape[0];
  const patches = reshape(conv(image, p.stem, { strides: 4, padding: "VALID" }), [n, 4, WIDTH]);
  const x = concatenate([broadcastTo(p.token, [n, 1, WIDTH]), patches], 1);
  const y = rmsNorm(gelu(layerNorm(x, p.scale, p.bias)), p.scale);
  const all = dotGeneral(y, p.qkv, { lhsContract: [2], rhsContract: [0] }); // [n, 5, 3, 2, 4]
  const [q, k, v] = [0, 1, 2].map((i) => indexAxis(all, 2, i));
  const z = add(x, reshape(attention(q, k, v), x.shape));
  return add(matmul(indexAxis(z, 1, 0), p.head), mean(matmul(z, p.head), 1));
}

const traced = (fn: typeof predict, batch: number) =>
  trace(fn, { shape: [batch, 8, 8, 3], dtype: "float32" }, ...names.map((name) => params[name]))
    .program;

async function run(
  model: OnnxModel,
  inputs: readonly HostArray[],
  output: HostArray,
): Promise<number[]> {
  const session = await runtime.createSession(encodeModel(model).model);
  const target = runtime.allocate(output.dtype, output.shape);
  await session.run(
    inputs.map((x) => runtime.upload(x)),
    [target],
  );
  await session.dispose();
  return toNumbers(await target.read());
}

const inputNames = ["image", ...names];

test("an export has standard operators only and any batch", async () => {
  const [program, otherBatch] = EXPORT_BATCHES.map((batch) => traced(predict, batch));
  const model = toOnnx(program, {
    inputNames,
    outputNames: ["logits"],
    constants: params,
    metadata: { classes: "a,b,c,d,e" },
    otherBatch,
  });
  expect(model.graph.nodes.every(({ domain }) => !domain)).toBe(true);
  expect(model.graph.inputs).toEqual([
    { name: "image", dtype: "float32", shape: ["batch", 8, 8, 3] },
  ]);
  expect(model.graph.outputs).toEqual([{ name: "logits", dtype: "float32", shape: ["batch", 5] }]);
  expect(model.metadata).toEqual({ classes: "a,b,c,d,e" });
  for (const batch of [1, 3]) {
    const image = numbers([batch, 8, 8, 3], 7);
    const values = [image, ...names.map((name) => params[name])] as never;
    const [expected] = interpretProgram(traced(predict, batch), values);
    const logits = await run(model, [image], { ...expected, data: new Float32Array(0) });
    logits.forEach((x, i) => expect(x).toBeCloseTo(expected.data[i], 4));
  }
});

test("nodes are named after scopes and primitives, weights by their inputs' names", () => {
  const scoped = (image: Tensor, ...values: Tensor[]) =>
    withScope("block", () => predict(image, ...values));
  const { graph } = toOnnx(traced(scoped, 2), {
    inputNames,
    outputNames: ["logits"],
    constants: params,
  });
  const nodes = graph.nodes.map(({ name }) => name);
  expect(new Set(nodes).size).toBe(nodes.length);
  expect(nodes).toEqual(
    expect.arrayContaining(["block/layerNorm", "block/gelu", "block/concatenate", "logits"]),
  );
  expect(nodes.filter((name) => !name?.startsWith("block/"))).toEqual(["logits"]);
  expect(Object.keys(graph.initializers!)).toEqual(expect.arrayContaining(names));
});

test("parameters may stay inputs, and the batch fixed", () => {
  const model = toOnnx(traced(predict, 2), { inputNames, outputNames: ["logits"] });
  expect(model.graph.inputs.map(({ name }) => name)).toEqual(inputNames);
  expect(model.graph.outputs[0].shape).toEqual([2, 5]);
});

test("what depends on the batch otherwise is refused", () => {
  const averaged = (image: Tensor) => mean(image);
  const [program, otherBatch] = EXPORT_BATCHES.map(
    (n) => trace(averaged, { shape: [n, 3], dtype: "float32" }).program,
  );
  const names = { inputNames: ["image"], outputNames: ["mean"] };
  expect(() => toOnnx(program, { ...names, otherBatch })).toThrow(/batch cannot be left open/);
});

test("a sum over the batch is the same at any size", () => {
  const [program, otherBatch] = EXPORT_BATCHES.map(
    (n) => trace((x: Tensor) => reduceSum(x, 0), { shape: [n, 3], dtype: "float32" }).program,
  );
  const model = toOnnx(program, { inputNames: ["x"], outputNames: ["sum"], otherBatch });
  expect(model.graph.outputs[0].shape).toEqual([3]);
});

test("names must be those of the program", () => {
  const program = traced(predict, 2);
  expect(() => toOnnx(program, { inputNames, outputNames: [] })).toThrow(/1 outputs/);
  expect(() =>
    toOnnx(program, { inputNames, outputNames: ["y"], constants: { hed: params.head } }),
  ).toThrow(/no input "hed"/);
});
