/** @file Which files a data set is made of: paths, addresses, `train-{000..009}.tar`, `*.tar`, folders. */

import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcelliError } from "../errors.ts";
import { listDataFolder } from "./files.ts";
import { isUrl } from "./http.ts";
import { splitOfFile } from "./split-names.ts";

/** Files as a configuration names them; by split where they are an object. */
export type Files =
  string | readonly string[] | Readonly<Record<string, string | readonly string[]>>;

/** No pattern stands for more files than this. */
const MAX_SHARDS = 1_000_000;

/** The texts that a pattern with `{000..009}` and `{a,b}` stands for. */
export function expandBraces(pattern: string): string[] {
  const match = /\{([^{}]*)\}/.exec(pattern);
  if (!match) return [pattern];
  const [whole, inside] = match;
  const before = pattern.slice(0, match.index);
  const after = pattern.slice(match.index + whole.length);
  return alternatives(inside, pattern).flatMap((text) => expandBraces(before + text + after));
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
  const bySplit = Map.groupBy(all, (path) => splitOfFile(basename(path)) ?? "");
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
    patterns.flatMap(expandBraces).map((pattern) => expandOne(pattern, extension)),
  );
  return [...new Set(paths.flat())].sort();
}

async function expandOne(pattern: string, extension: RegExp): Promise<string[]> {
  if (isUrl(pattern)) return [pattern];
  const isFolder = await stat(pattern).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) {
    // Published parquet data sets keep their files in a folder "data".
    for (const folder of [pattern, join(pattern, "data")]) {
      const names = await readdir(folder).catch(() => []);
      const found = names.filter((name) => extension.test(name) && !name.startsWith("."));
      if (found.length > 0) return found.map((name) => join(folder, name));
    }
    throw new OcelliError("data", `${pattern} has no files that fit ${extension.source}.`);
  }
  const name = basename(pattern);
  if (!/[*?]/.test(name)) return [pattern];
  const quoted = name.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const regex = new RegExp(`^${quoted.replaceAll("*", ".*").replaceAll("?", ".")}$`, "u");
  const found = (await listDataFolder(dirname(pattern))).filter(
    (entry) => regex.test(entry) && !entry.startsWith("."),
  );
  if (found.length === 0) throw new OcelliError("data", `no file fits ${pattern}.`);
  return found.map((entry) => join(dirname(pattern), entry));
}
