import { expect, test } from "vitest";
import { cropped, onImages } from "./views.ts";

const lite = 'decode|resize_small(256,method="bicubic")|central_crop(224)|value_range(-1,1,-1,255)';

test("other operations take the place of the host's; the scaling stays", () => {
  const text = onImages(lite, "resize(160)|random_crop(128)|flip_lr");
  expect(text).toBe(
    'decode(background="white")|resize(160)|random_crop(128)|flip_lr|value_range(-1,1,-1,255)',
  );
  expect(onImages("resize(28)|grayscale|value_range(-1,1)", "flip_lr")).toBeUndefined();
});

test("training sees crops of square pictures in colours, and others as they are judged", () => {
  const seen = (preprocessing: string, imageShape: readonly number[]) =>
    cropped({ preprocessing, imageShape });
  expect(seen(lite, [224, 224, 3])).toBe(
    'decode(background="white")|inception_crop(224,50)|flip_lr|value_range(-1,1,-1,255)',
  );
  expect(seen(lite, [224, 200, 3])).toBe(lite);
  expect(seen("resize(28)|grayscale|value_range(-1,1)", [28, 28, 1])).toMatch(/^resize/);
});
