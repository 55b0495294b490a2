/** @file Which data set a path is. */

import { stat } from "node:fs/promises";
import { OcelliError } from "../../errors.ts";
import type { DataConfig } from "../config.ts";
import { cannotRead } from "../files/files.ts";
import { isUrl } from "../files/http.ts";
import { IMAGE_FILE, describeUnread, isUnreadImage } from "./image-names.ts";
import { holdsMaps } from "./maps.ts";
import { findShards } from "../files/shards.ts";
import { listFolder } from "../files/walk.ts";

/** Data sets of files, by their names. */
const KINDS = [
  ["tar", /\.tar$/i],
  ["tfrecord", /\.tfrecords?([-.].*)?$/i],
  ["parquet", /\.parquet$/i],
  ["jsonl", /\.(jsonl|ndjson)$/i],
  ["csv", /\.[ct]sv$/i],
] as const;

/** Those whose files hold images. */
const ARCHIVES = KINDS.slice(0, 3);

const kindOf = (name: string) => KINDS.find(([, pattern]) => pattern.test(name))?.[0];

const VALID =
  "Valid are a folder with a folder per class, or with images/ and maps/, .tar, .tfrecord, .parquet, .jsonl, .csv, and folders of these, of .npz or of idx files.";

/** Options of {@link detectData}. */
interface DetectOptions {
  /** Whether there must be labels, or a folder may have images alone. Default: "required". */
  readonly labels?: "required" | "optional";
}

/**
 * The configuration of the data at a path: a folder of class folders, an archive or a table, a folder of them, a pattern
 * such as `shards/*.tar`, or an http address of a file.
 *
 * @throws a data error that says what was found and what is valid
 * @example
 * await detectData("pets"); // { name: "folder", dir: "pets" }
 * await detectData("shards/train-{000..009}.tar"); // { name: "tar", files: "shards/train-{000..009}.tar" }
 */
export async function detectData(
  path: string,
  { labels = "required" }: DetectOptions = {},
): Promise<DataConfig> {
  const isPattern = /[*?]|\{.*\}/.test(path);
  const found = isUrl(path)
    ? undefined
    : await stat(path).catch((error) => {
        if (isPattern) return undefined;
        throw cannotRead(path, error, VALID);
      });
  if (found?.isDirectory()) return detectFolder(path, labels);
  const name = isUrl(path) ? new URL(path).pathname : path;
  const kind = kindOf(name);
  if (kind) return { name: kind, files: path };
  if (/\.(tar\.\w+|tgz)$/i.test(name)) {
    throw new OcelliError(
      "data",
      `${path} is compressed, so that its images cannot be read in any order.`,
      {
        hint: "Unpack it, or make it a plain .tar.",
      },
    );
  }
  const what =
    IMAGE_FILE.test(name) || isUnreadImage(name)
      ? "a single image"
      : "no data set that is known by its name";
  throw new OcelliError("data", `${path} is ${what}.`, { hint: VALID });
}

async function detectFolder(
  dir: string,
  labels: NonNullable<DetectOptions["labels"]>,
): Promise<DataConfig> {
  const listing = await listFolder(dir);
  const files = [...listing.files, ...listing.others].sort();
  const folders = listing.folders.length + listing.links.length;
  if (await holdsMaps(dir)) return { name: "maps", dir };
  if (files.some((name) => name.endsWith(".npz"))) return { name: "npz", dir };
  if (files.some((name) => /-images[-.]idx\d-ubyte(\.gz)?$/.test(name)))
    return { name: "idx", dir };
  const kinds = [...new Set(files.map(kindOf))].filter((kind) => kind !== undefined);
  const [kind] = kinds;
  const images = files.filter((name) => IMAGE_FILE.test(name)).length;
  const isTold = ARCHIVES.every(([name]) => name !== kind) && isTable(files, folders);
  if (labels === "optional" && isTold && images > 0) {
    return { name: "folder", dir, labels: "none" }; // all pictures: a table beside them may name but some
  }
  if (kinds.length === 1 && (ARCHIVES.some(([name]) => name === kind) || isTable(files, folders))) {
    return { name: kind, files: dir };
  }
  if (folders > 0) {
    for (const [kind, pattern] of ARCHIVES) {
      if ((await findShards(dir, pattern)).length > 0) return { name: kind, files: dir };
    }
    return { name: "folder", dir };
  }
  const unread = files.filter(isUnreadImage);
  if (labels === "optional" && images > 0 && kinds.length === 0) {
    return { name: "folder", dir, labels: "none" };
  }
  const shown =
    kinds.length > 1
      ? `files of several kinds (${kinds.join(", ")})`
      : unread.length > 0 && images === 0
        ? `no folders: ${describeUnread(unread)}`
        : `${images} images and ${files.length - images} other files, but no folders`;
  throw new OcelliError("data", `${dir} has ${shown}.`, {
    hint:
      kinds.length > 1
        ? "Name the files to use."
        : "Put the images of each class into a folder of its own." +
          (images > 0 ? ` Or label them on a page: ocelli label ${dir}.` : ""),
  });
}

/** Whether a folder is told by its table: one called `metadata`, one beside a folder of images or images without folders. */
const isTable = (files: readonly string[], folders: number): boolean => {
  const others = files.filter((name) => kindOf(name) === undefined);
  const isBeside = folders === 0 && others.every((name) => IMAGE_FILE.test(name));
  return (
    files.some((name) => /^metadata\./i.test(name)) ||
    (folders <= 1 && others.length === 0) ||
    isBeside
  );
};
