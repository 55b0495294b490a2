import { expect, test } from "vitest";
import { evaluate } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import {
  type Tensor,
  add,
  broadcastTo,
  foldIn,
  fromNumbers,
  grad,
  normal,
  randomKey,
  reshape,
  tensor,
  toNumbers,
} from "../../graph/index.ts";
import { mixupCoefficient } from "../../losses/index.ts";
import type { ImageModel } from "../../models/index.ts";
import { type Params, zerosInit } from "../../nn/index.ts";
import { toFlat } from "../../tree.ts";
import { type DistillationOptions, distillation, objectiveDefinition } from "../index.ts";

const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

/** Logits are an image's only pixel plus a bias, so that loss and gradient can be written down. */
const biased: ImageModel = (scope, image) => {
  const [batch, , , classes] = image.shape;
  const pixel = reshape(image, [batch, classes]);
  return [add(pixel, broadcastTo(scope.param("bias", zerosInit, [classes]), pixel.shape)), {}];
};

const ROWS = [
  [0.5, -1, 2],
  [1, 1.5, -0.5],
  [-2, 0, 0.25],
  [3, 2, 1],
];
const OTHER = ROWS.map((row) => row.toReversed());
const STUDENT = [0.3, -0.2, 0.1];
const TEACHER = [-1, 0.5, 2];
const key = randomKey(5);
const images = (rows: number[][]): Tensor => reshape(tensor(rows), [rows.length, 1, 1, 3]);
const batch = { image: images(ROWS), other: images(OTHER), label: tensor([2, 1, 2, 0], "int32") };
const variables = { teacher: { params: { bias: tensor(TEACHER) }, variables: {} } };

const learner = (options: DistillationOptions = {}) =>
  distillation(biased, { model: biased }, options);
const lossOf = (options: DistillationOptions, train = true) => {
  const step = tensor(0, "int32");
  return (params: Params) => learner(options).loss({ params, variables, batch, key, step, train });
};

const softmaxOf = (row: readonly number[], t: number): number[] => {
  const e = row.map((x) => Math.exp(x / t));
  const sum = e.reduce((a, b) => a + b);
  return e.map((x) => x / sum);
};
const plus = (rows: readonly number[][], bias: readonly number[]): number[][] =>
  rows.map((row) => row.map((x, c) => x + bias[c]));
const mixedBy =
  (lambda: number) =>
  (rows: readonly number[][]): number[][] =>
    rows.map((row, i) => row.map((x, c) => lambda * x + (1 - lambda) * rows.at(i - 1)![c]));
const hardOf = (row: readonly number[]): number[] =>
  row.map((x) => (x === Math.max(...row) ? 1 : 0));

/** t² · KL of a batch, and its gradient with respect to the student's bias. */
function closedForm(student: number[][], aims: number[][], t: number) {
  let loss = 0;
  const slope = [0, 0, 0];
  student.forEach((row, i) => {
    const q = softmaxOf(row, t);
    aims[i].forEach((p, c) => {
      if (p > 0) loss += (t * t * p * Math.log(p / q[c])) / student.length;
      slope[c] += (t * (q[c] - p)) / student.length;
    });
  });
  return { loss, slope };
}

test.each<DistillationOptions>([
  {},
  { temperature: 3 },
  { targets: "hard" },
  { mixup: { p: 1 } },
  { mixup: { p: 1 }, temperature: 0.5 },
  { mixup: { p: 1 }, targets: "hard" },
  { mixup: { p: 1 }, fixed: true },
  { mixup: { p: 1 }, fixed: true, targets: "hard", teacherImage: "other" },
  { mixup: { p: 0 }, teacherImage: "other" },
])("%j: loss and gradient are those of the closed form", async (options) => {
  const { mixup, fixed = false, targets = "soft", temperature: t = 1, teacherImage } = options;
  const [lambda] = mixup?.p ? await read(mixupCoefficient(foldIn(key, 0), mixup.p)) : [1];
  const mixed = mixedBy(lambda);
  const answer = (rows: number[][]): number[][] =>
    plus(rows, TEACHER).map((row) => (targets === "soft" ? softmaxOf(row, t) : hardOf(row)));
  const seen = teacherImage === "other" ? OTHER : ROWS;
  const aims = fixed ? mixed(answer(seen)) : answer(mixed(seen));
  const want = closedForm(plus(mixed(ROWS), STUDENT), aims, t);
  const loss = lossOf(options);
  const params = { bias: tensor(STUDENT) };
  expect((await read(loss(params).loss))[0]).toBeCloseTo(want.loss, 5);
  const { bias } = grad((given: Params) => loss(given).loss)(params);
  (await read(bias as Tensor)).forEach((slope, c) => expect(slope).toBeCloseTo(want.slope[c], 5));
});

