import { expect, test } from "vitest";
import { hostArray, toNumbers } from "../../graph/index.ts";
import { seededRandom } from "../../random.ts";
import { parsePreprocessing } from "../pipeline.ts";
import { sequenceSize } from "./sequence.ts";

const rule = { patch: 4, length: 24, divisible: true, eps: 1e-5 };
const run = (text: string, height: number, width: number) => {
  const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => i % 251);
  const image = hostArray([height, width, 3], "uint8", data);
  return parsePreprocessing(text).onHost({ image }, seededRandom("x"));
};

test.each([
  [1, 1],
  [3, 500],
  [500, 3],
  [64, 48],
  [4000, 3000],
])("an image of %i×%i makes at most so many whole patches, at least one to a side", (h, w) => {
  const [height, width] = sequenceSize([h, w], rule);
  expect([height % 4, width % 4]).toEqual([0, 0]);
  expect(Math.min(height, width)).toBeGreaterThanOrEqual(4);
  expect((height * width) / 16).toBeLessThanOrEqual(24);
});

test("sides need not be whole patches", () => {
  const [height, width] = sequenceSize([45, 63], { ...rule, divisible: false });
  expect(height * width).toBeLessThanOrEqual(24 * 16);
  expect([height % 4, width % 4]).not.toEqual([0, 0]);
});

test("patches lie row by row with their pixels, rows before columns before channels", () => {
  const { image, type, yidx, xidx } = run("patchify(2, 8)", 4, 6);
  expect(image.shape).toEqual([8, 12]);
  expect(toNumbers(image).slice(12, 24)).toEqual([6, 7, 8, 9, 10, 11, 24, 25, 26, 27, 28, 29]);
  expect(toNumbers(type)).toEqual([1, 1, 1, 1, 1, 1, 0, 0]);
  expect(toNumbers(yidx)).toEqual([0, 0, 0, 1, 1, 1, 0, 0]);
  expect(toNumbers(xidx)).toEqual([0, 1, 2, 0, 1, 2, 0, 0]);
  expect(new Set(toNumbers(image).slice(72))).toEqual(new Set([0]));
});

test("what cannot be is one error", () => {
  expect(() => run("patchify(2, 5)", 4, 6)).toThrow(
    "patchify: the image makes 6 patches of 2 pixels, more than 5. Put resize_to_sequence before.",
  );
  expect(() => sequenceSize([1, 100_000_000], rule)).toThrow(
    "an image of 1×100000000 pixels cannot be made of at most 24 patches of 4.",
  );
});
