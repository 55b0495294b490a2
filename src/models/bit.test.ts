import { expect, test } from "vitest";
import type { Spec } from "../graph/index.ts";
import { modelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { bit, bitPaper, createModel } from "./index.ts";

const image: Spec = { shape: [1, 32, 32, 3], dtype: "float32" };
const shapes = (model: ReturnType<typeof bit>) => toFlat<Spec>(modelSpecs(model, image).params);

test("options beside a variant take precedence over it", () => {
  const params = shapes(bit({ variant: "R50x3", width: 0.5, depth: [1], numClasses: 4 }));
  expect(params["conv_root/kernel"].shape).toEqual([7, 7, 3, 32]);
  expect(params["head/kernel"].shape).toEqual([128, 4]);
  expect(Object.keys(params).filter((name) => name.endsWith("conv1/kernel"))).toEqual([
    "block1/unit1/conv1/kernel",
  ]);
});

test("the published layout pads names and keeps the normalisations' image axes", () => {
  const params = shapes(bitPaper({ depth: [1, 1] }));
  expect(params["block2/unit01/gn2/scale"].shape).toEqual([1, 1, 1, 128]);
  expect(params["norm-pre-head/bias"].shape).toEqual([1, 1, 1, 512]);
  expect(Object.keys(params).filter((name) => name.startsWith("head"))).toEqual([]);
});

test("sizes that there are not are errors", () => {
  expect(() => bit({ depth: 34 })).toThrow("no BiT has 34 layers; valid: 26, 50, 101, 152, 200.");
  expect(() => bitPaper({ variant: "50x1" })).toThrow('"50x1" must be RDEPTHxWIDTH, as in "R50x1"');
  expect(() => createModel("bit", { variant: "R50" })).toThrow("bit: variant: RDEPTHxWIDTH");
});
