/** @file What lies in folders and below: regular files, each folder entered once however many links lead to it. */

import { AsyncLocalStorage } from "node:async_hooks";
import { readdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { OcelliError } from "../../errors.ts";
import { cannotRead } from "./files.ts";
import { isLeftover } from "../readers/leftovers.ts";

/** What lies in a folder, by name, sorted; hidden entries and leftovers are left out. */
export interface Listing {
  readonly files: string[];
  readonly folders: string[];
  /** Links to folders. */
  readonly links: string[];
  /** What is no regular file: links that lead nowhere, pipes, sockets and devices. */
  readonly others: string[];
}

/** How far a walk may go. */
export interface WalkLimit {
  /** Files and folders. */
  readonly entries: number;
  readonly seconds: number;
}

/** What is left of a limit, and when it is over. */
interface Allowance extends WalkLimit {
  readonly end: number;
  left: number;
}

const allowances = new AsyncLocalStorage<Allowance>();

/**
 * Does work, with all that it awaits, in which listing more than so many files and folders, or for longer, is a data error: what
 * names the folders may come from somebody else, and name a whole disk.
 */
export const withWalkLimit = <T>(limit: WalkLimit, work: () => T): T =>
  allowances.run(
    { ...limit, left: limit.entries, end: performance.now() + 1000 * limit.seconds },
    work,
  );

/** Takes entries of a folder off what is left. */
function spend(path: string, count: number): void {
  const allowance = allowances.getStore();
  if (!allowance) return;
  allowance.left -= count;
  const { entries, seconds, left, end } = allowance;
  if (left >= 0 && performance.now() <= end) return;
  const problem =
    left < 0
      ? `the data has more than ${entries.toLocaleString("en")} files and folders`
      : `listing the data takes longer than ${seconds} s`;
  throw new OcelliError("data", `${problem}; it was left at ${path}.`, {
    hint: "So much is not listed here; ocelli data shows it.",
  });
}

/** Lists a folder; a data error where it cannot be read. */
export async function listFolder(path: string): Promise<Listing> {
  const listing: Listing = { files: [], folders: [], links: [], others: [] };
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw cannotRead(path, error);
  });
  spend(path, entries.length);
  try {
    for (const entry of entries) {
      if (isLeftover(entry.name)) continue;
      const target = entry.isSymbolicLink()
        ? await stat(join(path, entry.name)).catch(() => undefined)
        : entry;
      const isFolder = target?.isDirectory() ?? false;
      const isFile = target?.isFile() ?? false;
      if (isFolder) (entry.isSymbolicLink() ? listing.links : listing.folders).push(entry.name);
      else (isFile ? listing.files : listing.others).push(entry.name);
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
  for (const names of [listing.files, listing.folders, listing.links, listing.others]) names.sort();
  return listing;
}

/** Files and others below a folder, as paths; a link to a folder stands where its content comes. */
type Entry = { readonly path: string; readonly kind: "file" | "other" | "link" };

/** What {@link walkFolder} finds, as paths below the folder: its own files, then what lies in its folders. */
export interface Walked {
  readonly files: string[];
  readonly others: string[];
}

/**
 * What lies in a folder and below. Every folder is entered once, by its own path where there is one, else by the first
 * link to it; links back to the folder itself, and to folders that it lies in, are left out.
 */
export async function walkFolder(root: string): Promise<Walked> {
  const top = await realpath(root).catch((error: unknown) => {
    throw cannotRead(root, error);
  });
  const entered = new Set<string>();
  const walked: Walked = { files: [], others: [] };
  await follow(root, top, await walk(root, "", top, entered), entered, walked);
  return walked;
}

/** What lies at and below a path that no link is part of. */
async function walk(
  root: string,
  path: string,
  top: string,
  entered: Set<string>,
): Promise<Entry[]> {
  entered.add(join(top, path));
  const { files, folders, links, others } = await listFolder(join(root, path));
  const entries = files.map((name): Entry => ({ path: join(path, name), kind: "file" }));
  for (const name of others) entries.push({ path: join(path, name), kind: "other" });
  for (const name of [...folders, ...links].sort()) {
    const below = join(path, name);
    if (links.includes(name)) entries.push({ path: below, kind: "link" });
    else for (const entry of await walk(root, below, top, entered)) entries.push(entry);
  }
  return entries;
}

/** Puts files into place, and what links lead to. */
async function follow(
  root: string,
  top: string,
  entries: readonly Entry[],
  entered: Set<string>,
  { files, others }: Walked,
): Promise<void> {
  for (const { path, kind } of entries) {
    if (kind === "file") files.push(path);
    else if (kind === "other") others.push(path);
    else {
      const real = await realpath(join(root, path)).catch(() => undefined);
      if (real === undefined) others.push(path);
      if (real === undefined || entered.has(real) || isAbove(real, top)) continue;
      entered.add(real);
      const inside = await listFolder(join(root, path));
      const at = (name: string): string => join(path, name);
      const below: Entry[] = [
        ...inside.files.map((name): Entry => ({ path: at(name), kind: "file" })),
        ...inside.others.map((name): Entry => ({ path: at(name), kind: "other" })),
        ...[...inside.folders, ...inside.links]
          .sort()
          .map((name): Entry => ({ path: at(name), kind: "link" })),
      ];
      await follow(root, top, below, entered, { files, others });
    }
  }
}

/** Whether a folder is one that another lies in, or the same. */
const isAbove = (folder: string, below: string): boolean => {
  const path = relative(folder, below);
  return path.split(sep)[0] !== ".." && !isAbsolute(path);
};
