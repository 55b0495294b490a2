import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeImageFile } from "./decode.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-decode-"))));
afterAll(() => rm(dir, { recursive: true }));

test("grey, colour and transparent images become three channels", async () => {
  const raw = (values: number[], channels: 1 | 3 | 4) =>
    sharp(Uint8Array.from(values), { raw: { width: 2, height: 1, channels } });
  await raw([10, 200], 1).png().toFile(join(dir, "grey.png"));
  await raw([1, 2, 3, 4, 5, 6], 3).png().toFile(join(dir, "colour.png"));
  await raw([100, 100, 100, 255, 100, 100, 100, 0], 4).png().toFile(join(dir, "clear.png"));
  const decode = async (name: string) => {
    const { shape, data } = await decodeImageFile(join(dir, name));
    return [shape, [...data]];
  };
  expect(await decode("grey.png")).toEqual([
    [1, 2, 3],
    [10, 10, 10, 200, 200, 200],
  ]);
  expect(await decode("colour.png")).toEqual([
    [1, 2, 3],
    [1, 2, 3, 4, 5, 6],
  ]);
  expect(await decode("clear.png")).toEqual([
    [1, 2, 3],
    [100, 100, 100, 255, 255, 255],
  ]);
});

test("a photograph that lies on its side is turned upright", async () => {
  const image = sharp(Uint8Array.of(1, 2, 3, 4, 5, 6), {
    raw: { width: 2, height: 1, channels: 3 },
  });
  await image.withMetadata({ orientation: 6 }).png().toFile(join(dir, "side.png"));
  expect((await decodeImageFile(join(dir, "side.png"))).shape).toEqual([2, 1, 3]);
});

test.each([
  ["missing.png", undefined],
  ["text.png", "no image"],
  ["empty.png", ""],
])("%s is refused by name", async (name, content) => {
  if (content !== undefined) await writeFile(join(dir, name), content);
  await expect(decodeImageFile(join(dir, name))).rejects.toThrow(`${name} cannot be decoded: `);
});
