/** @file Splits by name and slice: `test`, `train[:55000]`, `train[-10%:]`, and `train~[:10%]`, drawn by hashing ids. */

import { OcelliError, unknownName } from "../../errors.ts";
import { mixtureSource } from "../mixture.ts";
import { seededRandom } from "../../random.ts";
import { type Dataset, type Source, selectSource, sliceSource } from "../source.ts";
import { findSplit } from "./split-names.ts";

const SPLIT = /^([^[\]~]+)(~)?(?:\[(-?\d+%?)?:(-?\d+%?)?\])?$/;

/**
 * How slices without a `~` are taken of examples that stand class by class: by a hash of their ids, or by position, as
 * in runs that recorded such a slice.
 */
export type SliceRule = "by hash" | "by position";

/** Options of {@link openSplit}. */
export interface SplitOptions {
  /** Default: "by hash". */
  readonly slices?: SliceRule;
  /** Takes a line where a slice without a `~` is drawn by hash. */
  readonly note?: (line: string) => void;
}

/**
 * The source of a split, or of a slice of it. Bounds are examples or percent; negative ones count from the end.
 * A `~` before the bounds ranks the examples by a hash of their ids first: slices are then drawn evenly, apart where
 * their bounds are, and in the data's own order. Data that stands class by class, such as folders, is always sliced so.
 * `val`, `valid` and `dev` mean `validation`, and so on, where the data set calls it otherwise.
 *
 * @see https://www.tensorflow.org/datasets/splits (the notation)
 */
export async function openSplit(
  dataset: Dataset,
  split: string,
  { slices = "by hash", note }: SplitOptions = {},
): Promise<Source> {
  const match = SPLIT.exec(split.trim());
  if (!match) {
    throw new OcelliError(
      "config",
      `the split "${split}" is not a name, or a slice such as train[:90%].`,
    );
  }
  const [, given, hashed, begin, end] = match;
  const name = findSplit(dataset.splits, given);
  if (name === undefined) {
    throw unknownName(`split of ${dataset.name}`, given, dataset.splits, "config");
  }
  const source = await dataset.open(name);
  if (source.length === 0 && dataset.shares) throw await emptySplit(dataset, split, dataset.shares);
  const isAsked = hashed !== undefined;
  const slicing = { split, name, byHash: isAsked || slices === "by hash", isAsked };
  const { source: part, drawn } = slice(source, slicing, begin, end);
  if (drawn && !isAsked) {
    const explicit = `${given}~[${begin ?? ""}:${end ?? ""}]`;
    note?.(
      `${split}: the examples stand class by class, so the slice is drawn by hashing their ids, as ${explicit} is`,
    );
  }
  return part;
}

/** The error for a split that none of few images fell into. */
async function emptySplit(
  dataset: Dataset,
  split: string,
  shares: Readonly<Record<string, number>>,
): Promise<OcelliError> {
  const sizes = Object.keys(shares).map(
    async (name) => `${name} ${(await dataset.open(name)).length}`,
  );
  const shown = (await Promise.all(sizes)).join(", ");
  return new OcelliError(
    "data",
    `the split "${split}" is empty: the images were divided by their names into ${shown}.`,
    {
      hint: `Add images, or give ${split} a larger share: --data.splits '{"train":60,"${split}":40}'.`,
    },
  );
}

/** How a source is sliced; `split` as it was written, and the split's own name, are for errors. */
interface Slicing {
  readonly split: string;
  readonly name: string;
  /** Whether examples that stand class by class are drawn by hash. */
  readonly byHash: boolean;
  /** Whether the notation asks for it. */
  readonly isAsked: boolean;
}

/** A slice of a source, and whether hashing drew any of it. */
interface Sliced {
  readonly source: Source;
  readonly drawn: boolean;
}

/** A slice of a source. */
function slice(source: Source, slicing: Slicing, begin?: string, end?: string): Sliced {
  const { split, name, byHash, isAsked } = slicing;
  if (source.parts && (begin ?? end) !== undefined) {
    if (![begin, end].every((text) => text === undefined || text.endsWith("%"))) {
      throw new OcelliError("config", `the split "${split}" of a mixture is sliced by percent.`, {
        hint: "Each part is then sliced alike.",
      });
    }
    const sliced = source.parts.map((part) => slice(part.source, slicing, begin, end));
    const parts = source.parts.map((part, i) => ({ ...part, source: sliced[i].source }));
    return { source: mixtureSource(parts), drawn: sliced.some(({ drawn }) => drawn) };
  }
  const from = bound(begin, source.length, 0);
  const to = bound(end, source.length, source.length);
  if (from >= to) {
    throw new OcelliError(
      "config",
      `the split "${split}" is empty: ${name} has ${source.length} examples.`,
    );
  }
  if (from === 0 && to === source.length) return { source, drawn: false };
  const drawn = byHash && (isAsked || source.byClass === true);
  return { source: (drawn ? drawSource : sliceSource)(source, from, to), drawn };
}

/** The examples whose ids rank from `begin` up to `end` by their hashes. */
function drawSource(source: Source, begin: number, end: number): Source {
  const ranked = Uint32Array.from({ length: source.length }, (_, i) => i);
  const keys = ranked.map((i) => seededRandom("slice", source.id(i)).bits());
  ranked.sort((a, b) => keys[a] - keys[b] || a - b);
  return selectSource(source, ranked.slice(begin, end).sort());
}

function bound(text: string | undefined, length: number, missing: number): number {
  if (text === undefined) return missing;
  const number = Number.parseInt(text, 10);
  const at = text.endsWith("%") ? Math.round((number / 100) * length) : number;
  return Math.min(length, Math.max(0, text.startsWith("-") ? length + at : at));
}
