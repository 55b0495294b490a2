import { expect, test } from "vitest";
import { makeImage } from "../image.ts";
import { parsePreprocessing } from "../pipeline.ts";
import { seededRandom } from "../../random.ts";
import { randomBox } from "./geometry.ts";

// Pixel (y, x) of the 4 × 6 image is 10 y + x.
const image = makeImage(
  [4, 6, 1],
  Uint8Array.from({ length: 24 }, (_, i) => 10 * Math.floor(i / 6) + (i % 6)),
);
const run = (text: string, seed = 0) =>
  parsePreprocessing(text).onHost({ image }, seededRandom(seed));
const pixels = (text: string, seed = 0) => [...run(text, seed).image.data];

test("crops", () => {
  expect(pixels("central_crop(2)")).toEqual([12, 13, 22, 23]);
  expect(pixels("central_crop((1, 3))")).toEqual([11, 12, 13]);
  expect(run("central_crop").image.shape).toEqual([4, 4, 1]);
  const corners = new Set(
    Array.from({ length: 300 }, (_, i) => Number(pixels("random_crop((3, 2))", i)[0])),
  );
  expect([...corners].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 10, 11, 12, 13, 14]);
  expect(() => run("central_crop(5)")).toThrow("a crop of 5×5 does not fit into an image of 4×6");
});

test("borders", () => {
  expect(pixels("central_crop(2)|pad(1, 7)")).toEqual([
    7, 7, 7, 7, 7, 12, 13, 7, 7, 22, 23, 7, 7, 7, 7, 7,
  ]);
  expect(pixels("pad(1, mode=reflect)").slice(0, 8)).toEqual([11, 10, 11, 12, 13, 14, 15, 14]);
  expect(() => run("pad(4, mode=reflect)")).toThrow("need an image larger than 4×6");
});

test("half of the images are mirrored", () => {
  const flips = Array.from({ length: 1000 }, (_, i) => pixels("flip_lr", i)[0] === 5);
  const count = flips.filter(Boolean).length;
  expect(Math.abs(count - 500)).toBeLessThan(80); // 5 standard deviations
});

test("channels", () => {
  expect(run("rgb").image.shape).toEqual([4, 6, 3]);
  expect(run("decode(1)").image.shape).toEqual([4, 6, 1]);
  expect(run("rgb(outkey=colour)|keep(colour)")).toMatchObject({ colour: { shape: [4, 6, 3] } });
  const bytes = { shape: [3], dtype: "uint8" as const, data: Uint8Array.of(255, 216, 255) };
  expect(() =>
    parsePreprocessing("decode|flip_lr").onHost({ image: bytes }, seededRandom(0)),
  ).toThrow("the image is still a file's bytes");
});

test("random boxes lie inside, within their bounds", () => {
  const bounds = { area: [5, 100], ratio: [3 / 4, 4 / 3] } as const;
  const areas: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const { y, x, height, width } = randomBox([120, 160, 3], bounds, seededRandom("box", i));
    expect(Math.min(y, x)).toBeGreaterThanOrEqual(0);
    expect(y + height).toBeLessThanOrEqual(120);
    expect(x + width).toBeLessThanOrEqual(160);
    expect(width).toBeGreaterThanOrEqual(Math.round((height * 3) / 4));
    expect(width).toBeLessThanOrEqual(Math.round((height * 4) / 3));
    areas.push((height * width) / (120 * 160));
  }
  expect(Math.min(...areas)).toBeGreaterThanOrEqual(0.05);
  expect(Math.min(...areas)).toBeLessThan(0.07);
  expect(Math.max(...areas)).toBeGreaterThan(0.95);
});

test("where no box fits, the whole image is taken", () => {
  const bounds = { area: [100, 100], ratio: [1, 1] } as const;
  expect(randomBox([3, 30, 3], bounds, seededRandom(0))).toEqual({
    y: 0,
    x: 0,
    height: 3,
    width: 30,
  });
});
