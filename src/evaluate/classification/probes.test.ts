import fc from "fast-check";
import { expect, test } from "vitest";
import { type DeviceArray, jit } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { type Tensor, fromNumbers } from "../../graph/index.ts";
import { calibration } from "./calibration.ts";
import { JUDGED } from "../evaluator.ts";
import { confusion, perClass, perClassValues } from "./confusion.ts";
import { fewShot, fitRidge, scoreRidge } from "./few-shot.ts";
import { knn, largest } from "./knn.ts";
import { solvePositive, times, timesTransposed, zerosMatrix } from "../matrix.ts";
import { numpyRandom } from "../numpy-random.ts";
import { retrieval } from "../retrieval.ts";
import { canonicalName } from "../../text/canonical.ts";
import { classEmbeddings, zeroShot } from "./zero-shot.ts";

const labelled = (rows: number[][], labels: number[]) => ({
  features: fromNumbers(rows.flat(), [rows.length, rows[0].length], "float32"),
  labels: fromNumbers(labels, [labels.length], "int32"),
});
const matrix = (rows: number[][]) => ({
  rows: rows.length,
  columns: rows[0].length,
  data: Float64Array.from(rows.flat()),
});

test("permutations are NumPy's", () => {
  const items = Array.from({ length: 12 }, (_, i) => i);
  const one = numpyRandom(1); // numpy.random.default_rng(1), twice
  expect(one.permutation(items)).toEqual([8, 11, 4, 7, 5, 0, 1, 9, 2, 10, 6, 3]);
  expect(one.permutation(items)).toEqual([1, 3, 6, 0, 7, 4, 5, 8, 9, 2, 11, 10]);
  expect(numpyRandom(0).permutation(items)).toEqual([9, 2, 7, 4, 5, 11, 0, 3, 6, 10, 8, 1]);
  expect(() => numpyRandom(-1)).toThrow("a seed is a whole number from 0");
});

test("Cholesky solves", () => {
  const entry = fc.double({ min: -1, max: 1, noNaN: true });
  const square = fc.array(fc.array(entry, { minLength: 4, maxLength: 4 }), {
    minLength: 4,
    maxLength: 4,
  });
  fc.assert(
    fc.property(square, square, (half, right) => {
      const a = timesTransposed(matrix(half), matrix(half));
      for (let i = 0; i < 4; i++) a.data[5 * i] += 1;
      const b = matrix(right);
      times(a, solvePositive(a, b)).data.forEach((x, i) => expect(x).toBeCloseTo(b.data[i], 10));
    }),
  );
  expect(() => solvePositive(zerosMatrix(2, 2), zerosMatrix(2, 1))).toThrow(
    "not positive definite",
  );
});

test("both sides of the ridge give the same probe", () => {
  const rows = [
    [1, 2, 0.5],
    [0, 1, -1],
    [2, -1, 1],
  ];
  const few = fitRidge({ x: matrix(rows), classes: [0, 1, 0] }, 2, 4); // 3 × 4: XXᵀ
  const twice = { x: matrix([...rows, ...rows]), classes: [0, 1, 0, 0, 1, 0] }; // 6 × 4: XᵀX
  const same = fitRidge(twice, 2, 8); // twice the data with twice the ridge
  few.weights.data.forEach((x, i) => expect(x).toBeCloseTo(same.weights.data[i], 10));
  // Almost without a ridge, three points are fitted.
  const fitted = fitRidge({ x: matrix(rows), classes: [0, 1, 0] }, 2, 1e-9);
  scoreRidge(fitted, matrix(rows)).data.forEach((x, i) =>
    expect(x).toBeCloseTo([1, -1, -1, 1, 1, -1][i], 5),
  );
});

test("few shots are reported by shots and seed", () => {
  const rows = Array.from({ length: 20 }, (_, i) => [i % 2, Math.sin(i) / 100]);
  const labels = rows.map(([x]) => x);
  const values = fewShot(labelled(rows, labels), labelled(rows, labels), {
    numClasses: 2,
    shots: [5],
    seeds: [0, 1],
  });
  expect(values).toEqual([
    ["5shot-seed-0", 1],
    ["5shot-seed-1", 1],
  ]);
});

test("near neighbours weigh more than many", () => {
  const train = labelled(
    [
      [10, 0],
      [0, 1],
      [0.1, 2],
      [0, 3],
    ],
    [0, 1, 1, 1],
  );
  const test = labelled(
    [
      [1, 0.1],
      [0, 5],
    ],
    [0, 1],
  );
  expect(knn(train, test, { numClasses: 2 })).toEqual([
    ["knn20", 1],
    ["knn1", 1],
  ]);
  const even = knn(train, test, { numClasses: 2, k: 4, temperature: 1e9 });
  expect(even[0]).toEqual(["knn4", 0.5]); // all votes alike: class 1 always
});

