/** @file Which examples a run is trained on and judged by, as its folder records them, and what of that has changed. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { validate } from "../config/validate.ts";
import { type DataConfig, dataChoice, withSplitBy } from "../data/config.ts";
import { describeSplits } from "../data/splits/hashed.ts";
import type { Dataset, Source } from "../data/source.ts";
import type { SliceRule } from "../data/splits/splits.ts";
import { OcelliError } from "../errors.ts";
import { isObject } from "../runs/read-config.ts";
import { readJson } from "../runs/read.ts";
import { emptyClasses } from "./classification/shots.ts";

/** The examples of a split. */
export interface SplitEntry {
  readonly count: number;
  /** Of the ids in their order, each followed by a line feed. */
  readonly sha256: string;
  /** The ids, where hashing them made the split and they are not too many. */
  readonly ids?: readonly string[];
}

/** The splits of a run. */
export interface SplitRecord {
  /** Whether the data came with its splits, or hashing ids made them, in `shares`: of all images, or of each class. */
  readonly rule: "given" | "hash of ids" | "rank of hash in class";
  readonly shares?: Readonly<Record<string, number>>;
  /** How slices without a `~` were taken of examples that stand class by class; by position where it is not said. */
  readonly slices?: SliceRule;
  /** By what the configuration calls them, slices such as `train[:90%]` included. */
  readonly splits: Readonly<Record<string, SplitEntry>>;
  /** Names of labels without an image to learn from, where there are any. */
  readonly untrained?: readonly string[];
}

const RULES = { id: "hash of ids", class: "rank of hash in class" } as const;

/** A run lists so many ids at most: a few megabytes. */
const MAX_LISTED = 100_000;

/** A record of all that a run reads, and of every split that hashing made. */
export async function recordSplits({
  dataset,
  source,
  sources,
  slices = "by hash",
}: {
  readonly dataset: Dataset;
  /** What is learned from. */
  readonly source?: Source;
  readonly sources: ReadonlyMap<string, Source>;
  readonly slices?: SliceRule;
}): Promise<SplitRecord> {
  const made = dataset.shares && (await describeSplits(dataset)).splits;
  const ids = new Map<string, readonly string[]>(Object.entries(made ?? {}));
  for (const [name, source] of sources) ids.set(name, idsOf(source));
  const total = [...ids.values()].reduce((sum, { length }) => sum + length, 0);
  const isListed = dataset.shares !== undefined && total <= MAX_LISTED;
  const entries = [...ids].map(([name, list]) => {
    return [name, entryOf(list, isListed)] as const;
  });
  const untrained = source ? emptyClasses(source) : [];
  return {
    ...(untrained.length > 0 && { untrained }),
    ...(dataset.shares
      ? { rule: RULES[dataset.splitBy ?? "id"], shares: dataset.shares }
      : { rule: "given" as const }),
    slices,
    splits: Object.fromEntries(entries),
  };
}

/** How the slices of a recorded run were taken. */
export const slicesOf = ({ slices = "by position" }: Partial<SplitRecord>): SliceRule => slices;

const idsOf = (source: Source): string[] =>
  Array.from({ length: source.length }, (_, i) => source.id(i));

function entryOf(ids: readonly string[], isListed: boolean): SplitEntry {
  return { count: ids.length, sha256: hashOf(ids), ...(isListed && { ids }) };
}

function hashOf(ids: readonly string[]): string {
  const hash = createHash("sha256");
  for (const id of ids) hash.update(`${id}\n`);
  return hash.digest("hex");
}

/** The hash of a source's ids in their order, as {@link SplitEntry} has it. */
export const idsHash = (source: Source): string => hashOf(idsOf(source));

/** The splits that two records both know and that are not the same: by name, how in words. */
export function splitChanges(before: SplitRecord, now: SplitRecord): Map<string, string> {
  const changes = new Map<string, string>();
  for (const [name, old] of Object.entries(before.splits)) {
    const current = Object.hasOwn(now.splits, name) ? now.splits[name] : undefined;
    if (!current || current.sha256 === old.sha256) continue;
    changes.set(name, describeChange(old, current, { ...now.splits, [name]: { ids: [] } }));
  }
  return changes;
}

