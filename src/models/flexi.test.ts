import { expect, test } from "vitest";
import type { Spec } from "../graph/index.ts";
import { modelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { drawnSizes } from "./flexi.ts";
import { createModel } from "./registry.ts";

const draws = ({ forms, at }: ReturnType<typeof drawnSizes>, count: number): unknown[] =>
  Array.from({ length: count }, (_, step) => forms[at(step)].seqhw);

test("a step's patches depend on the seed and the step alone", () => {
  const sizes = { seqhw: [2, 3, 4, 6] };
  const first = draws(drawnSizes(sizes, 7), 40);
  expect(new Set(first)).toEqual(new Set(sizes.seqhw));
  const again = drawnSizes(sizes, 7);
  expect(again.forms[again.at(33)].seqhw).toBe(first[33]); // as after a resume: nothing was drawn before
  expect(draws(again, 40)).toEqual(first);
  expect(draws(drawnSizes(sizes, 8), 40)).not.toEqual(first);
});

test("weights say how often each is drawn", () => {
  const found = draws(drawnSizes({ seqhw: [2, 3, 4], weights: [3, 0, 1] }, 0), 4000);
  const share = found.filter((seqhw) => seqhw === 2).length / found.length;
  expect(Math.abs(share - 0.75)).toBeLessThan(0.035); // 5 standard deviations
  expect(found).not.toContain(3);
});

test("every form owns the same parameters", () => {
  const image: Spec = { shape: [2, 24, 24, 3], dtype: "float32" };
  const options = { width: 16, depth: 1, numHeads: 2, patchSize: [6, 6], posembSize: [4, 4] };
  const names = (form: object) =>
    Object.entries(
      toFlat<Spec>(modelSpecs(createModel("flexivit", { ...options, ...form }), image).params),
    ).map(([name, { shape }]) => `${name} ${shape}`);
  const { forms } = drawnSizes({ seqhw: [2, 6] }, 0);
  forms.forEach((form) => expect(names(form)).toEqual(names({})));
});

test("weights that do not fit are an error", () => {
  expect(() => drawnSizes({ seqhw: [2, 3], weights: [1] }, 0)).toThrow(
    "model.flexi takes a weight for each seqhw, one above 0; not [1] for [2, 3].",
  );
  expect(() => drawnSizes({ seqhw: [2, 3], weights: [0, 0] }, 0)).toThrow("one above 0");
});
