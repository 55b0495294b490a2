/** @file A survey of a data set, before anything is trained on it: what there is, and what may be wrong with it. */

import { setImmediate } from "node:timers/promises";
import type { DataProblem } from "../data/problems.ts";
import type { Dataset, Source } from "../data/source.ts";
import { ownSplits } from "../data/splits/hashed.ts";
import { findSplit } from "../data/splits/split-names.ts";
import type { DeepFacts } from "./deep/deep.ts";
import { tallyFields } from "./fields.ts";
import type { FieldFacts } from "./tally.ts";
import { type Ledger, equalRows } from "./ledger.ts";
import {
  type Find,
  LISTED,
  type Member,
  type Members,
  type Same,
  membersOf,
  sameOf,
} from "./members.ts";
import { nearPairs } from "./near.ts";
import { scan } from "./scan.ts";
import { type Sizes, describeSizes } from "./sizes.ts";

/** Hashes that differ in at most so many of 64 bits are near. */
const NEAR_BITS = 10;
/** The most that may be asked for: with more, pictures that have little in common are near. */
// ts-unused-exports:disable-next-line
export const MOST_NEAR_BITS = 12;

/** Options of {@link survey}. */
export interface SurveyOptions {
  /** In how many of 64 bits the hashes of near pictures may differ; default: 10. */
  readonly nearBits?: number;
  readonly signal?: AbortSignal;
  readonly progress?: (done: number, total: number) => void;
}

/** A split. */
export interface SplitFacts {
  readonly split: string;
  readonly count: number;
  readonly fields: readonly FieldFacts[];
}

/** What a survey found. Lists hold the first hundreds; counts are of all. */
export interface Survey {
  readonly data: string;
  readonly notes: readonly string[];
  /** The shares by which splits were made, where the data has none. */
  readonly shares?: Readonly<Record<string, number>>;
  readonly images: number;
  /** Of the image files, or of pixels. */
  readonly bytes: number;
  readonly splits: readonly SplitFacts[];
  /** Class names, where there are any. */
  readonly classes: readonly string[];
  /** Classes without an image to train on. */
  readonly untrained: readonly string[];
  readonly sizes?: Sizes;
  /** How many pictures have 1 (grey), 2 (grey and alpha), 3 (colours) or 4 channels (alpha, or inks). */
  readonly channels: Readonly<Record<string, number>>;
  readonly unreadable: {
    readonly count: number;
    readonly listed: readonly (DataProblem & { readonly split: string })[];
  };
  readonly transparent: Members;
  /** Of one colour. */
  readonly plain: Members;
  /** Exact: pictures whose bytes are equal, by SHA-256. */
  readonly equal: Same<readonly Member[]> & { readonly pictures: number };
  /** Near: pairs whose 64-bit difference hashes differ in few bits; pictures of one colour are left out. */
  readonly near: Same<{ readonly pair: readonly [Member, Member]; readonly distance: number }> & {
    readonly bits: number;
    /** False where there were too many to compare them all. */
    readonly isWhole: boolean;
  };
  /** Some pictures of each class, or of all, spread evenly. */
  readonly examples: readonly Member[];
  readonly seconds: number;
  /** What the features of a model say, where they were asked ({@link deepSurvey}). */
  readonly deep?: DeepFacts;
}

/**
 * Reads every picture of a data set once, with as much memory as a few pictures and about 150 bytes for each, and says
 * what there is. Nothing is kept on the disk.
 *
 * @throws data errors of the data set as a whole; a picture that cannot be read is counted. The signal's reason
 */