function describeChange(
  before: SplitEntry,
  now: SplitEntry,
  others: Readonly<Record<string, Pick<SplitEntry, "ids">>>,
): string {
  const counts = `${before.count} images before, ${now.count} now`;
  if (!before.ids || !now.ids) {
    return before.count === now.count ? `${counts}, but others or in another order` : counts;
  }
  const added = without(now.ids, before.ids);
  let gone = without(before.ids, now.ids);
  const moves: string[] = [];
  for (const [split, { ids = [] }] of Object.entries(others)) {
    const stayed = without(gone, ids);
    const moved = without(gone, stayed);
    gone = stayed;
    const which = `${moved.length} moved to ${split}, such as ${moved[0]}`;
    if (moved.length > 0) moves.push(`${which}, as others were added or taken away`);
  }
  const parts = [
    ...(added.length > 0 ? [`${added.length} new, such as ${added[0]}`] : []),
    ...moves,
    ...(gone.length > 0 ? [`${gone.length} gone, such as ${gone[0]}`] : []),
  ];
  return `${counts}: ${parts.join("; ") || "in another order"}`;
}

/** The ids of one list that another has not. */
function without(ids: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return ids.filter((id) => !known.has(id));
}

/** What a run folder says of its data. */
interface RunData {
  readonly record?: SplitRecord;
  /** As the file has it. */
  readonly data?: unknown;
  readonly split?: string;
  readonly evals?: Readonly<Record<string, { readonly split: string }>>;
}

/** What a run folder says of its data; nothing where a path is none. */
async function readRunData(folder: string): Promise<RunData> {
  const record = await readJson(join(folder, "splits.json"));
  const config = (await readJson(join(folder, "config.json"))) as RunData;
  return { ...config, record: isObject(record.splits) ? (record as never) : undefined };
}

/** Data to evaluate on, and what its run knows of it. */
export interface ToldData {
  readonly data: DataConfig;
  /** The split that the run was judged by first, where the data is the run's own. */
  readonly split: string | undefined;
  /** How it is sliced where it stands class by class: as its run did. */
  readonly slices: SliceRule | undefined;
  /** What is to be known of a split of this data: a line each. */
  notesOn(split: string, source: Source, dataset: Dataset): Promise<string[]>;
}

/**
 * The data that was named, or else a run's own.
 *
 * @throws an argument error where neither says it
 */
export async function dataFor(path: string, named: DataConfig | undefined): Promise<ToldData> {
  const run = await readRunData(path);
  const recorded = named && !isData(run.data) ? undefined : recordedData(path, run.data);
  const isOwn = !named || isSameData(named, recorded);
  const data = isOwn ? recorded : named;
  if (!data) {
    throw new OcelliError("argument", `${path} does not say which data to evaluate on.`, {
      hint: "Name it as --data.",
    });
  }
  return {
    data,
    split: named ? undefined : Object.values(run.evals ?? {})[0]?.split,
    slices: isOwn && run.record ? slicesOf(run.record) : undefined,
    notesOn: async (split, source, dataset) => {
      if (!isOwn || !run.record) return [];
      const now = await recordSplits({ dataset, sources: new Map([[split, source]]) });
      return notesOn(run.record, now, run.split, split, source);
    },
  };
}

/** A configuration as far as its data is concerned. */
const configOfData = () => z.object({ data: dataChoice() });

const isData = (data: unknown): boolean => configOfData().safeParse({ data }).success;

/** The data that a run folder names; a data error that names the key where it makes no sense. */
function recordedData(folder: string, data: unknown): DataConfig | undefined {
  if (data === undefined) return undefined;
  try {
    validate(configOfData(), { data });
  } catch (error) {
    if (!(error instanceof OcelliError)) throw error;
    throw new OcelliError("data", `${join(folder, "config.json")}: ${error.message}`);
  }
  return withSplitBy(data as DataConfig, "id");
}

/** Whether named data is a run's, whose splits are then made as they were. */
function isSameData(named: DataConfig, recorded: DataConfig | undefined): boolean {
  if (!recorded) return false;
  const by = "splitBy" in recorded ? recorded.splitBy : undefined;
  const plain = JSON.parse(JSON.stringify(named)) as DataConfig; // without what is undefined
  return isDeepStrictEqual(withSplitBy(plain, by ?? "id"), recorded);
}

function notesOn(
  before: SplitRecord,
  now: SplitRecord,
  trained: string | undefined,
  name: string,
  source: Source,
): string[] {
  const ids = idsOf(source);
  const change = splitChanges(before, now).get(name);
  const changes = change === undefined ? [] : [change];
  const learnt = trained === undefined ? undefined : before.splits[trained];
  const isLearnt = learnt?.sha256 === now.splits[name].sha256;
  const seen = ids.length - (isLearnt ? 0 : without(ids, learnt?.ids ?? []).length);
  return [
    ...changes.map((change) => `the data has changed since the run: ${name}: ${change}`),
    ...(seen > 0 ? [`${seen} of these images were trained on`] : []),
  ];
}
