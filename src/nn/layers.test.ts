import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import {
  type Spec,
  type Tensor,
  add,
  iota,
  mul,
  randomKey,
  mean,
  reduceMax,
  abs,
  reshape,
  sin,
  sub,
  tensor,
  toNumbers,
  variance,
} from "../graph/index.ts";
import { toFlat } from "../tree.ts";
import {
  type Initialiser,
  type Scope,
  apply,
  conv,
  dense,
  embed,
  groupNorm,
  heNormal,
  initialise,
  lecunNormal,
  maxPool,
  multiHeadAttention,
  normal,
  patchEmbedding,
  rmsNorm,
  standardiseByDeviation,
  standardiseByVariance,
  stochasticDepth,
  xavierUniform,
} from "./index.ts";

const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const specOf = ({ shape, dtype }: Spec): Spec => ({ shape, dtype });

/** Values that differ everywhere, in [−1, 1]. */
const waves = (...shape: number[]): Tensor =>
  reshape(sin(mul(iota([shape.reduce((a, b) => a * b, 1)], "float32"), 0.37)), shape);

// jax.nn.initializers with jax.random.key(7) and shape (2, 3); jax 0.10.2
test.each<[Initialiser, number[]]>([
  [lecunNormal, [0.34514931, 1.3463943, -0.39447173, -0.10811103, 0.46944076, 0.25608656]],
  [xavierUniform, [0.38141188, 1.0398335, -0.43194812, -0.12278073, 0.50584716, 0.28685236]],
  [heNormal, [0.48811486, 1.9040892, -0.55786735, -0.1528921, 0.66388953, 0.36216111]],
  [
    normal(0.02),
    [0.0090247029, 0.039069019, -0.010324789, -0.0028188059, 0.012309934, 0.0066863298],
  ],
])("$name draws as jax does", async (init, expected) => {
  const drawn = await read(init.draw(randomKey(7), [2, 3]));
  drawn.forEach((value, i) => expect(Math.abs(value / expected[i] - 1)).toBeLessThan(1e-5));
});

test("fans of a convolution's kernel count its window", async () => {
  const drawn = await read(lecunNormal.draw(randomKey(7), [2, 2, 3, 4]));
  expect(drawn[0]).toBeCloseTo(0.14090662, 6); // jax, as above
});

test("a kernel over several axes is drawn as one matrix", async () => {
  const heads = (scope: Scope, x: Tensor) =>
    dense(scope, x, [4, 16], { kernelInit: xavierUniform });
  const { params } = initialise(heads, randomKey(0), { shape: [1, 96], dtype: "float32" });
  const kernel = params.kernel as Tensor;
  expect(kernel.shape).toEqual([96, 4, 16]);
  const [largest] = await read(reduceMax(abs(kernel)));
  const limit = Math.sqrt(6 / (96 + 64));
  expect(largest).toBeLessThanOrEqual(limit);
  expect(largest).toBeGreaterThan(0.99 * limit);
});

/** Two functions of one scope over the same parameters. */
async function compare(
  a: (scope: Scope, x: Tensor) => Tensor,
  b: (scope: Scope, x: Tensor) => Tensor,
  x: Tensor,
): Promise<number> {
  const { params } = initialise(a, randomKey(2), specOf(x));
  const [one, other] = [a, b].map((fn) => apply(fn, { params }, x).result);
  expect(one.shape).toEqual(other.shape);
  return (await read(reduceMax(abs(sub(one, other)))))[0];
}

test("patches as one product are the convolution whose stride is its window", async () => {
  const difference = await compare(
    (scope, x) => patchEmbedding(scope, x, 5, [2, 3]),
    (scope, x) => conv(scope, x, 5, { kernel: [2, 3], strides: [2, 3], padding: "VALID" }),
    waves(2, 7, 9, 3),
  );
  expect(difference).toBeLessThan(1e-6);
});

test("grouped convolutions own a kernel of a group's inputs", () => {
  const fn = (scope: Scope, x: Tensor) =>
    conv(scope, x, 6, { kernel: [3, 3], groups: 2, bias: false });
  const { params } = initialise(fn, randomKey(0), { shape: [1, 5, 5, 4], dtype: "float32" });
  expect(Object.entries(toFlat<Tensor>(params)).map(([name, { shape }]) => [name, shape])).toEqual([
    ["kernel", [3, 3, 2, 6]],
  ]);
  expect(apply(fn, { params }, waves(1, 5, 5, 4)).result.shape).toEqual([1, 5, 5, 6]);
});

