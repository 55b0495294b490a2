import { afterAll, expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import {
  type Tensor,
  fromNumbers,
  mean,
  randomKey,
  reshape,
  tensor,
  toNumbers,
} from "../graph/index.ts";
import type { ImageModel } from "../models/index.ts";
import { dense } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { rotation, rotations } from "./index.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());

const numbers = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

test("an image comes in four rotations, counterclockwise, side by side", async () => {
  const image = tensor([
    [
      [[1], [2]],
      [[3], [4]],
    ],
    [
      [[5], [6]],
      [[7], [8]],
    ],
  ]);
  const turned = rotations(image);
  expect(turned.shape).toEqual([8, 2, 2, 1]);
  expect(await numbers(turned)).toEqual(
    [
      [1, 2, 3, 4],
      [2, 4, 1, 3], // np.rot90(image, 1)
      [4, 3, 2, 1],
      [3, 1, 4, 2],
      [5, 6, 7, 8],
      [6, 8, 5, 7],
      [8, 7, 6, 5],
      [7, 5, 8, 6],
    ].flat(),
  );
});

/** Features are the pixels themselves. */
const pixels: ImageModel = (scope, image) => {
  const flat = reshape(image, [image.shape[0], image.size / image.shape[0]]);
  return [mean(dense(scope.at("own"), flat, 2)), { pre_logits: flat }];
};
const heads = { embed: ({ out }: { out: Readonly<Record<string, Tensor>> }) => out.pre_logits };
const batchOf = (values: readonly number[], mask: readonly number[]) => ({
  image: reshape(tensor(values), [values.length / 4, 2, 2, 1]),
  mask: tensor(mask),
});

/** A kernel that takes the brightest corner for the turn: the one at the top left comes round in this order. */
const CORNERS = [
  [9, 0, 0, 0],
  [0, 0, 0, 9],
  [0, 9, 0, 0],
  [0, 0, 9, 0],
];

test("the loss is the mean over the rotations of the images that count", async () => {
  const objective = rotation({ model: pixels, heads });
  const batch = batchOf([1, 0, 0, 0, 0, 1, 0, 0], [1, 0]);
  const arrays = objective.init(randomKey(0), batch);
  expect(Object.keys(toFlat<Tensor>(arrays.params)).sort()).toEqual([
    "own/bias",
    "own/kernel",
    "rotation/bias",
    "rotation/kernel",
  ]);
  const params = {
    ...arrays.params,
    rotation: { kernel: tensor(CORNERS), bias: tensor([0, 0, 0, 0]) },
  };
  const given = {
    params,
    variables: {},
    key: randomKey(0),
    step: tensor(0, "int32"),
    train: false,
  };
  const { loss, metrics } = objective.loss({ ...given, batch });
  expect(await numbers(metrics.accuracy)).toEqual([expect.closeTo(1, 6)]);
  expect(await numbers(loss)).toEqual([expect.closeTo(Math.log(1 + 3 * Math.exp(-9)), 6)]);
  const both = objective.loss({ ...given, batch: { ...batch, mask: tensor([1, 1]) } });
  expect(await numbers(both.metrics.accuracy)).toEqual([expect.closeTo(0.5, 6)]); // the second begins turned
});

test("the head is not served", () => {
  const objective = rotation({ model: pixels, heads });
  const x = fromNumbers([1], [1], "float32");
  const served = objective.served!({
    params: { own: { kernel: x }, rotation: { kernel: x } },
    variables: { own: { mean: x } },
  });
  expect(served).toEqual({ params: { own: { kernel: x } }, variables: { own: { mean: x } } });
});

test("images that are not square are refused", () => {
  const objective = rotation({ model: pixels, heads });
  const image = { shape: [1, 2, 3, 1], dtype: "float32" } as const;
  expect(() => objective.stacked({ image })).toThrow("rotation needs square images, not 2×3.");
});
