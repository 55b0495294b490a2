/** @file Files of the hub's model repositories, each fetched once into the cache. */

import { existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { ReadableStream } from "node:stream/web";
import { OcelliError } from "../errors.ts";
import { nameBeside, writeAtomically } from "../files.ts";
import { LIMITS, checkName } from "../formats/budget.ts";
import { writableCache } from "../packages/cache.ts";
import { readSmallText } from "../file-ranges.ts";
import { hubAddress, hubToken } from "./hub-access.ts";
import { type HubFile, contentCheck, isIntact, noteFile } from "./hub-check.ts";
import { shardsOf } from "./read.ts";

/** How the hub is reached. */
export interface HubOptions {
  /** Another hub, for a mirror. Default: `HF_ENDPOINT`, else the hub itself. */
  readonly hubUrl?: string;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Seconds without an answer or a byte after which a transfer ends; default: 60. */
  readonly stallSeconds?: number;
  readonly report?: (line: string) => void;
}

/** `owner/name[@revision][/file]`. */
const REPOSITORY = /^([\w.-]+\/[\w.-]+)(?:@([\w.-]+))?(?:\/([\w./-]+))?$/;

/**
 * The local path of a repository's weight file, all its shards fetched beside it. What the cache holds is not asked for
 * again. A token ({@link hubToken}) opens private repositories.
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
  const needed = [path, ...(existsSync(path) ? shardsBeside(path) : [])];
  const intact = await Promise.all(needed.map(async (file) => existsSync(file) && isIntact(file)));
  if (intact.every(Boolean)) return path;
  const fetchedInto = await writableCache(folder, options.report); // shards lie beside their index
  const fetched = await fetchFile(name, revision, chosen, fetchedInto, options);
  for (const shard of shardsBeside(fetched)) {
    await fetchFile(name, revision, relative(fetchedInto, shard), fetchedInto, options);
  }
  return fetched;
}

/** The shards that an index names, as paths beside it; none of another file. */
function shardsBeside(path: string): string[] {
  if (!path.endsWith(".index.json")) return [];
  const names = shardsOf(path, readSmallText(path));
  return names.map((name) => join(dirname(path), name));
}

/** The name of the weight file that was chosen for a folder of the cache, the first time by asking. */
async function remembered(folder: string, ask: () => Promise<string>): Promise<string> {
  const note = join(folder, ".weights");
  const known = existsSync(note) ? await readFile(note, "utf8") : "";
  if (known !== "" && isFileName(known)) return known;
  const chosen = await ask();
  await mkdir(folder, { recursive: true })
    .then(() => writeAtomically(note, chosen))
    .catch(() => undefined); // a cache that cannot be written is reported with the file itself
  return chosen;
}

/** Whether a name is that of a file below a folder: no way out of it, and nothing that a terminal would obey. */
const isFileName = (name: string): boolean =>
  /^[\w.+@=-][\w .+@=()-]*(\/[\w.+@=-][\w .+@=()-]*)*$/.test(name) &&
  !name.split("/").some((part) => /^\.+$/.test(part)) &&
  name.length <= LIMITS.name;

/** More files than any repository of a model has. */
const MAX_FILES = 100_000;

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

/** Access to the hub, every request of which ends with the signal. */
function access({ hubUrl = hubAddress(), fetch: own = fetch }: HubOptions, signal: AbortSignal) {
  const accessToken = hubToken();
  return {
    hubUrl,
    fetch: ((input, init) => own(input, { ...init, signal })) as typeof fetch,
    ...(accessToken === undefined ? {} : { accessToken }),
  };
}

/** Ends what it waits for where nothing comes for some seconds. */
function createWatch({ stallSeconds = 60 }: HubOptions) {
  const abort = new AbortController();
  return {
    signal: abort.signal,
    async wait<T>(coming: Promise<T>): Promise<T> {
      let timer: NodeJS.Timeout | undefined;
      const stalled = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          const error = new Error(`nothing came for ${stallSeconds} seconds`);
          reject(error);
          abort.abort(error);
        }, 1000 * stallSeconds);
      });
      try {
        return await Promise.race([coming, stalled]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

const failure = (name: string, cause: unknown): OcelliError =>
  new OcelliError(
    "data",
    `hf:${name} cannot be fetched: ${cause instanceof Error ? cause.message : String(cause)}.`,
    { hint: "Check the name and the connection; or give a file that is here already.", cause },
  );

async function listRepository(name: string, revision: string, options: HubOptions) {
  const { listFiles } = await import("@huggingface/hub");
  const names: string[] = [];
  const watch = createWatch(options);
  try {
    const entries = listFiles({ repo: name, revision, ...access(options, watch.signal) });
    for (;;) {
      const { value, done } = await watch.wait(entries.next());
      if (done) return names;
      if (value.type === "file" && isFileName(value.path)) names.push(value.path);
      if (names.length > MAX_FILES) throw new Error(`it lists more than ${MAX_FILES} files`);
    }
  } catch (cause) {
    throw failure(name, cause);
  }
}

async function fetchFile(
  name: string,
  revision: string,
  file: string,
  folder: string,
  options: HubOptions,
): Promise<string> {
  if (!isFileName(file)) throw failure(name, new Error(`"${file}" is no name of a file`));
  const path = join(folder, file);
  if (existsSync(path)) {
    if (await isIntact(path)) return path;
    options.report?.(`${path} is damaged`);
    await rm(path);
  }
  options.report?.(`fetching hf:${name}@${revision}/${file}`);
  const partial = nameBeside(path);
  const watch = createWatch(options);
  try {
    await mkdir(dirname(path), { recursive: true });
    const { downloadFile, fileDownloadInfo } = await import("@huggingface/hub");
    const place = { repo: name, revision, path: file, ...access(options, watch.signal) };
    const downloadInfo = await watch.wait(fileDownloadInfo(place));
    const blob = downloadInfo && (await watch.wait(downloadFile({ ...place, downloadInfo })));
    if (!blob) throw new Error(`there is no ${file}`);
    const known: HubFile = { size: downloadInfo.size, etag: checkName(downloadInfo.etag, file) };
    await download(blob.stream() as ReadableStream<Uint8Array>, partial, known, watch);
    await writeAtomically(noteFile(path), JSON.stringify(known));
    await rename(partial, path);
  } catch (cause) {
    throw failure(name, cause);
  } finally {
    await rm(partial, { force: true });
  }
  return path;
}

/** Writes a stream into a new file; what differs from what the hub says of it, in size or hash, is an error. */
async function download(
  stream: ReadableStream<Uint8Array>,
  path: string,
  known: HubFile,
  watch: ReturnType<typeof createWatch>,
): Promise<void> {
  await using handle = await open(path, "wx");
  const check = contentCheck(known);
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value, done } = await watch.wait(reader.read());
      if (done) break;
      check.add(value);
      await handle.writeFile(value);
    }
    check.end();
    await handle.sync();
  } catch (error) {
    void reader.cancel().catch(() => undefined); // it may stall as well
    throw error;
  }
}
