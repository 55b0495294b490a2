/** @file Random labels: evenly drawn, the same for the same picture, and another for another. */

import { afterAll, expect, test } from "vitest";
import { evaluate } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { constant, fromNumbers, randomKey, toNumbers, zeros } from "../../graph/index.ts";
import { seededRandom } from "../../random.ts";
import { objectiveDefinition } from "../index.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());

const [BATCH, SIDE, CLASSES] = [64, 6, 4];
const random = seededRandom("random-labels test");
/** Whole pixels, scaled as value_range(-1,1) does. */
const pixels = Array.from({ length: BATCH * SIDE * SIDE * 3 }, () => random.integer(0, 256));
const image = fromNumbers(
  pixels.map((q) => Math.fround((q * 2) / 255 - 1)),
  [BATCH, SIDE, SIDE, 3],
  "float32",
);

/** A model whose logits are the scores themselves, so that the loss tells the labels. */
const options = (names = CLASSES) => ({
  model: () => [zeros([BATCH, CLASSES]), {}] as never,
  batch: { image },
  names: { label: Array.from({ length: names }, (_, i) => String(i)) },
});

/** The labels of a batch: those that a classifier certain of class k is right about. */
async function labelsOf(given: Record<string, unknown>): Promise<number[]> {
  const found = new Array<number>(BATCH).fill(-1);
  for (let i = 0; i < BATCH; i++) {
    for (let k = 0; k < CLASSES; k++) {
      const scores = fromNumbers(
        Array.from({ length: BATCH * CLASSES }, (_, j) => (j === i * CLASSES + k ? 50 : 0)),
        [BATCH, CLASSES],
        "float32",
      );
      const objective = await objectiveDefinition("random-labels").create(given, {
        ...options(),
        model: () => [constant(scores), {}],
      } as never);
      const mask = fromNumbers(
        Array.from({ length: BATCH }, (_, j) => Number(i === j)),
        [BATCH],
        "float32",
      );
      const { loss } = objective.loss({
        ...{ params: {}, variables: {}, key: randomKey(0), step: zeros([], "int32"), train: true },
        batch: { image: constant(image), mask: constant(mask), label: zeros([BATCH], "int32") },
      });
      if (toNumbers(await evaluate(engine, loss))[0] < 1) found[i] = k;
    }
  }
  return found;
}

test("labels are those of the formula in whole numbers, and about as many of each class", async () => {
  const labels = await labelsOf({ labelSeed: 3 });
  const weights = seededRandom("random labels", 3);
  const values = SIDE * SIDE * 3;
  const drawn = Array.from({ length: values }, () => weights.integer(0, 1024));
  const wanted = Array.from({ length: BATCH }, (_, i) => {
    const sum = drawn.reduce((total, w, j) => total + w * pixels[i * values + j], 0);
    return Math.floor((CLASSES * (sum % 65_521)) / 65_521);
  });
  expect(labels).toEqual(wanted);
  for (let k = 0; k < CLASSES; k++) {
    expect(labels.filter((label) => label === k).length).toBeGreaterThan(BATCH / CLASSES / 2);
  }
}, 120_000);

test("what cannot be drawn is an error", () => {
  const define = objectiveDefinition("random-labels");
  expect(() => define.create({ classes: 5 }, options() as never)).toThrow(
    "objective.classes is 5; the data, and so the classifier, has 4.",
  );
  const large = { ...options(), batch: { image: { shape: [1, 500, 500, 3], dtype: "float32" } } };
  expect(() => define.create({}, large as never)).toThrow("are too large");
});
