import { expect, test } from "vitest";
import type { Features } from "./example.ts";
import { parsePreprocessing } from "./pipeline.ts";
import { seededRandom } from "../random.ts";
import { RESIZE_METHODS } from "./resize/resize.ts";

const picture = (height: number, width: number, channels = 3) => ({
  shape: [height, width, channels],
  dtype: "uint8" as const,
  data: Uint8Array.from({ length: height * width * channels }, (_, i) => (i * 37 + (i >> 3)) % 256),
});

/** Each operation as a text of its own, one after the other. */
const apart = (text: string, example: Features): Features => {
  const random = seededRandom("chained");
  return text
    .split("|")
    .reduce((before, one) => parsePreprocessing(one).onHost(before, random), example);
};

const CROPS = [
  "central_crop(11)",
  "random_crop((9,13))",
  "central_crop(14)|random_crop(5)",
  "random_crop(12)|inception_crop(7)",
  "central_crop(12)|resize_small(8)|central_crop(6)|flip_lr",
];

test.each(RESIZE_METHODS)(
  "%s and the crops behind it give the pixels that they give one after the other",
  (method) => {
    for (const antialias of [false, true]) {
      for (const crop of CROPS) {
        for (const [height, width, channels] of [
          [30, 47, 3],
          [16, 90, 1],
          [70, 21, 3],
        ]) {
          const text = `resize_small(16,method="${method}",antialias=${antialias})|${crop}`;
          const image = picture(height, width, channels);
          const joined = parsePreprocessing(text).onHost({ image }, seededRandom("chained"));
          expect(joined.image, text).toEqual(apart(text, { image }).image);
        }
      }
    }
  },
);

test.each([
  [1, 6000],
  [1, 60_000],
  [60_000, 1],
])("a picture of %i × %i is scaled and cropped in little memory", (height, width) => {
  const image = picture(height, width);
  const { onHost } = parsePreprocessing("resize_small(256)|central_crop(224)");
  const before = process.memoryUsage().arrayBuffers;
  const made = onHost({ image }, seededRandom(0)).image;
  expect(made.shape).toEqual([224, 224, 3]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
});

test("a picture that would become too large is a data error with the bound", () => {
  const { onHost } = parsePreprocessing("resize_small(256)");
  expect(() => onHost({ image: picture(1, 6000) }, seededRandom(0))).toThrow(
    "an image of 256×1536000 is larger than the 33554432 pixels that preprocessing makes.",
  );
});

test.each([
  ["resize(60000)", "size takes a whole number from 1 to 4096"],
  ["resize((1,60000))", "size takes a whole number from 1 to 4096"],
  ["resize_small(60000)", "smaller_size takes a whole number from 1 to 16384, not 60000"],
  ["pad(1000000000)", "pixels takes a whole number from 1 to 16384"],
  ["onehot(1000000000)", "depth takes a whole number from 1 to 1000000"],
  ["randaug(1000000)", "num_layers takes a whole number from 1 to 64"],
  [Array(300).fill("flip_lr").join("|"), "more than 256 operations"],
  [`keep("${"x".repeat(70_000)}")`, "is longer than 65536"],
])("%.40s is refused before it runs", (text, message) => {
  expect(() => parsePreprocessing(text)).toThrow(message);
});
