/** @file An index on the disk: a folder of shards, and a file that says of what and by which model it was made. */

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { listOwnFolder, readOwn, writeAtomically } from "../files.ts";
import { LIMITS } from "../formats/budget.ts";
import { type Shard, openShard } from "./shard.ts";

/** Where the index of a folder of pictures lies, unless another place is named. */
export const INDEX_FOLDER = ".ocelli-search";
const MANIFEST = "index.json";

const manifestSchema = z.object({
  version: z.literal(1),
  /** The folder of pictures, from the index's. */
  root: z.string(),
  model: z.object({
    /** As it was named. */
    spec: z.string(),
    /** Of its description and its arrays. */
    sha256: z.string(),
    task: z.string(),
    /** Whether it reads words. */
    words: z.boolean(),
  }),
  /** Whether the index holds each picture once; not so while it is made, and after a kill. */
  complete: z.boolean(),
  /** Files that could not be read, as they were then. */
  unreadable: z.array(
    z.object({ path: z.string(), size: z.number(), mtime: z.number(), reason: z.string() }),
  ),
});

/** What an index says of itself. */
export type Manifest = Readonly<z.output<typeof manifestSchema>>;

/** The index's own folder for a path: the index itself, or the pictures that hold theirs. */
export const indexAt = (path: string): string =>
  existsSync(join(path, INDEX_FOLDER, MANIFEST)) ? join(path, INDEX_FOLDER) : path;

/**
 * What an index says of itself; undefined where there is none.
 *
 * @throws a format error where it is damaged, or of another version
 */
export async function readManifest(index: string): Promise<Manifest | undefined> {
  const file = join(index, MANIFEST);
  if (!existsSync(file)) return undefined;
  const text = String(await readOwn(file, LIMITS.jsonBytes));
  const { data } = manifestSchema.safeParse(fromJson(text));
  if (data) return data;
  throw new OcelliError("format", `${file} is no index of this version.`, {
    hint: "Remove the folder and make it again with ocelli search index.",
  });
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const writeManifest = (index: string, manifest: Manifest): Promise<void> =>
  writeAtomically(join(index, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);

const SHARD = /^shard-(\d+)\.safetensors$/;

/** The shards of an index in the order in which they were written. */
export async function listShards(index: string): Promise<{ number: number; file: string }[]> {
  return (await listOwnFolder(index))
    .flatMap((name) => {
      const number = SHARD.exec(name)?.[1];
      return number === undefined ? [] : [{ number: Number(number), file: join(index, name) }];
    })
    .sort((a, b) => a.number - b.number);
}

/** The file of a shard. */
export const shardFile = (index: string, number: number): string =>
  join(index, `shard-${String(number).padStart(6, "0")}.safetensors`);

/** Opens all shards of an index; an error where their vectors differ in size. */
export async function openShards(index: string): Promise<Shard[]> {
  const shards: Shard[] = [];
  try {
    for (const { file } of await listShards(index)) shards.push(openShard(file));
    const other = shards.find(({ dim }) => dim !== shards[0].dim);
    if (other) {
      throw new OcelliError("format", `${other.file} is of another model than ${shards[0].file}.`);
    }
    return shards;
  } catch (error) {
    closeShards(shards);
    throw error;
  }
}

export const closeShards = (shards: readonly Shard[]): void => {
  for (const shard of shards) shard[Symbol.dispose]();
};

/** The folder of pictures of an index. */
export const rootOf = (index: string, { root }: Manifest): string => resolve(index, root);
