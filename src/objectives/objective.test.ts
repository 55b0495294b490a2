import { expect, test } from "vitest";
import { createModel } from "../models/index.ts";
import { classification } from "./classification/classification.ts";
import { objectiveAt, objectiveInForms } from "./objective.ts";

const make = () => classification(createModel("vit", { variant: "mu/8", numClasses: 2 }));

test("an objective of one form is that form at every step", () => {
  const objective = make();
  expect(objectiveAt(objective, 9)).toBe(objective);
});

test("a form is one object, so that it is compiled once", () => {
  const forms = [make(), make()];
  const objective = objectiveInForms(forms, (step) => step % 2);
  expect(objectiveAt(objective, 4)).toBe(forms[0]);
  expect(objectiveAt(objective, 7)).toBe(forms[1]);
});
