import { afterAll, expect, test } from "vitest";
import { gradientError } from "../../tests/contract/finite-differences.ts";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, fromNumbers, tensor, toNumbers } from "../graph/index.ts";
import { labelledPixels, pixelXent } from "./index.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());
const valuesOf = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

// Two images of 1 × 2 pixels and three classes.
const SCORES = [
  [2, -1, 0.5, 1, 0, -2],
  [0, 3, 1, -1, 0.5, 2],
];
const logits = () => tensor([[[SCORES[0].slice(0, 3), SCORES[0].slice(3)]], [[SCORES[1].slice(0, 3), SCORES[1].slice(3)]]]); // prettier-ignore
const map = () => tensor([[[0, 2]], [[255, 1]]], "int32");

const xent = (scores: readonly number[], label: number): number =>
  Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - scores[label];
const EACH = [xent([2, -1, 0.5], 0), xent([1, 0, -2], 2), xent([-1, 0.5, 2], 1)];

test("the loss is the mean over the pixels with a class", async () => {
  const [loss] = await valuesOf(pixelXent(logits(), map()).loss);
  expect(loss).toBeCloseTo((EACH[0] + EACH[1] + EACH[2]) / 3, 6);
});

test("each pixel weighs as its class does", async () => {
  const weights = tensor([0.5, 3, 1]);
  const [loss] = await valuesOf(pixelXent(logits(), map(), { weights }).loss);
  expect(await valuesOf(pixelXent(logits(), map(), { weights }).count)).toEqual([4.5]);
  expect(loss).toBeCloseTo((0.5 * EACH[0] + 1 * EACH[1] + 3 * EACH[2]) / 4.5, 6);
});

test("padding does not count, and without a labelled pixel the loss is 0", async () => {
  const [loss] = await valuesOf(pixelXent(logits(), map(), { mask: tensor([1, 0]) }).loss);
  expect(loss).toBeCloseTo((EACH[0] + EACH[1]) / 2, 6);
  expect(await valuesOf(labelledPixels(map(), tensor([0, 1])))).toEqual([0, 0, 0, 1]);
  expect(await valuesOf(pixelXent(logits(), map(), { mask: tensor([0, 0]) }).loss)).toEqual([0]);
});

test("its gradient is that of finite differences", () => {
  const given = fromNumbers(SCORES.flat(), [2, 1, 2, 3], "float64");
  const labels = fromNumbers([0, 2, 255, 1], [2, 1, 2], "int32");
  const weights = fromNumbers([0.5, 3, 1], [3], "float64");
  const loss = (x: Tensor, truth: Tensor, of: Tensor) => [
    pixelXent(x, truth, { weights: of }).loss,
  ];
  expect(gradientError(loss, [given, labels, weights])).toBeLessThan(1e-7);
});

test("a map of another size is an error", () => {
  expect(() => pixelXent(logits(), tensor([[[0]], [[1]]], "int32"))).toThrow(
    "takes logits [batch, height, width, classes]",
  );
});