export async function survey(
  dataset: Dataset,
  { nearBits = NEAR_BITS, ...options }: SurveyOptions = {},
): Promise<Survey> {
  const began = performance.now();
  const names = ownSplits(dataset);
  const splits = [];
  for (const split of names) {
    const source = await dataset.open(split);
    splits.push({ split, source, tally: tallyFields(source.fields, source.names) });
  }
  const problems: (DataProblem & { readonly split: string })[] = [];
  let unreadable = 0;
  const { ledger, bytes } = await scan(splits, {
    ...options,
    unreadable(split, problem) {
      if (unreadable++ < LISTED) problems.push({ split, ...problem });
    },
  });
  const find = memberOf(splits, ledger);
  const classes = splits[0]?.source.names.label ?? [];
  const facts = splits.map(({ split, source, tally }) => ({
    ...{ split, count: source.length, fields: tally.facts() },
  }));
  const groups = equalRows(ledger);
  const pause = async (): Promise<void> => {
    await setImmediate();
    options.signal?.throwIfAborted();
  };
  const near = await nearPairs(ledger, distinctRows(ledger, groups), nearBits, pause);
  return {
    data: dataset.name,
    notes: dataset.notes ?? [],
    ...(dataset.shares && { shares: dataset.shares }),
    images: ledger.rows,
    bytes,
    splits: facts,
    classes,
    untrained: untrainedOf(facts, classes),
    sizes: describeSizes(ledger),
    channels: channelsOf(ledger),
    unreadable: { count: unreadable, listed: problems },
    transparent: membersOf(ledger.rowsWith("transparent"), find),
    plain: membersOf(ledger.rowsWith("plain"), find),
    equal: {
      ...sameOf(
        groups,
        (rows) => rows,
        find,
        (_, members) => members,
      ),
      pictures: groups.reduce((sum, { length }) => sum + length, 0),
    },
    near: {
      ...sameOf(
        near.pairs,
        ({ a, b }) => [a, b],
        find,
        ({ distance }, [a, b]) => ({ pair: [a, b] as const, distance }),
      ),
      bits: nearBits,
      isWhole: near.isWhole,
    },
    examples: examplesOf(ledger, classes.length).map(find),
    seconds: Math.round(performance.now() - began) / 1000,
  };
}

/** Classes of which examples are given, of each so many; without classes, so many of all. */
const SHOWN_CLASSES = 24;
const OF_CLASS = 6;
const OF_ALL = 36;

/** Rows of some pictures of each class that can be read. */
function examplesOf(ledger: Ledger, classes: number): number[] {
  const readable = [...ledger.rowsWith("read")];
  const spread = (rows: readonly number[], count: number): number[] =>
    rows.length <= count
      ? [...rows]
      : Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)]);
  const byClass = Map.groupBy(readable, (row) => ledger.labels[row]);
  const labelled = [...byClass].filter(([k]) => k >= 0).sort(([a], [b]) => a - b);
  if (classes === 0 || labelled.length === 0) return spread(readable, OF_ALL);
  return labelled.slice(0, SHOWN_CLASSES).flatMap(([, rows]) => spread(rows, OF_CLASS));
}

/** Which picture a row is. */
function memberOf(
  splits: readonly { readonly split: string; readonly source: Source }[],
  { labels }: Ledger,
): Find {
  return (row) => {
    let index = row;
    for (const { split, source } of splits) {
      if (index >= source.length) {
        index -= source.length;
        continue;
      }
      const label = source.names.label?.[labels[row]];
      return { split, id: source.id(index), ...(label !== undefined && { label }) };
    }
    throw new RangeError(`there is no row ${row}`);
  };
}

/** Rows that near pictures are looked for among: more than one colour, and one for each group of equal ones. */
function distinctRows(ledger: Ledger, groups: readonly (readonly number[])[]): Uint32Array {
  const repeated = new Set(groups.flatMap((rows) => rows.slice(1)));
  const rows = [...ledger.rowsWith("read")];
  return Uint32Array.from(rows.filter((row) => !ledger.has(row, "plain") && !repeated.has(row)));
}

/** The classes that the split to train on has no image of; of all splits where none is called so. */
function untrainedOf(splits: readonly SplitFacts[], classes: readonly string[]): string[] {
  if (classes.length === 0) return [];
  const names = splits.map(({ split }) => split);
  const train = findSplit(names, "train");
  const learned = splits.filter(({ split }) => train === undefined || split === train);
  const countOf = (name: string): number =>
    learned.reduce((sum, { fields }) => {
      const counts = fields.find(({ field }) => field === "label")?.counts ?? {};
      return sum + (Object.hasOwn(counts, name) ? counts[name] : 0);
    }, 0);
  return classes.filter((name) => countOf(name) === 0);
}

function channelsOf(ledger: Ledger): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of ledger.rowsWith("read")) {
    const channels = ledger.channels[row];
    counts[channels] = (counts[channels] ?? 0) + 1;
  }
  return counts;
}
