import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writePngMap } from "../../formats/png.ts";
import { fromNumbers } from "../../graph/index.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { renumberField } from "../renumber.ts";
import type { Source } from "../source.ts";
import { prepareExample } from "../stream/examples.ts";
import { createWorkerPool } from "../stream/workers.ts";
import { detectData } from "./detect.ts";
import { openMaps } from "./maps.ts";

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-maps-"))));
afterEach(() => rm(dir, { recursive: true }));

const COLOURS = Array.from({ length: 256 }, (_, value) => [value, 255 - value, 7]);

async function write(path: string, content: string | Uint8Array): Promise<void> {
  const file = join(dir, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** A map of 2 × 3 pixels, and an image of as many whose red says the same. */
async function writePair(image: string, map: string, values: readonly number[]): Promise<void> {
  await write(map, writePngMap(fromNumbers(values, [2, 3], "uint8"), COLOURS));
  const pixels = Uint8Array.from(values.flatMap((value) => [value, 0, 0]));
  const picture = sharp(pixels, { raw: { width: 3, height: 2, channels: 3 } });
  await write(image, await picture.png().toBuffer());
}

const mapsOf = async (source: Source): Promise<number[][]> =>
  Promise.all(
    Array.from({ length: source.length }, async (_, i) =>
      [...(await source.read(i)).map.data].map(Number),
    ),
  );

test("images and maps of equal names, with names in a file", async () => {
  await writePair("images/a.png", "masks/a.png", [0, 1, 2, 1, 0, 255]);
  await writePair("images/deep/b.png", "masks/deep/b.png", [2, 2, 2, 0, 0, 0]);
  await write("masks/spare.png", "");
  await write("classes.txt", "ground\ncat\ndog\n");
  expect(await detectData(dir)).toEqual({ name: "maps", dir });
  const data = await openMaps({ dir });
  expect(data.splits).toEqual(["train", "validation", "test", "all"]);
  expect(data.notes?.join()).toContain("1 map has no image");
  const source = await data.open("all");
  expect(source.fields).toEqual({ image: "image", map: "map" });
  expect(source.names).toEqual({ map: ["ground", "cat", "dog"] });
  expect([source.id(0), source.id(1)]).toEqual(["images/a.png", "images/deep/b.png"]);
  expect(await mapsOf(source)).toEqual([
    [0, 1, 2, 1, 0, 255],
    [2, 2, 2, 0, 0, 0],
  ]);
});

test.each([
  ["folders in splits", (split: string, kind: string) => `${split}/${kind}`],
  ["splits in folders", (split: string, kind: string) => `${kind}/${split}`],
])("%s", async (_, at) => {
  for (const [split, value] of [
    ["train", 1],
    ["val", 2],
  ] as const) {
    const values = [0, value, value, 0, 0, 0];
    await writePair(join(at(split, "images"), "x.png"), join(at(split, "labels"), "x.png"), values);
  }
  expect(await detectData(dir)).toEqual({ name: "maps", dir });
  const data = await openMaps({ dir });
  expect(data.splits).toEqual(["train", "val"]);
  expect((await data.open("val")).names.map).toEqual(["0", "1", "2"]);
  expect(await mapsOf(await data.open("val"))).toEqual([[0, 2, 2, 0, 0, 0]]);
  await expect(openMaps({ dir, splits: { train: 1 } })).rejects.toThrow("has train, val");
});

test("a record names values, 255 too; without it a mask of 0 and 255 is refused", async () => {
  await writePair("images/a.png", "maps/a.png", [0, 255, 255, 0, 0, 0]);
  await expect(openMaps({ dir })).rejects.toThrow("hold only 0 and 255; 255 means no class");
  await write("names.json", '{ "255": "cat", "0": "ground" }');
  const source = await (await openMaps({ dir })).open("all");
  expect(source.names.map).toEqual(["ground", "cat"]);
  expect(await mapsOf(source)).toEqual([[0, 1, 1, 0, 0, 0]]);
  await write("names.json", '{ "cat": 255 }');
  await expect(openMaps({ dir })).rejects.toThrow("names.json is no list of names");
});

test("what is missing or unknown is named", async () => {
  await writePair("images/a.png", "maps/a.png", [0, 7, 1, 0, 0, 0]);
  const source = await (await openMaps({ dir, classes: ["ground", "cat"] })).open("all");
  await expect(source.read(0)).rejects.toThrow("maps/a.png has the value 7");
  await write("images/b.jpg", "");
  await expect(openMaps({ dir })).rejects.toThrow("images/b.jpg has no map");
  await rm(join(dir, "maps"), { recursive: true });
  await expect(openMaps({ dir })).rejects.toThrow("has no folder images beside one of maps");
});

test("a map follows its image, decoded in a worker or here, and its bytes are read as numbers", async () => {
  await writePair("images/a.png", "maps/a.png", [10, 20, 30, 40, 50, 60]);
  const source = await (await openMaps({ dir })).open("all");
  const text = "decode|random_crop((1, 2))|flip_lr";
  using workers = createWorkerPool(1);
  for (let key = 0; key < 6; key++) {
    const features = await source.read(0);
    const file = writePngMap(features.map, COLOURS);
    const bytes = { shape: [file.length], dtype: "uint8", data: file } as const;
    for (const map of [features.map, bytes]) {
      const raw = { features: { ...features, map }, fields: source.fields, key: [key], id: "a" };
      const here = await prepareExample(raw, parsePreprocessing(text));
      expect(await workers.prepare(text, () => raw)).toEqual(here);
      if ("problem" in here) throw here.problem;
      const red = [...here.features.image.data].filter((_, i) => i % 3 === 0);
      expect([...here.features.map.data]).toEqual(red);
    }
  }
});

test("maps take the numbers of another list of names", async () => {
  await writePair("images/a.png", "maps/a.png", [0, 1, 2, 1, 0, 255]);
  const opened = await openMaps({ dir, classes: ["ground", "cat", "dog"] });
  const source = await opened.open("all");
  const rename = (names: readonly string[]) =>
    renumberField(source, "map", names, (name) => new Error(`unknown ${name}`));
  expect(await mapsOf(rename(["dog", "cat", "cow", "ground"]))).toEqual([[3, 1, 0, 1, 3, 255]]);
  await expect(rename(["ground", "dog"]).read(0)).rejects.toThrow("unknown cat");
});
