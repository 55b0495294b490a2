/** @file Splits made by hashing ids, where a data set has none of its own. */

import { OcelliError } from "../../errors.ts";
import { seededRandom } from "../../random.ts";
import { splitByRank } from "./ranked.ts";
import { type Dataset, type Source, selectSource } from "../source.ts";

/** The shares of the splits that are made where a configuration says nothing. */
export const DEFAULT_SHARES = { train: 80, validation: 10, test: 10 } as const;

/** What decides an example's split: its rank in its class, or the hash of its id alone. */
export type SplitBy = NonNullable<Dataset["splitBy"]>;

/** The split that holds every example. */
export const ALL = "all";

/** What {@link splitByHash} divides. */
interface Whole {
  readonly name: string;
  readonly source: Source;
  /** The shares by split. Default: {@link DEFAULT_SHARES}. */
  readonly shares?: Readonly<Record<string, number>>;
  /** Default: `class`. */
  readonly splitBy?: SplitBy;
  /** The class of each example, where each has one. */
  readonly classOf?: (index: number) => string | number;
  readonly notes?: readonly string[];
}

/**
 * The split that an example falls into by its id and the shares alone.
 *
 * @example
 * splitOf("cat/001.jpg", { train: 80, validation: 10, test: 10 }); // the same on every machine, for ever
 */
export function splitOf(id: string, shares: Readonly<Record<string, number>>): string {
  const entries = Object.entries(shares);
  const total = entries.reduce((sum, [, share]) => sum + share, 0);
  let rest = seededRandom("split", id).uniform() * total;
  for (const [split, share] of entries) if ((rest -= share) < 0) return split;
  return entries[entries.length - 1][0];
}

/** A data set that divides one source by hashing ids; `all` holds every example. */
export function splitByHash({
  name,
  source,
  shares = DEFAULT_SHARES,
  splitBy = "class",
  classOf,
  notes,
}: Whole): Dataset {
  const splits = Object.keys(shares);
  if (splits.length === 0 || splits.includes(ALL)) {
    throw new OcelliError(
      "config",
      `data.splits names the splits to make; "${ALL}" is every example.`,
    );
  }
  let members: Map<string, number[]> | undefined;
  const divide = (): Map<string, number[]> => {
    const ids = Array.from({ length: source.length }, (_, i) => source.id(i));
    const ranked = splitBy === "class" ? splitByRank(ids, classOf, shares) : undefined;
    return Map.groupBy(ids.keys(), (i) => ranked?.[i] ?? splitOf(ids[i], shares));
  };
  return {
    name,
    splits: [...splits, ALL],
    notes,
    shares,
    splitBy,
    open(split) {
      if (split === ALL) return Promise.resolve(source);
      members ??= divide();
      return Promise.resolve(selectSource(source, Uint32Array.from(members.get(split) ?? [])));
    },
  };
}

/** What {@link splitDataset} takes beside the sources. */
interface Splits extends Omit<Whole, "source"> {
  /** Where the data is, for errors. */
  readonly place: string;
}

/**
 * The data set of sources by split: as they are, or, of one alone, divided by hashing ids.
 *
 * @throws a configuration error for shares of splits that there are already
 */
export function splitDataset(
  sources: ReadonlyMap<string, Source>,
  { place, ...rest }: Splits,
): Dataset {
  if (sources.size === 1) {
    const [source] = sources.values();
    return splitByHash({ ...rest, source });
  }
  const { name, shares, notes } = rest;
  const splits = [...sources.keys()];
  if (shares) {
    throw new OcelliError(
      "config",
      `data.splits is for data without splits, but ${place} has ${splits.join(", ")}.`,
      { hint: "Leave it out." },
    );
  }
  return { name, splits, notes, open: (split) => Promise.resolve(sources.get(split)!) };
}

/** The splits that a data set has, without the one of every example that hashing adds. */
export const ownSplits = ({ splits, shares }: Pick<Dataset, "splits" | "shares">): string[] =>
  splits.filter((name) => name !== ALL || !shares);

/**
 * The ids of every split of a data set, to be kept with a run: later it can be told which example was trained on.
 *
 * @returns `shares`, where the splits were made by hashing, and `splits`: ids by split
 */
export async function describeSplits(dataset: Dataset): Promise<{
  readonly shares?: Readonly<Record<string, number>>;
  readonly splits: Readonly<Record<string, string[]>>;
}> {
  const splits: Record<string, string[]> = {};
  for (const split of ownSplits(dataset)) {
    const source = await dataset.open(split);
    splits[split] = Array.from({ length: source.length }, (_, i) => source.id(i));
  }
  return { shares: dataset.shares, splits };
}