test("a student that is its teacher has nothing left to learn, if the teacher sees what it sees", async () => {
  const params = { bias: tensor(TEACHER) };
  const same = lossOf({ mixup: { p: 1 } })(params);
  expect(Math.abs((await read(same.loss))[0])).toBeLessThan(1e-6);
  expect(await read(same.metrics.agreement)).toEqual([1]);
  const fixed = lossOf({ mixup: { p: 1 }, fixed: true })(params);
  expect((await read(fixed.loss))[0]).toBeGreaterThan(1e-3);
});

test("the accuracy is that of the labels; mixed images have none", async () => {
  const { metrics } = lossOf({}, true)({ bias: tensor([0, 0, 0]) });
  expect(await read(metrics.accuracy)).toEqual([1]);
  expect(Object.keys(lossOf({ mixup: { p: 1 } })({ bias: tensor(STUDENT) }).metrics)).toEqual([
    "agreement",
  ]);
  // in evaluation nothing is mixed
  expect(
    Object.keys(lossOf({ mixup: { p: 1 } }, false)({ bias: tensor(STUDENT) }).metrics),
  ).toEqual(["agreement", "accuracy"]);
});

test("the teacher stays in the variables, as it was given, and is not served", async () => {
  const bias = fromNumbers(TEACHER, [3], "float32");
  const arrays = { params: { bias }, variables: {} };
  const objective = distillation(biased, { model: biased, arrays });
  expect(objective.given).toBe(arrays);
  const specs = { image: batch.image };
  const { params, variables: first } = objective.init(key, specs, {
    params: { bias: tensor(TEACHER) },
  });
  expect(await read(params.bias as Tensor)).toEqual([0, 0, 0]);
  const { variables: next } = objective.loss({
    params,
    variables: first,
    batch,
    key,
    step: tensor(0, "int32"),
    train: true,
  });
  const held = toFlat<Tensor>(next)["teacher/params/bias"];
  expect(held).toBe(toFlat<Tensor>(first)["teacher/params/bias"]);
  expect(await read(held)).toEqual(TEACHER.map(Math.fround));
  expect(objective.served!({ params, variables: next }).variables).toEqual({});
});

test("what does not go together is an error", () => {
  expect(() => learner({ targets: "hard", temperature: 2 })).toThrow(
    "objective.temperature is for soft targets, not for hard ones.",
  );
  expect(() => lossOf({ teacherImage: "clean" })({ bias: tensor(STUDENT) })).toThrow(
    'objective.teacherImage: a batch has no "clean". Add copy(image, clean) to preprocess.train.',
  );
  const five: ImageModel = (_, image) => [normal(randomKey(0), [image.shape[0], 5]), {}];
  const unequal = distillation(biased, { model: five });
  const held = { teacher: { params: {}, variables: {} } };
  const inputs = { batch, key, step: tensor(0, "int32"), train: true };
  expect(() =>
    unequal.loss({ params: { bias: tensor(STUDENT) }, variables: held, ...inputs }),
  ).toThrow("the teacher knows 5 classes, the student 3.");
  const parsed = objectiveDefinition("distillation").schema.safeParse({
    name: "distillation",
    teacher: "t",
    alpha: 1,
  });
  expect(parsed.error?.issues[0].code).toBe("unrecognized_keys");
});
