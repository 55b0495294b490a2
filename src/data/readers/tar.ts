/** @file Tar archives of images: WebDataset shards, or class folders inside. */

import { z } from "zod";
import { isName, parseJson } from "../../formats/budget.ts";
import { formatError, guard } from "../../formats/bytes.ts";
import { TAR_BLOCK, paddedSize, readName, readPax, readTarHeader } from "../../formats/tar.ts";
import { OcelliError } from "../../errors.ts";
import { type ByteFile } from "../files/random-access.ts";
import { forwardReader, openBytes } from "../files/byte-file.ts";
import { fileIds, inSplit } from "../files/file-ids.ts";
import { parseDataFile } from "../files/files.ts";
import { type Found, distinctIds, foundDataset } from "./found.ts";
import { IMAGE_FILE, describeUnread, isUnreadImage } from "./image-names.ts";
import { type Labels, readLabels } from "../classification/labels.ts";
import { isFlat } from "../classification/layout.ts";
import { isLeftover } from "./leftovers.ts";
import { expandFiles } from "../files/shards.ts";
import { classKeys, defineSource, filesSchema, labelKeys, splitKeys } from "../define.ts";
import type { Dataset } from "../source.ts";
import { type ArrangeOptions, arrangeImages } from "./unlabelled.ts";
import { treeOf } from "./tree-of-images.ts";

const tarSchema = z.strictObject({
  /**
   * Paths, addresses, a pattern or a folder; by split where they are an object.
   *
   * @example "shards/train-{000..009}.tar"
   */
  files: filesSchema,
  /** The member beside an image that holds its label, or the folder that it lies in. Default: found by looking. */
  label: z.enum(["cls", "json", "txt", "folder"]).optional(),
  /** The field of a `.json` member that holds the label. Default: `label`, `cls`, `class` or `class_name`. */
  labelKey: z.string().optional(),
  ...classKeys,
  ...splitKeys,
  ...labelKeys,
});

/** How to open tar archives. */
type TarOptions = z.output<typeof tarSchema>;

/** A file inside an archive. */
interface TarMember {
  readonly name: string;
  readonly begin: number;
  readonly size: number;
}

/** Labels in members beside an image. */
type Beside = Readonly<Partial<Record<(typeof BESIDE)[number], Labels>>>;

/** An image and the members beside it. */
interface TarImage extends TarMember {
  readonly file: ByteFile;
  readonly fileId: string;
  readonly beside: Beside;
}

const BESIDE = ["cls", "json", "txt"] as const;
const LABEL_FIELDS = ["label", "cls", "class", "class_name"];
/** The largest member read while going through an archive: names, attributes and labels. */
const MAX_SMALL = 1 << 20;

/**
 * Images in tar archives (shards). Members that share their path up to the first dot of the file's name are one
 * example, as in WebDataset: `0001.jpg` with `0001.cls`, `0001.json` or `0001.txt`. Without such labels the
 * folders inside the archive say labels and splits, as those of a folder do ({@link arrangeImages}). Ids are paths
 * inside the archives, with the split in front where there are splits and the archive where two hold the same path. Archives are gone through once; held are paths, places and labels.
 */
export async function openTar({ files, label, labelKey, ...keys }: TarOptions): Promise<Dataset> {
  const images = new Map<string, TarImage[]>();
  const unread: string[] = [];
  for (const [split, paths] of await expandFiles(files, /\.tar$/i)) {
    const ids = fileIds(paths);
    const found: TarImage[] = [];
    for (const [i, path] of paths.entries()) {
      const file = await openBytes(path);
      const shard = await readShard(file, ids[i], { labelKey, labels: keys.labels });
      for (const image of shard.images) found.push(image);
      for (const name of shard.unread) unread.push(name);
    }
    images.set(split, found);
  }
  const all = [...images.values()];
  const place = all.flat()[0]?.file.name ?? JSON.stringify(files);
  const beside =
    keys.labels === "none"
      ? undefined
      : (label ??
        BESIDE.find((some) => all.some((list) => list.some(({ beside }) => some in beside))));
  const notes = unread.length > 0 ? [describeUnread(unread)] : [];
  if (unread.length > 0 && all.every((list) => list.length === 0)) {
    throw new OcelliError("data", `${place} has no images that are read: ${notes[0]}.`);
  }
  const kind = beside ?? "folder";
  if (kind !== "folder") {
    const splits = [...images].map(
      ([split, list]) => [split, foundBeside(split, list, kind)] as const,
    );
    return foundDataset({ name: "tar", splits: new Map(splits), notes, place }, keys);
  }
  const splits = new Map<string, Found>();
  for (const [split, list] of images) {
    const arranged = arrangeByFolders(list, { place, ...keys, isSplit: split !== "" });
    notes.push(...arranged.notes);
    const { size } = arranged.parts;
    for (const [inner, { members, labels }] of arranged.parts) {
      const name = split !== "" && size === 1 ? split : inner;
      const missing = members.find((_, index) => labels[index] === undefined);
      splits.set(name, {
        ...foundOf(split, members),
        labels,
        areNames: true,
        missing: missing && `${missing.file.name}: ${missing.name} is in no class folder.`,
      });
    }
  }
  return foundDataset({ name: "tar", splits, notes, place }, keys);
}

/** Images with their folders as labels. */
interface ByFolder {
  readonly members: TarImage[];
  readonly labels: (string | undefined)[];
}

