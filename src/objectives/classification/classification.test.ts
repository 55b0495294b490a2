import { afterAll, expect, test } from "vitest";
import { evaluate } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { type Tensor, randomKey, reshape, tensor, toNumbers } from "../../graph/index.ts";
import type { ImageModel } from "../../models/index.ts";
import { classification } from "../index.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());

/** Logits are an image's only pixel. */
const pixel: ImageModel = (_, image) => [reshape(image, [image.shape[0], image.shape[3]]), {}];

const lossWith = async (weights: readonly number[] | undefined, train: boolean) => {
  const image = reshape(tensor([2, -1, 0.5, 1]), [2, 1, 1, 2]) as Tensor;
  const batch = { image, label: tensor([0, 1], "int32") };
  const step = tensor(0, "int32");
  const given = { params: {}, variables: {}, batch, key: randomKey(0), step, train };
  const { loss } = classification(pixel, {}, weights).loss(given);
  return toNumbers(await evaluate(engine, loss))[0];
};

test("the weighted loss is the mean of each image's loss by the weight of its class, in training alone", async () => {
  const xent = (own: number, other: number): number => Math.log(1 + Math.exp(other - own));
  const [first, second] = [xent(2, -1), xent(1, 0.5)];
  expect(await lossWith([0.5, 3], true)).toBeCloseTo((0.5 * first + 3 * second) / 2, 5);
  expect(await lossWith([0.5, 3], false)).toBeCloseTo((first + second) / 2, 5);
  expect(await lossWith(undefined, true)).toBeCloseTo((first + second) / 2, 5);
});

test("classes that do not exclude one another have no weights", () => {
  expect(() => classification(pixel, { loss: "sigmoid" }, [1, 2])).toThrow('balance "sampling"');
});
