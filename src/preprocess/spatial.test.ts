import { expect, test } from "vitest";
import { fromNumbers, hostArray, toNumbers } from "../graph/index.ts";
import { seededRandom } from "../random.ts";
import { rotate, shearX } from "./augment/warp.ts";
import { type Fields } from "./example.ts";
import { type Image, makeImage } from "./image.ts";
import { parsePreprocessing } from "./pipeline.ts";
import { moveFields, warpMove } from "./spatial.ts";

const FIELDS: Fields = { image: "image", map: "map", boxes: "boxes", points: "points" };

// Pixel (y, x) of the 4 × 6 image is 10 y + x, and so is its map.
const VALUES = Array.from({ length: 24 }, (_, i) => 10 * Math.floor(i / 6) + (i % 6));
const example = {
  image: makeImage([4, 6, 1], Uint8Array.from(VALUES)),
  map: hostArray([4, 6], "uint8", Uint8Array.from(VALUES)),
  boxes: fromNumbers([1, 2, 3, 5, 0, 0, 4, 6], [2, 4], "float32"),
  points: fromNumbers([1.5, 2, 0, 6], [2, 2], "float32"),
};

const run = (text: string, seed = 0, fields: Fields | undefined = FIELDS) =>
  parsePreprocessing(text).onHost(example, seededRandom(seed), fields);

/** A seed at which an operation that is drawn half of the time changes the image. */
const flipped = (text: string): number => {
  for (let seed = 0; ; seed++) if (run(text, seed).image.data[0] !== 0) return seed;
};

test("crops move maps, boxes and points, and cut boxes off", () => {
  const { image, map, boxes, points } = run("central_crop(2)"); // from row 1, column 2
  expect(toNumbers(image)).toEqual([12, 13, 22, 23]);
  expect(map).toMatchObject({ shape: [2, 2], dtype: "uint8" });
  expect(toNumbers(map)).toEqual([12, 13, 22, 23]);
  expect(toNumbers(boxes)).toEqual([0, 0, 2, 2, 0, 0, 2, 2]);
  expect(toNumbers(points)).toEqual([0.5, 0, -1, 4]); // points outside stay outside
});

test("a map is scaled by the nearest pixel, as torchvision scales masks", () => {
  const { map, boxes, points } = run("resize((8, 3))");
  // rows ⌊i · 4 / 8⌋ are 0 0 1 1 2 2 3 3, columns ⌊i · 6 / 3⌋ are 0 2 4
  const rows = [0, 0, 1, 1, 2, 2, 3, 3];
  expect(toNumbers(map)).toEqual(
    rows.flatMap((row) => [0, 2, 4].map((column) => 10 * row + column)),
  );
  expect(toNumbers(boxes)).toEqual([2, 1, 6, 2.5, 0, 0, 8, 3]);
  expect(toNumbers(points)).toEqual([3, 1, 0, 3]);
  const odd = toNumbers(run("resize((3, 4))").map); // rows 0 1 2, columns 0 1 3 4
  expect(odd).toEqual([0, 10, 20].flatMap((row) => [0, 1, 3, 4].map((column) => row + column)));
});

test("flips mirror all of them", () => {
  const { image, map, boxes, points } = run("flip_lr", flipped("flip_lr"));
  expect(toNumbers(map)).toEqual(toNumbers(image));
  expect(toNumbers(map).slice(0, 6)).toEqual([5, 4, 3, 2, 1, 0]);
  expect(toNumbers(boxes)).toEqual([1, 1, 3, 4, 0, 0, 4, 6]);
  expect(toNumbers(points)).toEqual([1.5, 4, 0, 0]);
});

test("what comes in from outside has no class", () => {
  const padded = run("pad(1)");
  expect(toNumbers(padded.map).slice(0, 10)).toEqual([
    255, 255, 255, 255, 255, 255, 255, 255, 255, 0,
  ]);
  expect(toNumbers(padded.boxes)).toEqual([2, 3, 4, 6, 1, 1, 5, 7]);
  expect(toNumbers(run("pad(1, mode=reflect)").map).slice(0, 8)).toEqual([
    11, 10, 11, 12, 13, 14, 15, 14,
  ]);
  for (let seed = 0; seed < 20; seed++) {
    const { image, map } = run("random_shift(2)", seed);
    const expected = toNumbers(image).map((value) => (value === 0 ? [0, 255] : [value]));
    toNumbers(map).forEach((value, i) => expect(expected[i]).toContain(value));
  }
});

