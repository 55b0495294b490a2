import sharp from "sharp";
import { expect, test } from "vitest";
import { hostArray } from "../graph/index.ts";
import { overlay } from "./overlay.ts";

const brightness = (data: Buffer, pixel: number): number =>
  data[3 * pixel] + data[3 * pixel + 1] + data[3 * pixel + 2];

test("the map's corner shines, the picture shows under it, and small ones grow", async () => {
  const picture = hostArray([28, 28, 1], "uint8", new Uint8Array(28 * 28).fill(100));
  const map = hostArray([2, 2], "float32", Float32Array.of(5, 1, 1, 1));
  const png = await overlay(picture, map);
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect([info.height, info.width, info.channels]).toEqual([448, 448, 3]);
  const last = 448 * 448 - 1;
  expect(brightness(data, 0)).toBeGreaterThan(2 * brightness(data, last));
  expect(brightness(data, last)).toBeGreaterThan(brightness(Buffer.from([13, 20, 66]), 0));
});

test("a map that is the same everywhere is drawn as nothing", async () => {
  const picture = hostArray(
    [2, 2, 3],
    "float32",
    Float32Array.from({ length: 12 }, (_, i) => i),
  );
  const flat = hostArray([1, 1], "float32", Float32Array.of(7));
  const zero = hostArray([1, 1], "float32", Float32Array.of(0));
  expect(await overlay(picture, flat)).toEqual(await overlay(picture, zero));
});
