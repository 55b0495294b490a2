import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeTexts } from "../../preprocess/example.ts";
import { decodeImage } from "../decode/decode.ts";
import { openSplit } from "../splits/splits.ts";
import type { Source } from "../source.ts";
import { openEmoji } from "./emoji.ts";

let dir: string;
let packages: string;

/** Writes a file of a package that stands for the real one. */
async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(packages, path)), { recursive: true });
  await writeFile(join(packages, path), content);
}

const solid = (background: string) =>
  sharp({ create: { width: 4, height: 4, channels: 3, background } })
    .png()
    .toBuffer();

/** Emoji by code; the last has no drawing of every vendor, the one before no group. */
const CODES = ["1F34E", "2764-FE0F", "1F1E9-1F1EA", "1F1E9", "1F600"];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-emoji-"));
  packages = join(dir, "node_modules");
  const names = ["emoji-datasource-google", "emoji-datasource-twitter", "openmoji"];
  for (const name of [...names, "emojibase-data"]) await put(`${name}/package.json`, "{}");
  for (const code of CODES) {
    const file = `${code.toLowerCase()}.png`;
    await put(`emoji-datasource-google/img/google/64/${file}`, await solid("#f00"));
    if (code !== "1F600")
      await put(`emoji-datasource-twitter/img/twitter/64/${file}`, await solid("#00f"));
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72"><rect width="72" height="72" fill="#0f0"/></svg>`;
    await put(`openmoji/color/svg/${code}.svg`, svg);
  }
  const list = (labels: readonly string[]) =>
    CODES.map((hexcode, i) => ({
      ...{ hexcode: hexcode.replace("-FE0F", ""), label: labels[i], tags: ["tag", hexcode] },
      ...(i !== 3 && { group: [4, 8, 9, 9, 0][i] }),
    }));
  const english = ["red apple", "red heart", "flag: Germany", "letter D", "grinning face"];
  const german = ["roter Apfel", "rotes Herz", "Flagge: Deutschland", "D", "grinsendes Gesicht"];
  await put("emojibase-data/en/data.json", JSON.stringify(list(english)));
  await put("emojibase-data/de/data.json", JSON.stringify(list(german)));
  await put("emojibase-data/meta/groups.json", "{}");
});
afterAll(() => rm(dir, { recursive: true }));

const idsOf = (source: Source) => Array.from({ length: source.length }, (_, i) => source.id(i));

test("the splits hold the same emoji, each by another vendor, with names in the languages asked for", async () => {
  const vendors = { train: "google", validation: "openmoji", test: "twitter" } as const;
  const dataset = await openEmoji({ vendors, languages: ["en", "de"], tags: true, packages });
  expect(dataset.splits).toEqual(["train", "validation", "test"]);
  const colours = { train: [255, 0, 0], validation: [0, 255, 0], test: [0, 0, 255] };
  for (const [split, colour] of Object.entries(colours)) {
    const source = await dataset.open(split);
    expect(idsOf(source)).toEqual(["1f1e9-1f1ea", "1f34e", "2764"]);
    const { image, text, label } = await source.read(1);
    expect([...(await decodeImage(image.data as Uint8Array)).data.slice(0, 3)]).toEqual(colour);
    expect(decodeTexts(text)).toEqual([
      ...["red apple", "tag, 1F34E", "roter Apfel", "tag, 1F34E"],
    ]);
    expect(source.names.label[Number(label.data[0])]).toBe("food and drink");
  }
  const [taught, judged] = await Promise.all(
    ["train~[50%:]", "test~[:50%]"].map((split) => openSplit(dataset, split)),
  );
  expect([...idsOf(taught), ...idsOf(judged)].sort()).toEqual(["1f1e9-1f1ea", "1f34e", "2764"]);
});

test("one vendor alone is divided by ids; what is missing is one clear line", async () => {
  const dataset = await openEmoji({ packages });
  expect(dataset.splits).toEqual(expect.arrayContaining(["train", "test"]));
  expect((await dataset.open("all")).length).toBe(4); // all that Google draws, but the letter
  await expect(openEmoji({ vendors: "fluent", packages })).rejects.toThrow(
    "these emoji are in the npm package @lobehub/fluent-emoji-3d. Install it: npm install @lobehub/fluent-emoji-3d.",
  );
  await expect(openEmoji({ languages: ["dee"], packages })).rejects.toThrow(
    'unknown language of emoji (data.languages) "dee"; valid: de, en',
  );
  await expect(openEmoji({ vendors: {}, packages })).rejects.toThrow("data.vendors names no split");
});
