/** @file Emoji of several vendors with their names in many languages: each set finds its npm package, or says how to get it. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { z } from "zod";
import { OcelliError, unknownName } from "../../errors.ts";
import { hostArray } from "../../graph/dtype.ts";
import { encodeTexts } from "../../preprocess/example.ts";
import { defineSource } from "../define.ts";
import { readImageFile } from "../files/files.ts";
import { listFolder } from "../files/walk.ts";
import type { Dataset, Source } from "../source.ts";
import { splitByHash } from "../splits/hashed.ts";

/** Who draws emoji, the package of the drawings, and the folder in it. */
const VENDORS = {
  google: ["emoji-datasource-google", "img/google/64"],
  twitter: ["emoji-datasource-twitter", "img/twitter/64"],
  fluent: ["@lobehub/fluent-emoji-3d", "assets"],
  openmoji: ["openmoji", "color/svg"],
} as const;
type Vendor = keyof typeof VENDORS;

const NAMES = "emojibase-data";
/** What an emoji is of, by emojibase's numbers. */
const GROUPS = [
  ...["smileys", "people", "components", "animals and nature", "food and drink"],
  ...["travel and places", "activities", "objects", "symbols", "flags"],
];
/** The side that drawings of lines are drawn at, in pixels. */
const SIDE = 72;

const vendor = z.enum(Object.keys(VENDORS) as [Vendor, ...Vendor[]]);

const emojiSchema = z.strictObject({
  /**
   * Whose drawings: of one vendor, or by split, so that a model is judged on a vendor that it never saw. All splits hold
   * the emoji that every vendor named here draws. Default: "google".
   *
   * @example { train: "google", test: "twitter" }
   */
  vendors: z.union([vendor, z.record(z.string(), vendor)]).optional(),
  /** Languages of the names, by the folders of emojibase-data: each is a text of the picture. Default: ["en"]. */
  languages: z.array(z.string()).min(1).readonly().optional(),
  /** Whether the tags of an emoji, in one line, are a further text in each language. Default: false. */
  tags: z.boolean().optional(),
  /** The folder that the packages lie in, such as `other/node_modules`. Default: as Node finds them from the current folder. */
  packages: z.string().optional(),
  /** Of one vendor: shares of splits to make by hashing ids. Default: train 80, validation 10, test 10. */
  splits: z.record(z.string(), z.number().positive()).optional(),
});

type EmojiOptions = z.output<typeof emojiSchema>;

/** The folder of a package. */
function folderOf(name: string, packages: string | undefined): string {
  const from = packages === undefined ? process.cwd() : dirname(packages);
  try {
    return dirname(createRequire(join(from, "x")).resolve(`${name}/package.json`));
  } catch (cause) {
    throw new OcelliError("data", `these emoji are in the npm package ${name}.`, {
      hint: `Install it: npm install ${name}.`,
      cause,
    });
  }
}

/** What an emoji is known by, however its code is written: without the mark that asks for a coloured drawing. */
const idOf = (code: string): string =>
  code
    .toLowerCase()
    .split("-")
    .filter((part) => part !== "fe0f")
    .join("-");

/** A vendor's drawings by emoji. */
async function drawingsOf(one: Vendor, packages: string | undefined): Promise<Map<string, string>> {
  const [name, inside] = VENDORS[one];
  const folder = join(folderOf(name, packages), inside);
  const { files } = await listFolder(folder);
  const drawings = files.filter((file) => /\.(png|webp|svg)$/i.test(file)).sort();
  return new Map(
    drawings.map((file) => [idOf(file.replace(/\.\w+$/, "")), join(folder, file)] as const),
  );
}

const entries = z.array(
  z.object({
    ...{ hexcode: z.string(), label: z.string(), tags: z.array(z.string()).optional() },
    group: z.int().min(0).max(9).optional(),
  }),
);

/** What is said of an emoji in a language. */
interface Said {
  readonly texts: readonly string[];
  /** Into {@link GROUPS}; absent for letters of flags. */
  readonly group: number | undefined;
}

