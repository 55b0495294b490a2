import sharp from "sharp";
import { expect, test } from "vitest";
import { hostArray } from "../graph/index.ts";
import { COLOURS } from "../preprocess/alpha.ts";
import { smallPicture, thumbnail } from "./pictures.ts";

const image = hostArray([40, 80, 3], "uint8", new Uint8Array(40 * 80 * 3).fill(9));

test("a small picture keeps its shape, and is never grown", async () => {
  const sizeAt = async (side: number) => {
    const { width, height } = await sharp(
      await smallPicture(image, COLOURS.white, side),
    ).metadata();
    return [width, height];
  };
  expect(await sizeAt(20)).toEqual([20, 10]);
  expect(await sizeAt(448)).toEqual([80, 40]);
});

test("what is no picture is an error, and an empty thumbnail", async () => {
  const broken = hostArray([3], "uint8", Uint8Array.of(1, 2, 3));
  await expect(smallPicture(broken, COLOURS.white, 20)).rejects.toThrow(/no image/);
  expect(await thumbnail(broken, COLOURS.white)).toBe("");
});
