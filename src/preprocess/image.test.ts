import { expect, test } from "vitest";
import { type Image, grayscale, makeImage, shift } from "./image.ts";
import { resize } from "./resize/resize.ts";

const image = (shape: Image["shape"], values: number[]): Image =>
  makeImage(shape, Uint8Array.from(values));

const resizeBilinear = (source: Image, height: number, width: number) =>
  resize(source, [height, width], { method: "bilinear", antialias: false });

test("bilinear resize samples at half-pixel centres and truncates", () => {
  // Rows 0 and 100 to four rows: centres at -0.25, 0.25, 0.75, 1.25 of the source.
  const up = resizeBilinear(image([2, 1, 1], [0, 101]), 4, 1);
  expect([...up.data]).toEqual([0, 25, 75, 101]);
  const down = resizeBilinear(image([1, 4, 1], [0, 10, 20, 31]), 1, 2);
  expect([...down.data]).toEqual([5, 25]);
});

test("resize to the same size hands the image through", () => {
  const same = image([2, 2, 1], [1, 2, 3, 4]);
  expect(resizeBilinear(same, 2, 2)).toBe(same);
});

test("grayscale is luma, with white staying white", () => {
  const colours = image([1, 4, 3], [255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255]);
  expect([...grayscale(colours).data]).toEqual([255, 76, 149, 29]);
  expect(() => grayscale(image([1, 1, 2], [1, 2]))).toThrow("1 or 3 channels, not 2");
});

test("shift moves every channel and fills with zeros", () => {
  const source = image([2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect([...shift(source, 1, -1).data]).toEqual([0, 0, 0, 0, 0, 0, 3, 4, 5, 6, 0, 0]);
  expect([...shift(source, -1, 2).data]).toEqual([0, 0, 0, 0, 7, 8, 0, 0, 0, 0, 0, 0]);
  expect([...shift(source, 0, 3).data]).toEqual(new Array(12).fill(0));
  expect([...shift(source, 0, 0).data]).toEqual([...source.data]);
});