test("attention without structure averages the values", async () => {
  const fn = (scope: Scope, x: Tensor) => multiHeadAttention(scope, x, x, { heads: 2 });
  const same = tensor([
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
  ]); // equal tokens attend equally
  const { params } = initialise(fn, randomKey(1), specOf(same));
  const rows = await read(apply(fn, { params }, same).result);
  expect(rows.slice(0, 4)).toEqual(rows.slice(4));
  expect(toFlat<Tensor>(params)["query/kernel"].shape).toEqual([4, 2, 2]);
  expect(toFlat<Tensor>(params)["out/kernel"].shape).toEqual([2, 2, 4]);
});

test("heads that do not divide the width are an error", () => {
  const fn = (scope: Scope, x: Tensor) => multiHeadAttention(scope, x, x, { heads: 3 });
  expect(() => initialise(fn, randomKey(1), { shape: [1, 2, 4], dtype: "float32" })).toThrow(
    "width 4 does not divide into 3 heads.",
  );
});

test("embeddings are rows of the table", async () => {
  const params = {
    embedding: tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
  };
  const fn = (scope: Scope, tokens: Tensor) => embed(scope, tokens, { vocabulary: 3, width: 2 });
  const { result } = apply(fn, { params }, tensor([2, 0], "int32"));
  expect(await read(result)).toEqual([5, 6, 1, 2]);
});

test("rmsNorm scales by one more than its parameter", async () => {
  const fn = (scope: Scope, x: Tensor) => rmsNorm(scope, x, 0);
  const { result } = apply(fn, { params: { scale: tensor([0, 1]) } }, tensor([[3, 4]]));
  const rms = Math.sqrt(12.5);
  (await read(result)).forEach((value, i) => expect(value).toBeCloseTo([3 / rms, 8 / rms][i], 6));
});

test("groupNorm centres each group", async () => {
  const fn = (scope: Scope, x: Tensor) => groupNorm(scope, x, { groups: 2 });
  const x = waves(1, 2, 2, 4);
  const { params } = initialise(fn, randomKey(0), specOf(x));
  const normal = await read(apply(fn, { params }, x).result);
  const first = normal.filter((_, i) => i % 4 < 2);
  expect(first.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 5);
  expect(first.reduce((a, b) => a + b * b, 0) / first.length).toBeCloseTo(1, 4);
});

test("bfloat16 products keep float32 parameters", () => {
  const fn = (scope: Scope, x: Tensor) => dense(scope, x, 2, { dtype: "bfloat16" });
  const { params } = initialise(fn, randomKey(0), { shape: [1, 3], dtype: "float32" });
  expect((params.kernel as Tensor).dtype).toBe("float32");
  expect(apply(fn, { params }, waves(1, 3)).result.dtype).toBe("bfloat16");
});

test.each([standardiseByDeviation, standardiseByVariance])(
  "%o gives every output feature mean 0 and variance 1",
  async (standardise) => {
    const kernel = standardise(waves(3, 3, 4, 5));
    for (const [statistic, want] of [
      [mean, 0],
      [variance, 1],
    ] as const) {
      const values = await read(statistic(kernel, [0, 1, 2]));
      expect(values).toHaveLength(5);
      values.forEach((value) => expect(value).toBeCloseTo(want, 4));
    }
  },
);

test("padding never wins a maximum", async () => {
  const x = reshape(tensor([-4, -3, -2, -1]), [1, 2, 2, 1]);
  const edge = [1, 1] as const;
  const options = { window: [3, 3], strides: [2, 2], padding: [edge, edge] } as const;
  expect(await read(maxPool(x, options))).toEqual([-1]);
  expect(maxPool(x, { window: [2, 2], strides: [1, 1] }).shape).toEqual([1, 1, 1, 1]);
  expect(maxPool(x, { ...options, padding: "SAME" }).shape).toEqual([1, 1, 1, 1]);
});

test("stochastic depth keeps or drops whole examples, without scaling", async () => {
  const fn = (scope: Scope, x: Tensor) => stochasticDepth(scope, x, 0.25);
  const x = add(mul(waves(400, 3), 0), 2);
  const { result } = apply(fn, { params: {}, key: randomKey(5), train: true }, x);
  const rows = await read(result);
  const dropped = Array.from({ length: 400 }, (_, i) => rows.slice(3 * i, 3 * i + 3).join());
  expect(new Set(dropped)).toEqual(new Set(["0,0,0", "2,2,2"]));
  const share = dropped.filter((row) => row === "0,0,0").length / 400;
  expect(Math.abs(share - 0.25)).toBeLessThan(0.09); // 4 standard deviations
  expect(apply(fn, { params: {} }, x).result).toBe(x);
  const full = () => apply((s: Scope, z: Tensor) => stochasticDepth(s, z, 1), { params: {} }, x);
  expect(full).toThrow("a stochastic depth rate lies in [0, 1), not 1.");
});
