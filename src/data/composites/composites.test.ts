import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeImage } from "../../preprocess/image.ts";
import { compose } from "./compose.ts";
import { openComposites } from "./composites.ts";
import { openCutouts } from "./cutouts.ts";
import { SHAPES, drawShape } from "./shapes.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-composites-"))));
afterAll(() => rm(dir, { recursive: true }));

const none = () => Promise.reject(new Error("no data"));

test("an image and its map are drawn from the seed and the number alone", async () => {
  const open = (seed: number) => openComposites({ size: 24, count: 16, seed }, none);
  const [first, again, other] = await Promise.all([open(1), open(1), open(2)]);
  expect(first.splits).toEqual(["train", "validation", "test"]);
  const [train, test] = [await first.open("train"), await first.open("test")];
  expect([train.length, test.length, test.id(1)]).toEqual([16, 2, "test-000001"]);
  expect(train.names.map).toEqual(["background", ...Object.keys(SHAPES)]);
  const fifth = await train.read(5);
  expect(fifth.image).toMatchObject({ shape: [24, 24, 3], dtype: "uint8" });
  expect(fifth.map).toMatchObject({ shape: [24, 24], dtype: "uint8" });
  expect(await (await again.open("train")).read(5)).toEqual(fifth);
  expect(await (await other.open("train")).read(5)).not.toEqual(fifth);
  expect(new Set(Array.from(fifth.map.data, Number)).size).toBeGreaterThan(1);
});

test("the map says exactly where a cut-out covers half of a pixel or more, the last on top", () => {
  const solid = { height: 2, width: 2, pixels: new Uint8Array(16).fill(255), plain: true };
  const placed = { cutout: solid, side: 4, angle: 0, mirrored: false } as const;
  const { image, map } = compose(makeImage([8, 8, 3], new Uint8Array(192)), [
    { ...placed, value: 1, y: 3, x: 3, tint: [1, 0, 0] },
    { ...placed, value: 2, y: 3.5, x: 6.25, tint: [0, 0, 1] }, // from 1.5 and 4.25 on
  ]);
  const rows = Array.from({ length: 8 }, (_, y) => [...map.subarray(8 * y, 8 * y + 8)].join(""));
  expect(rows).toEqual(["00000000", "01112222", "01112222", "01112222", "01112222", "00002222", "00000000", "00000000"]); // prettier-ignore
  const pixel = (y: number, x: number) => [
    ...image.data.subarray(3 * (8 * y + x), 3 * (8 * y + x) + 3),
  ];
  expect(pixel(2, 2)).toEqual([255, 0, 0]);
  expect(pixel(3, 6)).toEqual([0, 0, 255]);
  expect(pixel(1, 4)[2]).toBeGreaterThan(60); // in part
});

test("every shape fills a part of its square, and no two are alike", () => {
  const parts = Object.keys(SHAPES).map((name) => {
    const { pixels } = drawShape(name, 32);
    return pixels.filter((_, i) => i % 4 === 3).reduce((sum, alpha) => sum + alpha / 255, 0) / 1024;
  });
  for (const part of parts) {
    expect(part).toBeGreaterThan(0.15);
    expect(part).toBeLessThan(0.7);
  }
  expect(new Set(parts.map((part) => part.toFixed(3))).size).toBe(parts.length);
});

test("pictures of a folder are cut out by their alpha and laid on photographs", async () => {
  const [cutouts, photographs] = [join(dir, "cutouts"), join(dir, "photographs")];
  await mkdir(cutouts);
  await mkdir(photographs);
  const clear = Uint8Array.from([0, 255, 0, 255, 9, 9, 9, 0, 9, 9, 9, 0, 0, 255, 0, 255]);
  await sharp(clear, { raw: { width: 2, height: 2, channels: 4 } }).png().toFile(join(cutouts, "leaf.png")); // prettier-ignore
  for (let i = 0; i < 40; i++) {
    const grey = Uint8Array.from({ length: 30 * 20 * 3 }, () => 100 + i);
    const picture = sharp(grey, { raw: { width: 30, height: 20, channels: 3 } });
    await picture.png().toFile(join(photographs, `${i}.png`));
  }
  const options = { size: 16, count: 40, objects: 1, cutouts, backgrounds: photographs };
  const data = await openComposites(options, none);
  const behind: Record<string, Set<number>> = {};
  for (const split of data.splits) {
    const source = await data.open(split);
    expect(source.names.map).toEqual(["background", "leaf"]);
    behind[split] = new Set();
    for (let i = 0; i < source.length; i++) {
      const { image, map } = await source.read(i);
      const ground = map.data.indexOf(0 as never);
      map.data.forEach((value, at) => {
        const green = Number(image.data[3 * at + 1]) - Number(image.data[3 * at]);
        expect(green > 100 ? 1 : 0, `pixel ${at}`).toBe(Number(value));
      });
      behind[split].add(Number(image.data[3 * ground + 2]));
    }
  }
  const brightest = (split: string) => new Set([...behind[split]].filter((value) => value >= 100));
  for (const value of brightest("test")) expect(brightest("train")).not.toContain(value);
});

test("what is not there is said", async () => {
  await expect(openCutouts("shapes", ["disk"])).rejects.toThrow('the shapes have no "disk"');
  await expect(openCutouts(dir.concat("/gone"))).rejects.toThrow("there is no such file or folder");
  await expect(openCutouts("emoji")).rejects.toThrow("npm install emoji-datasource-google");
});