/** What a language says, by emoji. */
async function saidIn(
  language: string,
  { tags, packages }: EmojiOptions,
): Promise<Map<string, Said>> {
  const folder = folderOf(NAMES, packages);
  const { folders } = await listFolder(folder);
  const languages = folders.filter((name) => !["meta", "versions"].includes(name)).sort();
  if (!languages.includes(language)) {
    throw unknownName("language of emoji (data.languages)", language, languages, "config");
  }
  const file = join(folder, language, "data.json");
  const { data, error } = entries.safeParse(JSON.parse(await readFile(file, "utf8")));
  if (!data) {
    throw new OcelliError("format", `${file} is not a list of emoji.`, { cause: error });
  }
  return new Map(
    data.map((entry) => {
      const more = tags && entry.tags?.length ? [entry.tags.join(", ")] : [];
      return [idOf(entry.hexcode), { texts: [entry.label, ...more], group: entry.group }] as const;
    }),
  );
}

/**
 * Emoji with their names as texts, the field `text`, and their group, such as food and drink, as `label`. Their ids are the code points, the same for every vendor, so that
 * slices such as `train~[10%:]` and `test~[:10%]` hold different emoji.
 *
 * @throws a data error where a package is missing
 */
export async function openEmoji(options: EmojiOptions): Promise<Dataset> {
  const { vendors = "google", languages = ["en"], packages, splits: shares } = options;
  const bySplit = typeof vendors === "string" ? { all: vendors } : vendors;
  const used = [...new Set(Object.values(bySplit))];
  if (used.length === 0) {
    throw new OcelliError("config", "data.vendors names no split.", {
      hint: 'Such as { train: "google", test: "twitter" }.',
    });
  }
  const drawings = new Map<Vendor, Map<string, string>>();
  for (const one of used) drawings.set(one, await drawingsOf(one, packages));
  const texts: ReadonlyMap<string, Said>[] = [];
  for (const language of languages) texts.push(await saidIn(language, options));
  const everywhere = [...drawings.values(), ...texts] as ReadonlyMap<string, unknown>[];
  const ids = [...texts[0]]
    .filter(([id, { group }]) => group !== undefined && everywhere.every((map) => map.has(id)))
    .map(([id]) => id)
    .sort();
  const sources = new Map<string, Source>(
    Object.entries(bySplit).map(([split, one]) => [
      split,
      sourceOf(ids, drawings.get(one)!, texts),
    ]),
  );
  if (typeof vendors === "string") {
    const source = sources.get("all")!;
    return splitByHash({ name: "emoji", source, shares, splitBy: "id", notes: [] });
  }
  if (shares) {
    throw new OcelliError("config", "data.splits is for emoji of one vendor.", {
      hint: "Leave it out: data.vendors says the splits.",
    });
  }
  return {
    name: "emoji",
    splits: [...sources.keys()],
    open: (split) => Promise.resolve(sources.get(split)!),
  };
}

function sourceOf(
  ids: readonly string[],
  drawings: ReadonlyMap<string, string>,
  said: readonly ReadonlyMap<string, Said>[],
): Source {
  const text = (index: number) => encodeTexts(said.flatMap((one) => one.get(ids[index])!.texts));
  const label = (index: number) =>
    hostArray([], "int32", Int32Array.of(said[0].get(ids[index])!.group!));
  return {
    length: ids.length,
    fields: { image: "image", text: "text", label: "class" },
    names: { label: GROUPS },
    id: (index) => ids[index],
    held: { text, label },
    async read(index) {
      const data = await bytesOf(drawings.get(ids[index])!);
      return {
        image: { shape: [data.length], dtype: "uint8", data },
        text: text(index),
        label: label(index),
      };
    },
  };
}

/** The bytes of a drawing; one of lines is drawn as PNG. */
async function bytesOf(path: string): Promise<Uint8Array> {
  const bytes = await readImageFile(path);
  if (!/\.svg$/i.test(path)) return bytes;
  const { default: sharp } = await import("sharp");
  const drawn = sharp(bytes).resize(SIDE, SIDE, { fit: "contain", background: "#0000" });
  return new Uint8Array(await drawn.png().toBuffer());
}

/** Emoji in a configuration. */
export const emojiData = defineSource({ name: "emoji", schema: emojiSchema, open: openEmoji });
