import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { seededRandom } from "../../random.ts";
import { type ByteImage, byteImageOf, crop, grayscale, makeImage, rgb } from "../image.ts";
import { logarithmicBox } from "../operations/geometry.ts";
import { parsePreprocessing } from "../pipeline.ts";
import { resize } from "../resize/resize.ts";
import { gaussianBlur, usualWindow } from "./blur.ts";
import { brightness, contrast, meanLuma, saturation, solarize, turnHue } from "./colour.ts";

// Recorded by scripts/torchvision-fixtures.py.
interface Stored {
  readonly shape: readonly [number, number, number];
  readonly data: readonly number[];
}
const golden = new URL("../../../tests/golden/augment/torchvision.json", import.meta.url);
const { picture, changes } = JSON.parse(readFileSync(golden, "utf8")) as {
  readonly picture: Stored;
  readonly changes: Readonly<Record<string, Stored>>;
};
const image = makeImage(picture.shape, Uint8Array.from(picture.data));

const MAKE: Readonly<Record<string, (...given: number[]) => ByteImage>> = {
  brightness: (factor) => brightness(image, factor),
  contrast: (factor) => contrast(image, factor, meanLuma(image)),
  saturation: (factor) => saturation(image, factor),
  hue: (turn) => turnHue(image, turn),
  blur: (window, sigma) => gaussianBlur(image, window, sigma),
  solarize: (threshold) => solarize(image, threshold),
  grayscale: () => byteImageOf("grayscale", rgb(grayscale(image))),
  crop(y, x, height, width, tall, wide) {
    const method = tall === wide ? "pil_bilinear" : "pil_bicubic";
    const part = crop(image, { y, x, height, width });
    return byteImageOf("crop", resize(part, [tall, wide], { method, antialias: true }));
  },
};

test.each(Object.keys(changes))("%s is torchvision's within 1 of 255", (name) => {
  const [kind, ...given] = name.split(" ");
  const made = MAKE[kind](...given.map(Number));
  expect(made.shape).toEqual(changes[name].shape);
  const worst = changes[name].data.map((value, i) => Math.abs(value - made.data[i]));
  expect(Math.max(...worst)).toBeLessThanOrEqual(1);
  expect(worst.filter((d) => d > 0).length).toBeLessThan(worst.length / 2);
});

test("a probability of 0 changes nothing, and of 1 everything", () => {
  const run = (text: string) =>
    parsePreprocessing(text).onHost({ image }, seededRandom("p")).image.data;
  for (const text of [
    "color_jitter(0.4,0.4,0.4,0.1,probability=P)",
    "gaussian_blur(3,1,2,probability=P)",
    "random_solarize(100,probability=P)",
    "random_grayscale(P)",
  ]) {
    expect(run(text.replace("P", "0"))).toEqual(image.data);
    expect(run(text.replace("P", "1"))).not.toEqual(image.data);
  }
});

test("boxes lie within the image, with areas and ratios as asked", () => {
  const random = seededRandom("boxes");
  const bounds = { area: [20, 60], ratio: [0.5, 2] } as const;
  const logs: number[] = [];
  for (let i = 0; i < 500; i++) {
    const { y, x, height, width } = logarithmicBox([100, 80, 3], bounds, random);
    expect(y >= 0 && x >= 0 && y + height <= 100 && x + width <= 80).toBe(true);
    expect((height * width) / 8000).toBeGreaterThan(0.19);
    expect((height * width) / 8000).toBeLessThan(0.61);
    logs.push(Math.log(width / height));
  }
  expect(Math.min(...logs)).toBeGreaterThan(Math.log(0.48));
  expect(Math.max(...logs)).toBeLessThan(Math.log(2.1));
  expect(logarithmicBox([10, 100, 3], { area: [100, 100], ratio: [1, 1] }, random)).toEqual({
    ...{ y: 0, x: 45, height: 10, width: 10 },
  });
});

test("a blur's window is odd and fits", () => {
  expect(usualWindow(image)).toBe(3);
  expect(() => gaussianBlur(image, 4, 1)).toThrow("a window of 4 pixels does not fit");
  expect(() => gaussianBlur(image, 45, 1)).toThrow("a window of 45 pixels does not fit");
});
