import { afterAll, describe, expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import {
  type Tensor,
  full,
  iota,
  matmul,
  mean,
  mul,
  randomKey,
  reshape,
  sin,
  tensor,
  toNumbers,
} from "../graph/index.ts";
import { createModel } from "../models/index.ts";
import { apply, initialise } from "../nn/index.ts";
import {
  type Pooling,
  attentionMap,
  attentionRollout,
  gradCam,
  gradCamMap,
  rolloutMap,
} from "./explain.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

describe("rollout", () => {
  test("of uniform attention keeps a half of each token in each layer", async () => {
    const uniform = full([1, 2, 4, 4], 0.25); // [batch, heads, tokens, tokens]
    const rolled = await read(attentionRollout([uniform, uniform]));
    // (J/8 + I/2)² = J·3/16 + I/4, where J is all ones
    expect(rolled).toEqual(
      Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 3 / 16 + 1 / 4 : 3 / 16)),
    );
  });

  test("goes from the last layer to the picture", async () => {
    const first = tensor([
      [
        [
          [0, 1],
          [0, 1],
        ],
      ],
    ]); // both read the second token
    const second = tensor([
      [
        [
          [1, 0],
          [1, 0],
        ],
      ],
    ]); // both read the first one
    const rolled = await read(attentionRollout([first, second]));
    expect(rolled).toEqual([0.5, 0.5, 0.25, 0.75]);
  });

  test("averages heads", async () => {
    const heads = tensor([
      [
        [
          [1, 0],
          [0, 1],
        ],
        [
          [0, 1],
          [1, 0],
        ],
      ],
    ]);
    expect(await read(attentionRollout([heads]))).toEqual([0.75, 0.25, 0.25, 0.75]);
  });
});

describe("Grad-CAM", () => {
  const features = tensor([
    [
      [
        [1, 0],
        [0, 2],
      ],
      [
        [3, 1],
        [0, 0],
      ],
    ],
  ]); // [1, 2, 2, 2]

  test("of a linear classifier on the mean is the classifier at each place", async () => {
    const logits = matmul(mean(features, [1, 2]), tensor([[4], [-8]])); // [1, 1]
    const map = gradCam(reshape(logits, [1]), features);
    expect(await read(map!)).toEqual([1, 0, 1, 0]); // weights 4/4 and −8/4, without what is negative
  });

  test("is nothing where the score does not depend on the features", () => {
    expect(gradCam(tensor([3]), features)).toBeUndefined();
  });

  test("treats every picture by itself", async () => {
    const two = mul(iota([2, 1, 2, 1], "float32", 2), tensor([[[[1]]], [[[5]]]]));
    const scores = reshape(mul(mean(two, [1, 2]), 2), [2]);
    expect(await read(gradCam(scores, two)!)).toEqual([0, 1, 0, 5]);
  });
});

/** A small model's output and intermediates for a picture of 12 × 8. */
function called(name: string, options: Readonly<Record<string, unknown>>) {
  const model = createModel(name, { numClasses: 3, ...options });
  const image = sin(mul(iota([1, 12, 8, 3], "float32", 1), 0.7));
  const owned = initialise((scope, x: Tensor) => model(scope, x)[0], randomKey(4), image);
  return apply(model, owned, image).result;
}

const SMALL = { width: 16, depth: 2, mlpDim: 24, numHeads: 2, patchSize: [4, 4] };
const POOLINGS: readonly Pooling[] = ["gap", "map", "tok", "0"];

describe.each(POOLINGS)("a vision transformer pooled by %s", (poolType) => {
  const [logits, out] = called("vit", { ...SMALL, poolType, headZeroinit: false });
  const score = reshape(matmul(logits, tensor([[1], [0], [0]])), [1]);

  test("attends by each head to every patch", async () => {
    const map = attentionMap(out, poolType);
    expect(map.shape).toEqual([1, 2, 3, 2]);
    const values = await read(map);
    for (const head of [values.slice(0, 6), values.slice(6)]) {
      const sum = head.reduce((a, b) => a + b);
      if (poolType === "tok")
        expect(sum).toBeLessThan(1); // the class token attends to itself, too
      else expect(sum).toBeCloseTo(1, 6);
      expect(Math.min(...head)).toBeGreaterThan(0);
    }
  });

  test("is rolled out over the patches", async () => {
    const map = rolloutMap(out, poolType);
    expect(map.shape).toEqual([1, 3, 2]);
    const sum = (await read(map)).reduce((a, b) => a + b);
    if (poolType === "tok")
      expect(sum).toBeLessThan(0.75); // a quarter at least stays in the class token
    else expect(sum).toBeCloseTo(1, 6);
  });

  test("has a Grad-CAM over its patches", async () => {
    const map = gradCamMap(score, out, poolType);
    expect(map.shape).toEqual([1, 3, 2]);
    expect(Math.max(...(await read(map)))).toBeGreaterThan(0);
  });
});

test.each([
  ["efficientnet-lite0", { width: 0.1, depth: 0.1 }, [1, 1, 1]],
  ["resnet", { depth: [1, 1], width: 0.1 }, [1, 2, 1]],
  ["bit", { depth: [1, 1], headZeroinit: false }, [1, 2, 1]],
  [
    "mlp-mixer",
    { variant: "S/4", numBlocks: 1, hiddenDim: 8, tokensMlpDim: 4, channelsMlpDim: 4 },
    [1, 3, 2],
  ],
] as const)("%s has a Grad-CAM, and no attention", (name, options, shape) => {
  const [logits, out] = called(name, options);
  const score = reshape(matmul(logits, tensor([[1], [0], [0]])), [1]);
  expect(gradCamMap(score, out, "gap").shape).toEqual(shape);
  expect(() => attentionMap(out, "gap")).toThrow("the model has no attention. Use grad-cam.");
  expect(() => rolloutMap(out, "gap")).toThrow("the model has no attention. Use grad-cam.");
});
