/** @file Surveys of made folders: every count is known beforehand. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../data/datasets.ts";
import { detectData } from "../data/readers/detect.ts";
import type { Dataset } from "../data/source.ts";
import { hostArray } from "../graph/index.ts";
import { encodeTexts } from "../preprocess/example.ts";
import { seededRandom } from "../random.ts";
import { surveyLines } from "./lines.ts";
import { openForSurvey } from "./open.ts";
import { writeSurveyPage } from "./page.ts";
import { survey } from "./survey.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-survey-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A picture of 8 × 9 soft patches whose colours a seed decides. */
async function picture(seed: number, width = 64, height = 48) {
  const random = seededRandom("survey", seed);
  const pixels = Uint8Array.from({ length: 8 * 9 * 3 }, () => random.integer(0, 256));
  const patches = await sharp(pixels, { raw: { width: 9, height: 8, channels: 3 } })
    .png()
    .toBuffer();
  return sharp(patches).resize(width, height, { fit: "fill", kernel: "cubic" });
}

async function put(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), content);
}

const flat = (background: string | object, channels: 3 | 4 = 3) =>
  sharp({ create: { width: 20, height: 20, channels, background: background as string } }).png();

const open = async (folder: string): Promise<Dataset> => openDataset(await detectData(folder));

test("a folder with everything that may be wrong with one", async () => {
  const at = join(dir, "pets");
  const png = async (seed: number) => (await picture(seed)).png().toBuffer();
  for (let i = 0; i < 4; i++) {
    await put(`pets/train/cat/${i}.png`, await png(i));
    await put(`pets/train/dog/${i}.png`, await png(10 + i));
    await put(`pets/test/cat/${i}.png`, await png(20 + i));
    await put(`pets/test/dog/${i}.png`, await png(30 + i));
  }
  await put("pets/train/dog/again.png", await png(0)); // the bytes of train/cat/0.png
  await put("pets/test/dog/leak.png", await png(11)); // of train/dog/1.png
  await put("pets/test/cat/near.jpg", await (await picture(2, 96, 72)).jpeg().toBuffer());
  await put("pets/test/owl/0.png", await png(40));
  await put("pets/train/cat/broken.png", (await png(50)).subarray(0, 80));
  await put("pets/train/cat/flat.png", await flat("#204060").toBuffer());
  await put("pets/train/cat/clear.png", await flat({ r: 9, g: 9, b: 9, alpha: 0 }, 4).toBuffer());
  await put(
    "pets/train/cat/grey.png",
    await (await picture(60, 30, 90)).toColourspace("b-w").png().toBuffer(),
  );
  const dataset = await open(at);
  const seen: [number, number][] = [];
  const found = await survey(dataset, { progress: (done, total) => seen.push([done, total]) });
  expect(found).toMatchObject({
    ...{ images: 24, classes: ["cat", "dog", "owl"], untrained: ["owl"] },
    channels: { 1: 1, 3: 21, 4: 1 },
    sizes: { distinct: 4, thinnest: 3, median: { width: 64, height: 48, count: 19 } },
    unreadable: { count: 1, listed: [{ split: "train", id: "train/cat/broken.png" }] },
    transparent: { count: 1, listed: [{ id: "train/cat/clear.png", label: "cat" }] },
    plain: { count: 2, listed: [{ id: "train/cat/clear.png" }, { id: "train/cat/flat.png" }] },
    equal: { count: 2, pictures: 4, acrossSplits: 1, acrossClasses: 1 },
    near: { count: 1, acrossSplits: 1, acrossClasses: 0, bits: 10, isWhole: true },
  });
  expect(seen).toEqual(Array.from({ length: 24 }, (_, i) => [i + 1, 24]));
  const [classes, splits] = found.equal.listed;
  expect(classes.map(({ id }) => id).sort()).toEqual(["train/cat/0.png", "train/dog/again.png"]);
  expect(splits.map(({ id }) => id).sort()).toEqual(["test/dog/leak.png", "train/dog/1.png"]);
  const [{ pair }] = found.near.listed;
  expect(pair.map(({ id }) => id).sort()).toEqual(["test/cat/near.jpg", "train/cat/2.png"]);
  const bySplit = found.splits.map(({ split, count, fields: [{ counts }] }) => [
    split,
    count,
    counts,
  ]);
  expect(bySplit).toEqual([
    ["test", 11, { cat: 5, dog: 5, owl: 1 }],
    ["train", 13, { cat: 8, dog: 5, owl: 0 }],
  ]);
  const text = surveyLines(found).join("\n");
  expect(text).toContain("untrained   1 class without an image to train on\n            owl");
  expect(text).toContain(
    "4 pictures in 2 groups have equal bytes (exact), 1 across splits, 1 across classes",
  );
  expect(text).toMatch(/near {8}1 pair looks nearly the same \(near: .*\), 1 across splits/);
  const page = join(dir, "pets.html");
  await writeSurveyPage(page, "pets <1>", dataset, found);
  const html = await readFile(page, "utf8");
  expect(html).toContain("<h1>pets &lt;1&gt;</h1>");
  expect(html.match(/<img src="data:image\/png;base64,/g)!.length).toBeGreaterThan(20);
  expect(html).toContain("train/cat/broken.png");
}, 60_000);

test("splits that are made of names are each read once, and their leaks are found", async () => {
  const same = await (await picture(1)).png().toBuffer();
  for (let i = 0; i < 20; i++) {
    await put(`same/a/${i}.png`, i < 10 ? same : await (await picture(100 + i)).png().toBuffer());
    await put(`same/b/${i}.png`, await (await picture(200 + i)).png().toBuffer());
  }
  const found = await survey(await open(join(dir, "same")));
  expect(found.splits.map(({ split, count }) => [split, count])).toEqual([
    ["train", 32],
    ["validation", 4],
    ["test", 4],
  ]);
  expect(found.images).toBe(40);
  expect(found.equal).toMatchObject({ count: 1, pictures: 10, acrossSplits: 1, acrossClasses: 0 });
  expect(found.near.count).toBe(0);
}, 60_000);

test("a folder of pictures without labels is surveyed, and says why it is no data set", async () => {
  await put("loose/a.png", await (await picture(1)).png().toBuffer());
  await put("loose/deep/b.png", await (await picture(2)).png().toBuffer());
  await put("loose/c.png", "no picture");
  const at = join(dir, "loose");
  const found = await survey(await openForSurvey(at, () => open(at)));
  expect(found).toMatchObject({
    data: "pictures",
    images: 3,
    classes: [],
    unreadable: { count: 1 },
  });
  expect(found.notes[0]).toMatch(/^pictures without labels, as this is no labelled data set: /);
  expect(found.examples.map(({ id }) => id)).toEqual(["a.png", "deep/b.png"]);
  await mkdir(join(dir, "empty"));
  const empty = join(dir, "empty");
  await expect(openForSurvey(empty, () => open(empty))).rejects.toThrow("has 0 images");
});

test("other fields than classes are counted: maps, texts, boxes, several classes", async () => {
  const pixels = (seed: number) =>
    hostArray(
      [4, 5, 3],
      "uint8",
      Uint8Array.from({ length: 60 }, (_, i) => (i * seed) % 251),
    );
  const dataset: Dataset = {
    name: "scenes",
    splits: ["train"],
    open: () =>
      Promise.resolve({
        length: 2,
        fields: { image: "image", mask: "map", caption: "text", boxes: "boxes", tags: "classes" },
        names: { mask: ["sky", "sea"], tags: ["day", "night"] },
        id: (index) => `scene-${index}`,
        read: (index) => ({
          image: pixels(index + 3),
          mask: hostArray(
            index === 0 ? [4, 5] : [2, 5],
            "uint8",
            new Uint8Array(index === 0 ? 20 : 10).fill(2 * index, 5),
          ),
          caption: encodeTexts(index === 0 ? ["a sea", ""] : ["a sky"]),
          boxes: hostArray([index, 4], "float32", new Float32Array(4 * index)),
          tags: hostArray([2], "float32", Float32Array.of(1, index)),
        }),
      }),
  };
  const { splits, images } = await survey(dataset);
  expect(images).toBe(2);
  const facts = Object.fromEntries(splits[0].fields.map(({ field, ...rest }) => [field, rest]));
  expect(facts.mask.facts).toEqual({
    sky: "83.3 % of pixels",
    "value 2": "16.7 % of pixels",
    "of another size than their picture": 1,
    "pixels without a name": 5,
  });
  expect(facts.caption.facts).toMatchObject({
    length: "0 to 5 characters, 3.33 on average",
    empty: 1,
  });
  expect(facts.boxes.facts).toEqual({ "an example has": "0 to 1 boxes, 0.5 on average" });
  expect(facts.tags).toMatchObject({
    counts: { day: 2, night: 1 },
    facts: { "classes an example": "1 to 2 classes, 1.5 on average" },
  });
});
