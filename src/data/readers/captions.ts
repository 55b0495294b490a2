/** @file Pairs of images and texts: tables, tar archives (image with `.txt` or `.json` beside it), COCO's captions. */

import { join } from "node:path";
import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { checkName, LIMITS, parseJson } from "../../formats/budget.ts";
import { guard } from "../../formats/bytes.ts";
import { type HostArray } from "../../graph/dtype.ts";
import { encodeTexts } from "../../preprocess/example.ts";
import { defineSource, filesSchema } from "../define.ts";
import { openBytes } from "../files/byte-file.ts";
import { fileIds, inSplit } from "../files/file-ids.ts";
import { parseDataFile } from "../files/files.ts";
import { expandFiles } from "../files/shards.ts";
import type { Dataset, Source } from "../source.ts";
import { splitByHash } from "../splits/hashed.ts";
import { readBeside } from "./beside.ts";
import { IMAGE_FILE } from "./image-names.ts";
import { tableRows } from "./table.ts";
import { splitName, tarMembers } from "./tar.ts";

const captionsSchema = z.strictObject({
  /**
   * Tables (`.jsonl`, `.csv`, `.tsv`), tar archives or COCO's captions (`.json`): paths, addresses, a pattern or a folder;
   * by split where they are an object.
   *
   * @example "pairs/shard-{000..009}.tar"
   */
  files: filesSchema,
  /** The field of the image's path. Default: `image`, `file_name`, `filename`, `path`, `file` or `url`. */
  image: z.string().optional(),
  /** The field of the text, or of a list of texts. Default: `caption`, `captions`, `text`, `texts`, `sentence` or `title`. */
  text: z.string().optional(),
  /** The folder of the images that a table or COCO's file names. Default: that of the file. */
  images: z.string().optional(),
  /** Where the data has no splits: shares of those to make by hashing ids. Default: train 80, validation 10, test 10. */
  splits: z.record(z.string(), z.number().positive()).optional(),
});

type CaptionsOptions = z.output<typeof captionsSchema>;

const IMAGES = ["image", "file_name", "filename", "path", "file", "url"];
const TEXTS = ["caption", "captions", "text", "texts", "sentence", "title"];

/** An image with a text, as a file has it; either may be missing. */
interface Pair {
  readonly id: string | undefined;
  readonly texts: readonly string[];
  readonly image: () => Promise<Uint8Array>;
}

/** An image with its texts. */
interface Captioned {
  readonly id: string;
  readonly texts: string[];
  readonly image: () => Promise<Uint8Array>;
}

/** What was left out. */
interface Left {
  /** Pairs without an image or without a text. */
  broken: number;
  empty: number;
}

const textsIn = (value: unknown): string[] =>
  [value].flat().filter((text): text is string => typeof text === "string");

/**
 * Images with one text or several each, which are read as the field `text`. Rows of one image, and COCO's annotations of
 * it, are its texts. A pair without an image or text is left out, and a line says how many are; so are empty texts. Texts
 * that stand with several images stay, and a line counts them. Holds paths and texts.
 *
 * @throws a data error where there are no pairs
 */
export async function openCaptions(options: CaptionsOptions): Promise<Dataset> {
  const { files, splits: shares } = options;
  const groups = await expandFiles(files, /\.(jsonl|ndjson|[ct]sv|tar|json)$/i);
  const left: Left = { broken: 0, empty: 0 };
  const bySplit = new Map<string, Captioned[]>();
  for (const [split, paths] of groups) {
    const found = new Map<string, Captioned>();
    const ids = fileIds(paths);
    for (const [i, path] of paths.entries()) {
      for await (const pair of pairsOf(path, ids[i], options)) gather(found, pair, left);
    }
    bySplit.set(split, [...found.values()]);
  }
  const place = [...groups.values()].flat()[0] ?? JSON.stringify(files);
  const notes = notesOn(bySplit, left);
  if ([...bySplit.values()].every((list) => list.length === 0)) {
    const why = notes.length > 0 ? `: ${notes.join("; ")}` : "";
    throw new OcelliError("data", `${place} has no pairs of an image and a text${why}.`, {
      hint: "Name their fields by data.image and data.text.",
    });
  }
  const sources = new Map(
    [...bySplit].map(([split, list]) => [split, sourceOf(bySplit.size > 1 ? split : "", list)]),
  );
  const [source] = sources.values();
  if (sources.size === 1) {
    return splitByHash({ name: "captions", source, shares, splitBy: "id", notes });
  }
  if (shares) {
    throw new OcelliError(
      "config",
      `data.splits is for data without splits, but ${place} has ${[...sources.keys()].join(", ")}.`,
      { hint: "Leave it out." },
    );
  }
  return {
    name: "captions",
    splits: [...sources.keys()],
    notes,
    open: (split) => Promise.resolve(sources.get(split)!),
  };
}

/** Adds a pair to those of its image. */
function gather(found: Map<string, Captioned>, { id, texts, image }: Pair, left: Left): void {
  const kept = texts.map((text) => text.trim()).filter((text) => text !== "");
  left.empty += texts.length - kept.length;
  if (id === undefined || kept.length === 0) {
    left.broken++;
    return;
  }
  const known = found.get(id);
  if (known) known.texts.push(...kept);
  else found.set(id, { id, texts: kept, image });
}

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** What a person should know of the pairs, a line each. */
function notesOn(splits: ReadonlyMap<string, readonly Captioned[]>, left: Left): string[] {
  const images = new Map<string, number>();
  for (const { texts } of [...splits.values()].flat()) {
    for (const text of new Set(texts)) images.set(text, (images.get(text) ?? 0) + 1);
  }
  const shared = [...images.values()].filter((n) => n > 1).length;
  return [
    ...(left.broken > 0
      ? [`${count(left.broken, "pair")} without an image or a text left out`]
      : []),
    ...(left.empty > 0 ? [`${count(left.empty, "empty text")} left out`] : []),
    ...(shared > 0
      ? [`${count(shared, "text stands", "texts stand")} with more than one image`]
      : []),
  ];
}

