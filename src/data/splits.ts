/** @file Splits by name and slice: `test`, `train[:55000]`, `train[-10%:]`, and `train~[:10%]`, drawn by hashing ids. */

import { OcelliError, unknownName } from "../errors.ts";
import { mixtureSource } from "./mixture.ts";
import { seededRandom } from "../preprocess/random.ts";
import { type Dataset, type Source, selectSource, sliceSource } from "./source.ts";
import { findSplit } from "./split-names.ts";

const SPLIT = /^([^[\]~]+)(~)?(?:\[(-?\d+%?)?:(-?\d+%?)?\])?$/;

/**
 * The source of a split, or of a slice of it. Bounds are examples or percent; negative ones count from the end.
 * A `~` before the bounds ranks the examples by a hash of their ids first, for data that stands class by class: slices
 * are then drawn evenly, apart where their bounds are, and in the data's own order.
 * `val`, `valid` and `dev` mean `validation`, and so on, where the data set calls it otherwise.
 *
 * @see https://www.tensorflow.org/datasets/splits (the notation)
 */
export async function openSplit(dataset: Dataset, split: string): Promise<Source> {
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
  return slice(source, { split, name, hashed: hashed !== undefined }, begin, end);
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

/** A slice of a source; `split` as it was written, and the split's own name, are for errors. */
function slice(
  source: Source,
  names: { readonly split: string; readonly name: string; readonly hashed: boolean },
  begin?: string,
  end?: string,
): Source {
  const { split, name, hashed } = names;
  if (source.parts && (begin ?? end) !== undefined) {
    if (![begin, end].every((text) => text === undefined || text.endsWith("%"))) {
      throw new OcelliError("config", `the split "${split}" of a mixture is sliced by percent.`, {
        hint: "Each part is then sliced alike.",
      });
    }
    const parts = source.parts.map((part) => ({
      ...part,
      source: slice(part.source, names, begin, end),
    }));
    return mixtureSource(parts);
  }
  const from = bound(begin, source.length, 0);
  const to = bound(end, source.length, source.length);
  if (from >= to) {
    throw new OcelliError(
      "config",
      `the split "${split}" is empty: ${name} has ${source.length} examples.`,
    );
  }
  if (from === 0 && to === source.length) return source;
  return hashed ? drawSource(source, from, to) : sliceSource(source, from, to);
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
