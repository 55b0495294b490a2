/** @file Files of the hub's model repositories, each fetched once into the cache. */

import { createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { OcelliError } from "../errors.ts";
import { nameBeside, writeAtomically } from "../files.ts";
import { writableCache } from "../packages/cache.ts";
import { shardsOf } from "./read.ts";

/** How the hub is reached. */
export interface HubOptions {
  /** Another hub, for a mirror. */
  readonly hubUrl?: string;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
  readonly report?: (line: string) => void;
}

/** `owner/name[@revision][/file]`. */
const REPOSITORY = /^([\w.-]+\/[\w.-]+)(?:@([\w.-]+))?(?:\/([\w./-]+))?$/;

/**
 * The local path of a repository's weight file, all its shards fetched beside it. What the cache holds is not asked for
 * again. `HF_TOKEN` in the environment opens private repositories.
 */
export async function fetchFromHub(
  place: string,
  cache: string,
  choose: (what: string, names: readonly string[]) => string,
  options: HubOptions,
): Promise<string> {
  const { name, revision, file } = repositoryOf(place);
  const folder = join(cache, name, revision);
  const chosen =
    file ??
    (await remembered(folder, async () => {
      return choose(`hf:${place}`, await listRepository(name, revision, options));
    }));
  const path = join(folder, chosen);
  if (existsSync(path) && (await shardsBeside(path)).every((shard) => existsSync(shard)))
    return path;
  const fetchedInto = await writableCache(folder, options.report); // shards lie beside their index
  const fetched = await fetchFile(name, revision, chosen, fetchedInto, options);
  for (const shard of await shardsBeside(fetched)) {
    await fetchFile(name, revision, relative(fetchedInto, shard), fetchedInto, options);
  }
  return fetched;
}

/** The shards that an index names, as paths beside it; none of another file. */
async function shardsBeside(path: string): Promise<string[]> {
  if (!path.endsWith(".index.json")) return [];
  const names = shardsOf(path, await readFile(path, "utf8"));
  return names.map((name) => join(dirname(path), name));
}

/** The name of the weight file that was chosen for a folder of the cache, the first time by asking. */
async function remembered(folder: string, ask: () => Promise<string>): Promise<string> {
  const note = join(folder, ".weights");
  const known = existsSync(note) ? await readFile(note, "utf8") : "";
  if (known !== "") return known;
  const chosen = await ask();
  await mkdir(folder, { recursive: true })
    .then(() => writeAtomically(note, chosen))
    .catch(() => undefined); // a cache that cannot be written is reported with the file itself
  return chosen;
}

function repositoryOf(place: string) {
  const [, name, revision = "main", file] = REPOSITORY.exec(place) ?? [];
  if (name === undefined || place.split(/[/@]/).some((part) => /^\.+$/.test(part))) {
    throw new OcelliError("argument", `"hf:${place}" must be hf:OWNER/NAME[@REVISION][/FILE].`);
  }
  return { name, revision, file };
}

/**
 * The local paths of those of some files that a repository has. The last of them is fetched last: once the cache has it,
 * none is asked for again.
 */
export async function fetchBeside(
  place: string,
  cache: string,
  wanted: readonly string[],
  options: HubOptions,
): Promise<string[]> {
  const { name, revision } = repositoryOf(place);
  let folder = join(cache, name, revision);
  if (!existsSync(join(folder, wanted.at(-1)!))) {
    folder = await writableCache(folder, options.report);
    const there = await listRepository(name, revision, options);
    for (const file of wanted.filter((one) => there.includes(one))) {
      await fetchFile(name, revision, file, folder, options);
    }
  }
  return wanted.map((file) => join(folder, file)).filter((path) => existsSync(path));
}

const access = ({ hubUrl, fetch }: HubOptions) => ({
  ...(hubUrl === undefined ? {} : { hubUrl }),
  ...(fetch === undefined ? {} : { fetch }),
  ...(process.env.HF_TOKEN ? { accessToken: process.env.HF_TOKEN } : {}),
});

const failure = (name: string, cause: unknown): OcelliError =>
  new OcelliError(
    "data",
    `hf:${name} cannot be fetched: ${cause instanceof Error ? cause.message : String(cause)}.`,
    { hint: "Check the name and the connection; or give a file that is here already.", cause },
  );

async function listRepository(name: string, revision: string, options: HubOptions) {
  const { listFiles } = await import("@huggingface/hub");
  const names: string[] = [];
  try {
    for await (const entry of listFiles({ repo: name, revision, ...access(options) })) {
      if (entry.type === "file") names.push(entry.path);
    }
  } catch (cause) {
    throw failure(name, cause);
  }
  return names;
}

async function fetchFile(
  name: string,
  revision: string,
  file: string,
  folder: string,
  options: HubOptions,
): Promise<string> {
  const path = join(folder, file);
  if (existsSync(path)) return path;
  options.report?.(`fetching hf:${name}@${revision}/${file}`);
  const partial = nameBeside(path);
  await mkdir(dirname(path), { recursive: true });
  try {
    const { downloadFile } = await import("@huggingface/hub");
    const blob = await downloadFile({ repo: name, revision, path: file, ...access(options) });
    if (!blob) throw new Error(`there is no ${file}`);
    const stream = Readable.fromWeb(blob.stream() as ReadableStream);
    await pipeline(stream, createWriteStream(partial, { flags: "wx" }));
    await rename(partial, path);
  } catch (cause) {
    throw failure(name, cause);
  } finally {
    await rm(partial, { force: true });
  }
  return path;
}