test.each([
  "random_crop((2, 3))",
  "inception_crop(area_min=20)",
  "random_crop(3)|random_crop(2)|flip_lr",
])("%s draws one place for the image and its map", (text) => {
  for (let seed = 0; seed < 20; seed++) {
    const { image, map } = run(text, seed);
    expect(toNumbers(map)).toEqual(toNumbers(image));
  }
});

test.each(["randaug(2,10)", "trivial_augment"])("%s warps the map with the image", (text) => {
  // Colours change the image alone: the map is compared with that of the image's places.
  const places = { ...example, image: makeImage([4, 6, 1], Uint8Array.from(VALUES)) };
  const moved = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const { map } = parsePreprocessing(text).onHost(places, seededRandom(seed), FIELDS);
    toNumbers(map).forEach((value) => expect([...VALUES, 255]).toContain(value));
    moved.add(String(map.data));
  }
  expect(moved.size).toBeGreaterThan(3);
  expect(moved).toContain(String(example.map.data)); // of colours alone
});

test("warps move maps as they move pixels, and boxes and points with them", () => {
  const fields: Fields = { map: "map", boxes: "boxes", points: "points" };
  const size = [4, 6] as const;
  const half = moveFields(example, fields, [warpMove(size, rotate(example.image as never, 180))]);
  expect(toNumbers(half.map)).toEqual(VALUES.toReversed());
  const rounded = (values: readonly number[]) =>
    values.map((value) => Math.round(value * 1e4) / 1e4);
  expect(rounded(toNumbers(half.boxes))).toEqual([1, 1, 3, 4, 0, 0, 4, 6]);
  expect(rounded(toNumbers(half.points)).map((value) => value + 0)).toEqual([2.5, 4, 4, 0]);
  const sheared = moveFields(example, fields, [warpMove(size, shearX(example.image as never, 1))]);
  // each row moves to the left by its number; rows are counted from the middle of the first
  expect(toNumbers(sheared.points)).toEqual([1.5, 1, 0, 6.5]);
  expect(toNumbers(sheared.map).slice(6, 12)).toEqual([11, 12, 13, 14, 15, 255]);
});

test("augmix says that nothing can follow it", () => {
  expect(() => run("augmix")).toThrow('so that "map" cannot follow them');
  expect(run("augmix", 0, { image: "image" }).map).toBe(example.map);
});

test("fields whose kinds are not given, and operations on other images, move nothing", () => {
  for (const still of [run("central_crop(2)", 0, {}), run("central_crop(2, outkey=part)")]) {
    expect(still.map).toBe(example.map);
    expect(still.boxes).toBe(example.boxes);
  }
  const copied = run("copy(map, first)|central_crop(2)");
  expect(copied.first.shape).toEqual([2, 2]);
});

test("a map of another size than its image is refused", () => {
  const other = { ...example, map: hostArray([4, 5], "uint8", new Uint8Array(20)) };
  const crop = () => parsePreprocessing("central_crop(2)").onHost(other, seededRandom(0), FIELDS);
  expect(crop).toThrow('the map "map" is of 4×5 pixels, its image of 4×6');
});

test("of an image that is decoded in part, the map moves as of a whole one", () => {
  const rgb = makeImage(
    [4, 6, 3],
    Uint8Array.from(VALUES.flatMap((value) => [value, value, value])),
  );
  for (const text of [
    "decode|random_crop(2)|flip_lr",
    "decode|inception_crop(3)|flip_lr",
    "decode|resize(2)|random_crop(1)",
  ]) {
    // prettier-ignore
    for (let seed = 0; seed < 10; seed++) {
      const preprocessing = parsePreprocessing(text);
      const whole = preprocessing.onHost({ ...example, image: rgb }, seededRandom(seed), FIELDS);
      const wanted = preprocessing.want(rgb.shape, seededRandom(seed));
      const { y, x, height, width } = wanted.box;
      const data = Array.from({ length: height * width * 3 }, (_, i) => {
        const [row, column] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width];
        return VALUES[(y + row) * 6 + x + column];
      });
      const part: Image = makeImage([height, width, 3], Uint8Array.from(data));
      const random = seededRandom(seed);
      const again = preprocessing.want(rgb.shape, random).finish(example, part, FIELDS);
      for (const name of ["image", "map", "boxes", "points"]) {
        expect(toNumbers(again[name])).toEqual(toNumbers(whole[name]));
      }
    }
  }
});
