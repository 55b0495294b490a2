import { afterAll, expect, test } from "vitest";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { fewShot } from "../../evaluate/index.ts";
import { fromNumbers, hostArray } from "../../graph/index.ts";
import { seededRandom } from "../../random.ts";
import { type Head, type Labelled } from "./labelled.ts";
import { fitFewShot, fitSoftmax } from "./heads.ts";
import { qualityOf } from "./quality.ts";
import { divide, foldsOf } from "./select.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());

const CLASSES = 3;
const WIDTH = 5;

/** Clouds around a point for each class, far apart in `distance`. */
function clouds(count: number, distance: number, seed: number): Labelled {
  const random = seededRandom("clouds", seed);
  const labels = Array.from({ length: count }, (_, i) => i % CLASSES);
  const features = labels.flatMap((label) =>
    Array.from({ length: WIDTH }, (_, j) => (j === label ? distance : 0) + random.uniform()),
  );
  return { features: fromNumbers(features, [count, WIDTH], "float32"), labels };
}

test("a weak penalty separates what can be separated; a strong one leaves the classes equal", async () => {
  const [strong, weak] = await fitSoftmax(engine, clouds(30, 2, 0), CLASSES, [1000, 1e-3]);
  expect(weak.trainLoss).toBeLessThan(0.05);
  const quality = qualityOf(clouds(30, 2, 1), weak.head);
  expect(quality.accuracy).toBe(1);
  expect(strong.trainLoss).toBeCloseTo(Math.log(CLASSES), 2);
});

test("the solution is a minimum: no weight can be moved to make the penalised loss smaller", async () => {
  const train = clouds(24, 0.3, 2);
  const l2 = 0.1;
  const [{ head }] = await fitSoftmax(engine, train, CLASSES, [l2]);
  const { std } = moments(train);
  const penalised = (at: Head): number => {
    const kernel = at.kernel.data as Float32Array;
    const squares = kernel.reduce((sum, w, i) => sum + (w * std[Math.floor(i / CLASSES)]) ** 2, 0);
    return qualityOf(train, at).loss + (l2 / 2) * squares;
  };
  const best = penalised(head);
  for (let i = 0; i < WIDTH * CLASSES; i++) {
    for (const step of [-0.02, 0.02]) {
      const kernel = Float32Array.from(head.kernel.data as Float32Array);
      kernel[i] += step;
      const moved = { ...head, kernel: hostArray([WIDTH, CLASSES], "float32", kernel) };
      expect(penalised(moved)).toBeGreaterThan(best);
    }
  }
});

function moments({ features, labels }: Labelled) {
  const x = features.data as Float32Array;
  const mean = new Float64Array(WIDTH);
  const std = new Float64Array(WIDTH);
  x.forEach((value, i) => (mean[i % WIDTH] += value / labels.length));
  x.forEach((value, i) => (std[i % WIDTH] += (value - mean[i % WIDTH]) ** 2 / labels.length));
  return { std: std.map((variance) => Math.sqrt(variance) + 1e-5) };
}

test("the few-shot head predicts exactly as the few-shot evaluator", () => {
  const [train, test] = [clouds(30, 0.4, 3), clouds(60, 0.4, 4)];
  const asArrays = ({ features, labels }: Labelled) => ({
    features,
    labels: fromNumbers(labels, [labels.length], "int32"),
  });
  const options = { numClasses: CLASSES, shots: [10], seeds: [0] };
  const [[, accuracy]] = fewShot(asArrays(train), asArrays(test), options);
  const quality = qualityOf(test, fitFewShot(train, CLASSES));
  expect(quality.accuracy).toBe(accuracy);
  expect(accuracy).toBeGreaterThan(0.5);
  expect(accuracy).toBeLessThan(1);
});

const counts = ({ labels }: Pick<Labelled, "labels">) =>
  Array.from({ length: CLASSES }, (_, k) => labels.filter((label) => label === k).length);

test("a fifth of each class is held out to choose by, where every class has ten", () => {
  const all = clouds(30, 1, 5);
  const folds = foldsOf(all);
  expect(folds).toHaveLength(1);
  const parts = divide(all, folds[0]);
  expect(counts(parts.fit)).toEqual([8, 8, 8]);
  expect(counts(parts.judge)).toEqual([2, 2, 2]);
  expect(parts.judge.features.shape).toEqual([6, WIDTH]);
});

test("below ten of a class every image is held out once, but for the only one of a class", () => {
  const folds = foldsOf(clouds(12, 1, 5));
  expect(folds.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  expect(folds.map((rows) => counts({ labels: rows.map((row) => row % CLASSES) }))).toEqual(
    Array.from({ length: 4 }, () => [1, 1, 1]),
  );
  expect(foldsOf({ labels: [0, 0, 1] }).map((rows) => rows.toString())).toEqual(["1", "0"]);
  expect(foldsOf({ labels: [0, 1, 2] })).toEqual([]);
});