/** Images by split and class as their folders say, in the order of the archives. */
function arrangeByFolders(
  images: readonly TarImage[],
  { isSplit, ...options }: ArrangeOptions & { readonly isSplit: boolean },
): { readonly parts: Map<string, ByFolder>; readonly notes: readonly string[] } {
  const tree = treeOf(images.map(({ name }) => name));
  if (isSplit && (options.labels === "none" || isFlat(tree))) {
    const labels = images.map(() => undefined);
    return { parts: new Map([["", { members: [...images], labels }]]), notes: [] };
  }
  const layout = arrangeImages(tree, options);
  const places = new Map<string, { readonly split: string; readonly label: string | undefined }>();
  for (const [split, { paths, labels }] of layout.parts) {
    paths.forEach((path, index) => places.set(path, { split, label: labels[index] }));
  }
  const [first] = layout.parts.keys();
  for (const path of layout.loose) places.set(path, { split: first, label: undefined });
  const parts = new Map<string, ByFolder>();
  for (const split of layout.parts.keys()) parts.set(split, { members: [], labels: [] });
  for (const image of images) {
    const at = places.get(image.name);
    if (!at) continue; // left out, as a note says
    parts.get(at.split)!.members.push(image);
    parts.get(at.split)!.labels.push(at.label);
  }
  return { parts, notes: layout.notes };
}

const foundOf = (split: string, images: readonly TarImage[]): Pick<Found, "ids" | "image"> => ({
  ids: distinctIds(
    images.map(({ name }) => inSplit(split, name.normalize())),
    (index) => images[index].fileId,
  ),
  image: (index) => {
    const { file, begin, size } = images[index];
    return file.read(begin, begin + size);
  },
});

/** Images whose labels lie beside them. */
function foundBeside(split: string, images: readonly TarImage[], kind: keyof Beside): Found {
  const missing = images.find(({ beside }) => beside[kind] === undefined);
  return {
    ...foundOf(split, images),
    labels: images.map(({ beside }) => beside[kind]),
    missing: missing && `${missing.file.name}: ${missing.name} has no label beside it (.${kind}).`,
  };
}

async function readShard(
  file: ByteFile,
  fileId: string,
  { labelKey, labels: use }: Pick<TarOptions, "labelKey" | "labels">,
): Promise<{ readonly images: TarImage[]; readonly unread: string[] }> {
  const unread: string[] = [];
  const images = new Map<string, TarMember[]>();
  const beside = new Map<string, Beside>();
  for await (const { read, ...member } of tarMembers(file)) {
    const { key, extension } = splitName(member.name);
    if (IMAGE_FILE.test(member.name)) {
      if (!images.has(key)) images.set(key, []);
      images.get(key)!.push(member);
    } else if (isUnreadImage(member.name)) unread.push(member.name);
    else if (use !== "none" && BESIDE.some((kind) => kind === extension)) {
      const bytes = await read();
      const label = parseDataFile(`${file.name}, ${member.name}`, () =>
        readBeside(extension as (typeof BESIDE)[number], bytes, member.name, labelKey),
      );
      if (label !== undefined) beside.set(key, { ...beside.get(key), [extension]: label });
    }
  }
  return {
    unread,
    images: [...images].flatMap(([key, members]) =>
      members.map((member) => ({ ...member, file, fileId, beside: beside.get(key) ?? {} })),
    ),
  };
}

/** A path up to the first dot of its file's name, and the last extension in lower case. */
export function splitName(name: string) {
  const slash = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", slash);
  const key = dot < 0 ? name : name.slice(0, dot);
  return { key, extension: name.slice(name.lastIndexOf(".") + 1).toLowerCase() };
}

function readBeside(
  kind: (typeof BESIDE)[number],
  bytes: Uint8Array,
  which: string,
  labelKey?: string,
) {
  const text = guard("label", () => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (kind === "txt" && !isName(text.trim())) return undefined; // a text about the image, no label
  if (kind !== "json") return readLabels(text.trim(), which);
  const value = parseJson(text, "JSON");
  const fields = (value ?? {}) as Record<string, unknown>;
  const field = labelKey ?? LABEL_FIELDS.find((name) => Object.hasOwn(fields, name));
  return field !== undefined && Object.hasOwn(fields, field)
    ? readLabels(fields[field], which)
    : undefined;
}

/** The files of an archive, in its order; hidden ones are left out. */
export async function* tarMembers(
  file: ByteFile,
): AsyncGenerator<TarMember & { readonly read: () => Promise<Uint8Array> }> {
  const what = file.name;
  const forward = forwardReader(file);
  let longName: string | undefined;
  let pax = new Map<string, string>();
  let global = new Map<string, string>();
  for (let at = 0; at < file.size;) {
    const header = readTarHeader(await forward(at, TAR_BLOCK), what);
    if (!header) return;
    const begin = at + TAR_BLOCK;
    const ofMember = header.kind === "file" || header.kind === "other";
    const attributes = ofMember ? new Map([...global, ...pax]) : undefined;
    const size = paxSize(attributes?.get("size"), what) ?? header.size;
    if (begin + size > file.size) throw formatError(`${what} is truncated.`);
    const read = () => {
      if (size <= MAX_SMALL) return forward(begin, size);
      throw formatError(`${what}: "${header.name}" of ${size} bytes is too large for what it is.`);
    };
    if (header.kind === "long-name") longName = readName(await read(), what);
    else if (header.kind === "pax") pax = readPax(await read(), what);
    else if (header.kind === "pax-global")
      global = new Map([...global, ...readPax(await read(), what)]);
    else {
      const name = (attributes?.get("path") ?? longName ?? header.name).replace(/^(\.?\/)+/, "");
      const hidden = name.split("/").some(isLeftover);
      if (header.kind === "file" && !hidden) yield { name, begin, size, read };
      longName = undefined;
      pax = new Map();
    }
    at = begin + paddedSize(size);
  }
}

function paxSize(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  const size = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(size)) return size;
  throw formatError(`${what}: a member's size is impossible.`);
}

/** Tar archives in a configuration. */
export const tarData = defineSource({ name: "tar", schema: tarSchema, open: openTar });
