import { expect, test } from "vitest";
import { type Spec, randomKey } from "../graph/index.ts";
import { flexivit } from "../models/index.ts";
import { toFlat } from "../tree.ts";
import { type Objective, classification, flexi, objectiveAt } from "./index.ts";

const net = flexivit({
  width: 16,
  depth: 1,
  numHeads: 2,
  patchSize: [6, 6],
  posembSize: [4, 4],
  numClasses: 2,
});
const made = new Map<Objective, number>();
const make = (seqhw: number): Objective => {
  const objective = classification((scope, image) => net(scope, image, seqhw));
  made.set(objective, seqhw);
  return objective;
};
const draws = (objective: Objective, count: number): (number | undefined)[] =>
  Array.from({ length: count }, (_, step) => made.get(objectiveAt(objective, step)));

test("a step's patches depend on the seed and the step alone", () => {
  const sizes = { seqhw: [2, 3, 4, 6] };
  const first = draws(flexi(make, sizes, 7), 40);
  expect(new Set(first)).toEqual(new Set(sizes.seqhw));
  const again = flexi(make, sizes, 7);
  expect(made.get(objectiveAt(again, 33))).toBe(first[33]); // as after a resume: nothing was drawn before
  expect(draws(again, 40)).toEqual(first);
  expect(draws(flexi(make, sizes, 8), 40)).not.toEqual(first);
});

test("weights say how often each is drawn; one program is one object", () => {
  const objective = flexi(make, { seqhw: [2, 3, 4], weights: [3, 0, 1] }, 0);
  const found = draws(objective, 4000);
  const share = found.filter((seqhw) => seqhw === 2).length / found.length;
  expect(Math.abs(share - 0.75)).toBeLessThan(0.035); // 5 standard deviations
  expect(found).not.toContain(3);
  const forms = new Set(Array.from({ length: 50 }, (_, step) => objectiveAt(objective, step)));
  expect(forms.size).toBe(2);
});

test("every form owns the same parameters", () => {
  const image: Spec = { shape: [2, 24, 24, 3], dtype: "float32" };
  const names = (objective: Objective) =>
    Object.entries(toFlat<Spec>(objective.init(randomKey(0), { image }).params)).map(
      ([name, { shape }]) => `${name} ${shape}`,
    );
  const objective = flexi(make, { seqhw: [2, 6] }, 0);
  const forms = [
    objective,
    ...Array.from({ length: 8 }, (_, step) => objectiveAt(objective, step)),
  ];
  forms.forEach((form) => expect(names(form)).toEqual(names(objective)));
});

test("weights that do not fit are an error", () => {
  expect(() => flexi(make, { seqhw: [2, 3], weights: [1] }, 0)).toThrow(
    "objective.flexi takes a weight for each seqhw, one above 0; not [1] for [2, 3].",
  );
  expect(() => flexi(make, { seqhw: [2, 3], weights: [0, 0] }, 0)).toThrow("one above 0");
});

test("an objective of one form is that form at every step", () => {
  const objective = make(2);
  expect(objectiveAt(objective, 9)).toBe(objective);
});