test("largest is the head of a stable sort", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9 })),
      fc.integer({ min: 1, max: 12 }),
      (values, k) => {
        const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
        expect(largest(values, k)).toEqual(order.slice(0, k));
      },
    ),
  );
});

test("recall counts any matching text, both ways", () => {
  const values = Object.fromEntries(
    retrieval({
      zimg: fromNumbers([1, 0, 0, 1], [2, 2], "float32"),
      ztxt: fromNumbers([1, 0, 0.9, 0.8, 0.5, 0.6], [3, 2], "float32"),
      imageOfText: fromNumbers([0, 0, 1], [3], "int32"),
    }),
  );
  expect(values["img2txt_recall@1"]).toBe(0.5); // image 1 is nearest to text 1, which is image 0's
  expect(values["img2txt_recall@5"]).toBe(1);
  expect(values["txt2img_recall@1"]).toBe(1);
});

test("class embeddings average prompts; a class without one is an error", () => {
  const prompts = labelled(
    [
      [3, 0],
      [1, 0],
      [0, 2],
    ],
    [0, 0, 1],
  );
  expect([...classEmbeddings(prompts, 2, { normalise: false }).data]).toEqual([2, 0, 0, 2]);
  expect(() => classEmbeddings(prompts, 3)).toThrow("class 2 has no prompt");
  expect(canonicalName("Tennis_Ball (yellow!)")).toBe("tennis ball yellow");
});

const modelOf = (loss: string) => ({
  names: { label: ["a", "b"] },
  task: { name: "classification", loss },
});

test("calibration by hand", async () => {
  const rows = [
    [0.8, 0.2],
    [0.8, 0.2],
    [0.4, 0.6],
    [1e-30, 1],
  ];
  const evaluator = calibration.create({ bins: 5 }, modelOf("softmax"));
  const measure = jit(createInterpreter(), (output: Tensor, label: Tensor) => ({
    ...evaluator.measure({ output, out: {}, batch: { label } }, JUDGED).rows,
  }));
  const { features, labels } = labelled(
    rows.map((row) => row.map(Math.log)),
    [0, 1, 1, 1],
  );
  const measured = Object.entries((await measure(features, labels)) as Record<string, DeviceArray>);
  const read = measured.map(async ([name, array]) => [name, await array.read()] as const);
  const judged = {
    ...{ sums: {}, rows: Object.fromEntries(await Promise.all(read)), indices: [], labels: [] },
    read: () => Promise.reject(new Error("no examples")),
  };
  const values = Object.fromEntries(await evaluator.summarise({ judged }));
  // Bin (0.6, 0.8]: confidence 1.6, one right; bin (0.4, 0.6]: 0.6, right; bin (0.8, 1]: 1, right.
  expect(values.ece).toBeCloseTo((0.6 + 0.4 + 0) / 4, 6);
  expect(values.brier).toBeCloseTo((0.08 + 1.28 + 0.32 + 0) / 4, 6);
  expect(() => calibration.create({}, modelOf("sigmoid"))).toThrow(
    "calibration is of probabilities that sum to one",
  );
});

test("confusion, recall and precision", () => {
  const counts = confusion([0, 0, 1, 1, 1], [0, 1, 1, 1, 0], 3);
  expect([...counts.data]).toEqual([1, 1, 0, 1, 2, 0, 0, 0, 0]);
  expect(perClass(counts)[1]).toEqual({ count: 3, recall: 2 / 3, precision: 2 / 3 });
  expect(perClass(counts)[2]).toEqual({ count: 0, recall: NaN, precision: NaN });
  expect(perClassValues(counts, ["a", "b", "c"])).toEqual([
    ["mean_class_recall", (1 / 2 + 2 / 3) / 2],
    ["recall/a", 1 / 2],
    ["recall/b", 2 / 3],
  ]);
  expect(() => confusion([0], [3], 3)).toThrow("3 is not one of 3 classes");
});

test("of several labels any is right, and images without one do not count", () => {
  const embeddings = matrix([
    [1, 0],
    [0, 1],
  ]);
  const features = fromNumbers([1, 0, 0, 1, 1, 0, 1, 0], [4, 2], "float32"); // classes 0, 1, 0, 0
  const several = fromNumbers([1, 1, 1, 0, 0, 0, 1, 0], [4, 2], "float32"); // 0 or 1, 0, none, 0
  expect(zeroShot({ features, labels: several }, embeddings)).toEqual([["accuracy", 2 / 3]]);
  const single = fromNumbers([0, 1, 1, 0], [4], "int32");
  expect(zeroShot({ features, labels: single }, embeddings)).toEqual([["accuracy", 3 / 4]]);
  const wrong = fromNumbers([0, 1, 2, 0], [4], "int32");
  expect(() => zeroShot({ features, labels: wrong }, embeddings)).toThrow(
    "label 2 is not one of 2 classes",
  );
});
