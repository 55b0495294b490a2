import { expect, test } from "vitest";
import { type Spec, type Tensor, full, randomKey } from "../graph/index.ts";
import { apply, countParameters, initialise, modelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { createModel, decodeVariant, sincos2d, vit } from "./index.ts";

const image = (size: number): Spec => ({ shape: [1, size, size, 3], dtype: "float32" });

// Published counts at 224 pixels and 1000 classes are of models with a class token that has a position of its own.
test.each([
  ["Ti/16", 192, 5_717_416],
  ["S/16", 384, 22_050_664],
  ["B/16", 768, 86_567_656],
  ["B/32", 768, 88_224_232],
  ["L/16", 1024, 304_326_632],
])(
  "%s of width %i has %i parameters with a class token's position",
  (variant, width, published) => {
    const count = (poolType: "gap" | "tok") =>
      countParameters(vit({ variant, numClasses: 1000, poolType }), image(224));
    expect(count("tok")).toBe(published - width);
    expect(count("gap")).toBe(published - 2 * width);
  },
);

test("options beside a variant take precedence over it", () => {
  const { params } = modelSpecs(vit({ variant: "mu/16", depth: 2, numClasses: 3 }), image(32));
  const names = Object.keys(toFlat(params));
  expect(names.filter((name) => name.endsWith("query/kernel"))).toHaveLength(2);
  expect(toFlat<Spec>(params)["embedding/kernel"].shape).toEqual([16, 16, 3, 32]);
});

test("without classes the model ends with its representation", () => {
  const model = vit({ variant: "mu/16", repSize: 24, poolType: "map" });
  const { params } = initialise(model, randomKey(0), image(32));
  const [output, out] = apply(model, { params }, full([1, 32, 32, 3], 0.5)).result;
  expect(output).toBe(toFlat<Tensor>(out).pre_logits);
  expect(output.shape).toEqual([1, 24]);
  expect(Object.keys(toFlat(params)).filter((name) => name.startsWith("head"))).toEqual([]);
});

test("bfloat16 products leave parameters and logits in float32", () => {
  const model = vit({ variant: "mu/16", numClasses: 2, dtypeMm: "bfloat16" });
  const { params } = initialise(model, randomKey(0), image(32));
  const [logits, out] = apply(model, { params }, full([1, 32, 32, 3], 0.5)).result;
  expect(logits.dtype).toBe("float32");
  expect(toFlat<Tensor>(out)["encoder/block00/+mlp"].dtype).toBe("bfloat16");
  expect(new Set(Object.values(toFlat<Tensor>(params)).map(({ dtype }) => dtype))).toEqual(
    new Set(["float32"]),
  );
});

test("sincos2d needs four numbers to a frequency", () => {
  expect(sincos2d(3, 2, 16).shape).toEqual([1, 6, 16]);
  expect(() => sincos2d(2, 2, 18)).toThrow("a width of 8 or more that divides by 4, not 18");
});

test.each([
  ["s/16", 'unknown ViT variant "s"; valid: S,'],
  ["S/x", 'the ViT variant "S/x" must end in /PATCH'],
  ["S/16/2", 'the ViT variant "S/16/2" must end in /PATCH'],
])("the variant %s is an error", (variant, message) => {
  expect(() => decodeVariant(variant)).toThrow(message);
});

test("unknown models and options are told the nearest names", () => {
  expect(() => createModel("vti")).toThrow('unknown model "vti"; valid: vit,');
  expect(() => createModel("vit", { numClases: 3 })).toThrow(
    'unknown option of vit "numClases"; valid: numClasses,',
  );
  expect(() => createModel("vit", { poolType: "avg" })).toThrow("vit: poolType:");
  expect(() => createModel("vit", { variant: "XL/16" })).toThrow("vit: variant: one of mu, Ti,");
});
