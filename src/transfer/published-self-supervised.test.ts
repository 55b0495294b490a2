import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openBackbone } from "./backbone.ts";

const golden = (name: string): string =>
  fileURLToPath(new URL(`../../tests/golden/${name}/model`, import.meta.url));
const half = (size: number): string => `decode|resize(${size})|value_range(-1,1)`;

test.each([
  ["hf_vit/classifier", undefined, [32, 32, 3], 32],
  ["hf_deit/distilled", undefined, [32, 32, 3], 32],
  ["hf_dinov2/model", undefined, [28, 28, 3], 32],
  ["hf_dinov2/registers_classifier", half(28), [28, 28, 3], 64],
  ["hf_beit/classifier_relpos", half(32), [32, 32, 3], 32],
  ["hf_vit_mae/pretraining", half(32), [32, 32, 3], 32],
  ["hf_dinov2/model", half(42), [42, 42, 3], 32], // positions resized
] as const)("%s opens as a backbone", async (name, preprocessing, imageShape, features) => {
  const backbone = await openBackbone(golden(name), { preprocessing });
  expect(backbone.imageShape).toEqual(imageShape);
  expect(backbone.features).toBe(features);
});
