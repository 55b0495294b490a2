/** @file Which files a data set is made of: paths, addresses, `train-{000..009}.tar`, `*.tar`, folders. */

import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { listDataFolder } from "./files.ts";
import { isUrl } from "./http.ts";
import { isLeftover } from "../readers/leftovers.ts";
import { splitOfFile, usualSplit } from "../splits/split-names.ts";

/** Files as a configuration names them; by split where they are an object. */
export type Files =
  string | readonly string[] | Readonly<Record<string, string | readonly string[]>>;

/** Shards lie this many folders deep at most. */
const MAX_DEPTH = 3;

/** No pattern stands for more files than this. */
const MAX_SHARDS = 1_000_000;

/** The texts that a pattern with `{000..009}` and `{a,b}` stands for; other braces are signs like any other. */
export function expandBraces(pattern: string): string[] {
  const paths: string[] = [];
  const expand = (text: string): void => {
    const match = /\{([^{}]*,[^{}]*|\d+\.\.\d+)\}/.exec(text);
    if (!match) {
      if (paths.length >= MAX_SHARDS) {
        throw new OcelliError("config", `"${pattern}" stands for more than ${MAX_SHARDS} files.`);
      }
      return void paths.push(text);
    }
    const [whole, inside] = match;
    const before = text.slice(0, match.index);
    const after = text.slice(match.index + whole.length);
    for (const one of alternatives(inside, text)) expand(before + one + after);
  };
  expand(pattern);
  return paths;
}

function alternatives(inside: string, pattern: string): string[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(inside);
  if (!range) return inside.split(",");
  const [from, to] = [Number(range[1]), Number(range[2])];
  if (to < from || to - from >= MAX_SHARDS) {
    throw new OcelliError("config", `"${pattern}": {${inside}} is not a range such as {000..009}.`);
  }
  const width = range[1].length;
  return Array.from({ length: to - from + 1 }, (_, i) => String(from + i).padStart(width, "0"));
}

/**
 * The files of every split, sorted; under "" where nothing speaks of splits.
 *
 * @param extension what the files of a folder must match
 */
export async function expandFiles(files: Files, extension: RegExp): Promise<Map<string, string[]>> {
  if (typeof files === "object" && !Array.isArray(files)) {
    const splits = Object.entries(files as Record<string, string | string[]>).map(
      async ([split, some]) => [split, await expandAll([some].flat(), extension)] as const,
    );
    return new Map(await Promise.all(splits));
  }
  const all = await expandAll([files as string | string[]].flat(), extension);
  const ofFolders = Map.groupBy(all, (path) => usualSplit(basename(dirname(path))) ?? "");
  const areSplits = ofFolders.size > 1 && !ofFolders.has("");
  const bySplit = Map.groupBy(all, (path) =>
    areSplits ? basename(dirname(path)) : (splitOfFile(basename(path)) ?? ""),
  );
  const unnamed = bySplit.get("");
  if (unnamed && bySplit.size > 1) {
    throw new OcelliError("data", `${unnamed[0]} does not say to which split it belongs.`, {
      hint: 'Give files by split: { train: "…", test: "…" }.',
    });
  }
  return bySplit;
}

async function expandAll(patterns: readonly string[], extension: RegExp): Promise<string[]> {
  const paths = await Promise.all(
    patterns.map(async (pattern) => {
      const plain = await literalParts(pattern);
      return Promise.all(plain.map((each) => expandOne(each, extension)));
    }),
  );
  return [...new Set(paths.flat(2))].sort();
}

/** A pattern's texts, with braces in what exists under that very name left alone. */
async function literalParts(pattern: string): Promise<string[]> {
  if (isUrl(pattern)) return expandBraces(pattern);
  if (await exists(pattern)) return [pattern];
  const folder = dirname(pattern);
  if (!(await exists(folder))) return expandBraces(pattern);
  return expandBraces(basename(pattern)).map((name) => join(folder, name));
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function expandOne(pattern: string, extension: RegExp): Promise<string[]> {
  if (isUrl(pattern)) return [pattern];
  const found = await stat(pattern).catch(() => undefined);
  if (found?.isDirectory()) return filesIn(pattern, extension);
  const name = basename(pattern);
  if (found || !/[*?]/.test(name)) return [pattern];
  const quoted = name.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const regex = new RegExp(`^${quoted.replaceAll("*", ".*").replaceAll("?", ".")}$`, "u");
  const fitting = (await listDataFolder(dirname(pattern))).filter(
    (entry) => regex.test(entry) && !isLeftover(entry),
  );
  if (fitting.length === 0) throw new OcelliError("data", `no file fits ${pattern}.`);
  return fitting.map((entry) => join(dirname(pattern), entry));
}

/** The files of a folder, or those of its folders for splits, or of its only folder or its `data`, as on the hub. */
async function filesIn(folder: string, extension: RegExp): Promise<string[]> {
  const found = await findShards(folder, extension);
  if (found.length > 0) return found;
  throw new OcelliError("data", `${folder} has no files that fit ${extension.source}.`);
}

/** What {@link filesIn} takes of a folder, sorted; nothing where it has no such files. */
export async function findShards(
  folder: string,
  extension: RegExp,
  depth = MAX_DEPTH,
): Promise<string[]> {
  const names = await listNames(folder);
  const own = names.filter((name) => extension.test(name)).map((name) => join(folder, name));
  if (own.length > 0) return own;
  const splits = names.filter((name) => usualSplit(name) !== undefined);
  const alone = names.length === 1 ? names : [];
  const data = names.filter((name) => name === "data");
  for (const inner of depth > 0 ? [data, splits, alone] : []) {
    const found = await Promise.all(
      inner.map((name) => findShards(join(folder, name), extension, depth - 1)),
    );
    if (found.flat().length > 0) return found.flat();
  }
  return [];
}

/** The names in a folder, sorted; nothing where it is none. */
async function listNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !isLeftover(name)).sort();
}
