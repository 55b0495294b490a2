import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readNpz } from "../../formats/npz.ts";
import { byteImageOf, imageOf, makeImage } from "../image.ts";
import { seededRandom } from "../../random.ts";
import {
  autoContrast,
  brightness,
  contrast,
  equalize,
  invert,
  meanLuma,
  posterize,
  saturation,
  sharpness,
  solarize,
  turnHue,
} from "./colour.ts";
import { eraseRandomly, fillBox } from "./erase.ts";
import { augMix, randAugment, trivialAugment } from "./policies.ts";
import { type Warp, rotate, shearX, shearY, translateX, translateY, warp } from "./warp.ts";

const pillow = readNpz(
  readFileSync(new URL("../../../tests/golden/preprocessing/pillow-colours.npz", import.meta.url)),
);
const image = byteImageOf("test", imageOf("test", pillow["in/image"]));

test.each([
  ["equalize", equalize(image)],
  ["invert", invert(image)],
  ["solarize100", solarize(image, 100)],
  ["posterize3", posterize(image, 3)],
  ["brightness0.1", brightness(image, 0.1)],
  ["brightness0.7", brightness(image, 0.7)],
  ["brightness1.9", brightness(image, 1.9)],
])("%s equals Pillow", (name, result) => {
  expect(result.data).toEqual(pillow[name].data);
});

// TensorFlow's luma and smoothing, which are ours, cut fractions off where Pillow rounds.
test.each([
  ["autocontrast", autoContrast(image), 1],
  ["contrast0.1", contrast(image, 0.1, meanLuma(image)), 1],
  ["contrast1.9", contrast(image, 1.9, meanLuma(image)), 1],
  ["saturation0.1", saturation(image, 0.1), 1],
  ["saturation1.9", saturation(image, 1.9), 1],
  ["sharpness0.1", sharpness(image, 0.1), 1],
  ["sharpness1.9", sharpness(image, 1.9), 1],
])("%s is within 1 of Pillow", (name, result, most) => {
  const { data } = pillow[name];
  const apart = Array.from(result.data, (value, i) => Math.abs(value - Number(data[i])));
  expect(Math.max(...apart)).toBeLessThanOrEqual(most);
});

const small = makeImage([2, 3, 1], Uint8Array.of(1, 2, 3, 4, 5, 6));

test("warps show the nearest pixel and fill the rest", () => {
  const warped = (how: Warp, amount: number) => [...warp(small, how(small, amount), 9).data];
  expect(warped(translateX, 1)).toEqual([2, 3, 9, 5, 6, 9]);
  expect(warped(translateY, -1)).toEqual([9, 9, 9, 1, 2, 3]);
  expect(warped(shearX, 1)).toEqual([1, 2, 3, 5, 6, 9]);
  expect(warped(shearY, 1)).toEqual([1, 5, 9, 4, 9, 9]);
  expect(warped(rotate, 180)).toEqual([6, 5, 4, 3, 2, 1]);
});

test("a third of the colour circle takes red to green", () => {
  const red = makeImage([1, 2, 3], Uint8Array.of(200, 0, 0, 50, 50, 50));
  expect([...turnHue(red, 1 / 3).data]).toEqual([0, 200, 0, 50, 50, 50]);
  expect(turnHue(image, 1).data).toEqual(image.data);
});

test("boxes are filled as far as they lie inside", () => {
  expect([...fillBox(small, { y: -1, x: 1, height: 2, width: 9 }, 0).data]).toEqual([
    1, 0, 0, 4, 5, 6,
  ]);
  expect([...fillBox(small, { y: 0, x: 5, height: 2, width: 1 }, 0).data]).toEqual([...small.data]);
});

test("erased boxes keep to the bounds of their area", () => {
  const white = makeImage([40, 40, 1], new Uint8Array(1600).fill(255));
  const bounds = { area: [5, 20], ratio: [0.5, 2] } as const;
  for (let i = 0; i < 50; i++) {
    const erased = eraseRandomly(white, bounds, 0, seededRandom("erase", i)).data;
    const part = erased.filter((value) => value === 0).length / 1600;
    expect(part).toBeGreaterThan(0.04);
    expect(part).toBeLessThan(0.22);
  }
});

test.each([
  ["randAugment", (i: number) => randAugment(image, 2, 10, seededRandom("policy", i)).image],
  ["trivialAugment", (i: number) => trivialAugment(image, seededRandom("policy", i)).image],
  [
    "augMix",
    (i: number) => augMix(image, { severity: 3, width: 3, depth: 0 }, seededRandom("policy", i)),
  ],
])("%s depends on its stream alone and leaves its input alone", (_name, policy) => {
  const before = image.data.slice();
  const results = new Set(Array.from({ length: 40 }, (_, i) => String(policy(i).data)));
  expect(policy(3).data).toEqual(policy(3).data);
  expect(policy(3).shape).toEqual(image.shape);
  expect(results.size).toBeGreaterThan(20);
  expect(image.data).toEqual(before);
});