function sourceOf(split: string, list: readonly Captioned[]): Source {
  const text = (index: number): HostArray => encodeTexts(list[index].texts);
  return {
    length: list.length,
    fields: { image: "image", text: "text" },
    names: {},
    id: (index) => inSplit(split, list[index].id),
    held: { text },
    async read(index) {
      const data = await list[index].image();
      return { image: { shape: [data.length], dtype: "uint8", data }, text: text(index) };
    },
  };
}

function pairsOf(path: string, fileId: string, options: CaptionsOptions): AsyncIterable<Pair> {
  if (/\.tar$/i.test(path)) return tarPairs(path, fileId, options);
  return /\.json$/i.test(path) ? cocoPairs(path, options) : tablePairs(path, options);
}

const tidy = (path: string): string =>
  path
    .trim()
    .replaceAll("\\", "/")
    .replace(/^(\.\/)+/, "")
    .normalize();

/** The place of an image that a file names. */
function imageBeside(file: string, path: string, folder: string | undefined) {
  return () => readBeside(file, folder === undefined ? path : join(folder, path));
}

const fieldIn = (
  fields: Readonly<Record<string, unknown>>,
  given: string | undefined,
  usual: readonly string[],
): unknown => {
  const name = [given ?? usual].flat().find((one) => Object.hasOwn(fields, one));
  return name === undefined ? undefined : fields[name];
};

async function* tablePairs(table: string, options: CaptionsOptions): AsyncGenerator<Pair> {
  const kind = /\.[ct]sv$/i.test(table) ? "csv" : "jsonl";
  for await (const { line, fields } of tableRows(kind, await openBytes(table))) {
    const path = fieldIn(fields, options.image, IMAGES);
    const isPath = typeof path === "string" && path.trim() !== "";
    if (isPath) checkName(path, `${table}, line ${line}`, LIMITS.path);
    yield {
      id: isPath ? tidy(path) : undefined,
      texts: textsIn(fieldIn(fields, options.text, TEXTS)),
      image: imageBeside(table, String(path), options.images),
    };
  }
}

const coco = z.object({
  images: z.array(z.object({ id: z.union([z.int(), z.string()]), file_name: z.string() })),
  annotations: z.array(
    z.object({ image_id: z.union([z.int(), z.string()]), caption: z.unknown() }),
  ),
});

async function* cocoPairs(path: string, { images: folder }: CaptionsOptions): AsyncGenerator<Pair> {
  const file = await openBytes(path);
  const bytes = await file.read(0, file.size);
  const text = guard(path, () => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  const { data, error } = coco.safeParse(parseDataFile(path, () => parseJson(text, "COCO file")));
  if (!data) {
    const at = error.issues[0].path.join(".");
    throw new OcelliError(
      "format",
      `${path} has no captions as COCO's file has: ${at || "images"}.`,
    );
  }
  const texts = Map.groupBy(data.annotations, ({ image_id: id }) => String(id));
  for (const { id, file_name: name } of data.images) {
    checkName(name, path, LIMITS.path);
    yield {
      id: tidy(name),
      texts: textsIn((texts.get(String(id)) ?? []).map(({ caption }) => caption)),
      image: imageBeside(path, name, folder),
    };
    texts.delete(String(id));
  }
  for (const orphans of texts.values()) {
    for (const { caption } of orphans) {
      yield {
        id: undefined,
        texts: textsIn(caption),
        image: () => Promise.reject(new Error(path)),
      };
    }
  }
}

async function* tarPairs(
  path: string,
  fileId: string,
  options: CaptionsOptions,
): AsyncGenerator<Pair> {
  const file = await openBytes(path);
  const images = new Map<string, { name: string; begin: number; size: number }>();
  const texts = new Map<string, string[]>();
  for await (const { read, name, begin, size } of tarMembers(file)) {
    const { key, extension } = splitName(name);
    if (IMAGE_FILE.test(name)) images.set(key, { name, begin, size });
    if (extension !== "txt" && extension !== "json") continue;
    const bytes = await read();
    const content = guard(`${path}, ${name}`, () => decodeText(bytes));
    const found =
      extension === "txt" ? [content] : textsIn(captionIn(`${path}, ${name}`, content, options));
    const known = texts.get(key) ?? [];
    const isNew = (text: string): boolean => !known.some((one) => one.trim() === text.trim());
    texts.set(key, [...known, ...found.filter(isNew)]); // many archives say the text of .txt in .json once more
  }
  for (const key of new Set([...images.keys(), ...texts.keys()])) {
    const image = images.get(key);
    yield {
      id: image && `${fileId}/${image.name.normalize()}`,
      texts: texts.get(key) ?? [],
      image: () => file.read(image!.begin, image!.begin + image!.size),
    };
  }
}

const decodeText = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { fatal: true }).decode(bytes);

function captionIn(which: string, content: string, { text }: CaptionsOptions): unknown {
  const value = parseDataFile(which, () => parseJson(content, "JSON"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return fieldIn(value as Readonly<Record<string, unknown>>, text, TEXTS);
}

/** Pairs of images and texts in a configuration. */
export const captionsData = defineSource({
  name: "captions",
  schema: captionsSchema,
  open: openCaptions,
});
