import { afterAll, expect, test } from "vitest";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { fromNumbers } from "../../graph/index.ts";
import { seededRandom } from "../../random.ts";
import { type Labelled } from "./labelled.ts";
import { L2_DEFAULT, fitFewShot } from "./heads.ts";
import { findFewShot, findLinear } from "./probe.ts";
import { qualityOf } from "./quality.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());

const CLASSES = 3;
const WIDTH = 12;

/** Clouds that overlap: a few of them cannot be told apart surely. */
function clouds(count: number, seed: number): Labelled {
  const random = seededRandom("overlap", seed);
  const labels = Array.from({ length: count }, (_, i) => i % CLASSES);
  const features = labels.flatMap((label) =>
    Array.from({ length: WIDTH }, (_, j) => (j === label ? 0.5 : 0) + random.uniform()),
  );
  return { features: fromNumbers(features, [count, WIDTH], "float32"), labels };
}

test("the penalty has the least loss of those that are as accurate, and the head is calibrated", async () => {
  const [known, validation, asked] = [clouds(60, 0), clouds(36, 1), clouds(900, 2)];
  const found = await findLinear(engine, known, validation, CLASSES);
  const chosen = found.tried.find(({ l2 }) => l2 === found.l2)!;
  const best = Math.max(...found.tried.map(({ accuracy }) => accuracy));
  const error = Math.sqrt((best * (1 - best)) / 36);
  for (const one of found.tried) {
    if (one.accuracy >= best - error) expect(chosen.loss).toBeLessThanOrEqual(one.loss);
  }
  expect(found.chosenBy).toBe("36 validation images");
  const quality = qualityOf(asked, found.head);
  expect(quality.ece).toBeLessThan(0.1);
});

test("three images of each class are cross-validated, and every one of them chooses", async () => {
  const found = await findLinear(engine, clouds(9, 3), undefined, CLASSES);
  expect(found.chosenBy).toBe("cross-validation of 9 images in 3 parts");
  expect(found.tried).toHaveLength(10);
  for (const { accuracy } of found.tried) expect((9 * accuracy) % 1).toBeCloseTo(0, 6);
  const both = await findLinear(engine, clouds(9, 3), clouds(3, 4), CLASSES);
  expect(both.chosenBy).toBe("3 validation images and cross-validation of 9 images in 3 parts");
});

test("one image of each class chooses nothing", async () => {
  const found = await findLinear(engine, clouds(3, 3), undefined, CLASSES);
  expect(found).toMatchObject({ l2: L2_DEFAULT, tried: [] });
  expect(found.temperature).toBeUndefined();
});

test("the few-shot probe predicts as before, and its probabilities mean something", () => {
  const [known, asked] = [clouds(60, 0), clouds(900, 2)];
  const before = qualityOf(asked, fitFewShot(known, CLASSES));
  const after = qualityOf(asked, findFewShot(known, CLASSES).head);
  expect(after.predicted).toEqual(before.predicted);
  expect(before.ece).toBeGreaterThan(0.2);
  expect(after.ece).toBeLessThan(0.1);
});
