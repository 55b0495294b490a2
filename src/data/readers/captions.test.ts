import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromNumbers } from "../../graph/index.ts";
import { decodeTexts, encodeTexts } from "../../preprocess/example.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { seededRandom } from "../../random.ts";
import { openSplit } from "../splits/splits.ts";
import { openCaptions } from "./captions.ts";

const PICTURES = { "a.png": "bytes of a", "b.png": "bytes of b", "c.png": "bytes of c" };
let dir: string;

/** A tar archive of small files. */
function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const body = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\0", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-captions-"));
  await mkdir(join(dir, "pictures"));
  for (const [name, bytes] of Object.entries(PICTURES)) {
    await writeFile(join(dir, name), bytes);
    await writeFile(join(dir, "pictures", name), bytes);
  }
  const rows = [
    { image: "a.png", caption: "a cat" },
    { image: "./b.png", caption: ["a dog", "  ", "a red bird, über"] },
    { image: "a.png", caption: "one more cat" },
    { image: "c.png", caption: "" },
    { image: "c.png", caption: "a cat" },
    { caption: "no picture" },
  ];
  await writeFile(join(dir, "pairs.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  const lines = [
    "file\ttext",
    "a.png\ta cat",
    "a.png\tone more cat",
    "b.png\ta dog",
    "b.png\ta red bird, über",
    "c.png\ta cat",
  ];
  await writeFile(join(dir, "pairs.tsv"), lines.join("\n"));
  await writeFile(
    join(dir, "pairs.csv"),
    lines
      .map((line) =>
        line
          .split("\t")
          .map((x) => `"${x}"`)
          .join(","),
      )
      .join("\n"),
  );
  const coco = {
    images: [
      { id: 7, file_name: "a.png" },
      { id: 8, file_name: "b.png" },
      { id: 9, file_name: "c.png" },
    ],
    annotations: [
      { image_id: 7, caption: "a cat" },
      { image_id: 8, caption: "a dog" },
      { image_id: 9, caption: "a cat" },
      { image_id: 7, caption: "one more cat" },
      { image_id: 8, caption: "a red bird, über" },
      { image_id: 1, caption: "of no picture" },
    ],
  };
  await writeFile(join(dir, "coco.json"), JSON.stringify(coco));
  const members = {
    "a.png": PICTURES["a.png"],
    "a.json": JSON.stringify({ captions: ["a cat", "one more cat"] }),
    "b.png": PICTURES["b.png"],
    "b.txt": "a dog",
    "b.json": JSON.stringify({ text: "a red bird, über" }),
    "c.txt": "a cat\n",
    "c.json": JSON.stringify({ caption: "a cat", width: 64 }), // said once more
    "c.png": PICTURES["c.png"],
    "d.png": "alone",
  };
  await writeFile(join(dir, "pairs.tar"), tarOf(members));
  await writeFile(join(dir, "none.jsonl"), JSON.stringify({ image: "a.png", words: "a cat" }));
});
afterAll(() => rm(dir, { recursive: true }));

describe.each([
  ["pairs.jsonl", {}, ["2 pairs without an image or a text left out", "2 empty texts left out"]],
  ["pairs.tsv", {}, []],
  ["pairs.csv", { images: "pictures" }, []],
  ["coco.json", { images: "pictures" }, ["1 pair without an image or a text left out"]],
  ["pairs.tar", {}, ["1 pair without an image or a text left out"]],
])("%s", (name, options, notes) => {
  test("gives each image once, with its texts in order", async () => {
    const dataset = await openCaptions({ files: join(dir, name), ...options });
    const source = await openSplit(dataset, "all");
    expect(source.fields).toEqual({ image: "image", text: "text" });
    const read = await Promise.all(
      Array.from({ length: source.length }, async (_, i) => {
        const { image, text } = await source.read(i);
        expect(source.held!.text(i)).toEqual(text);
        return [Buffer.from(image.data as Uint8Array).toString(), decodeTexts(text)];
      }),
    );
    const order = (a: unknown[], b: unknown[]): number => String(a[0]).localeCompare(String(b[0]));
    expect(read.sort(order)).toEqual([
      ["bytes of a", ["a cat", "one more cat"]],
      ["bytes of b", ["a dog", "a red bird, über"]],
      ["bytes of c", ["a cat"]],
    ]);
    expect(dataset.notes).toEqual([...notes, "1 text stands with more than one image"]);
  });
});

test("splits are those of the files, and ids begin with them", async () => {
  const dataset = await openCaptions({
    files: { train: join(dir, "pairs.tsv"), test: join(dir, "coco.json") },
  });
  expect(dataset.splits).toEqual(["train", "test"]);
  const source = await dataset.open("test");
  expect([source.id(0), source.length]).toEqual(["test/a.png", 3]);
});

test("data without pairs is one error that says where to look", async () => {
  await expect(openCaptions({ files: join(dir, "none.jsonl") })).rejects.toThrow(
    "has no pairs of an image and a text: 1 pair without an image or a text left out. " +
      "Name their fields by data.image and data.text.",
  );
});

test("one text is drawn anew each time by the seed, each as often as the others", () => {
  const { onHost } = parsePreprocessing("pick_text");
  const example = { text: encodeTexts(["one", "two", "three"]) };
  const drawn = Array.from({ length: 300 }, (_, i) =>
    decodeTexts(onHost(example, seededRandom("epoch", String(i))).text),
  );
  const counts = Map.groupBy(drawn, (texts) => texts.join("|"));
  expect([...counts.keys()].sort()).toEqual(["one", "three", "two"]);
  for (const list of counts.values()) expect(Math.abs(list.length - 100)).toBeLessThan(33); // 4 deviations
  const again = onHost(example, seededRandom("epoch", "0"));
  expect(decodeTexts(again.text)).toEqual(drawn[0]);
  const first = parsePreprocessing('pick_text("first")').onHost(example, seededRandom("x"));
  expect(decodeTexts(first.text)).toEqual(["one"]);
  const image = fromNumbers([7], [1], "uint8");
  expect(onHost({ image }, seededRandom("x"))).toEqual({ image }); // without a text to draw
  const named = parsePreprocessing('pick_text(key="title")');
  expect(() => named.onHost({ image }, seededRandom("x"))).toThrow('the example has no "title"');
});
