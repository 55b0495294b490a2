/** @file Splits by name and slice: `test`, `train[:55000]`, `train[-10%:]`. */

import { OcelliError, unknownName } from "../errors.ts";
import { mixtureSource } from "./mixture.ts";
import { type Dataset, type Source, sliceSource } from "./source.ts";
import { findSplit } from "./split-names.ts";

const SPLIT = /^([^[\]]+)(?:\[(-?\d+%?)?:(-?\d+%?)?\])?$/;

/**
 * The source of a split, or of a slice of it. Bounds are examples or percent; negative ones count from the end.
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
  const [, given, begin, end] = match;
  const name = findSplit(dataset.splits, given);
  if (name === undefined) {
    throw unknownName(`split of ${dataset.name}`, given, dataset.splits, "config");
  }
  return slice(await dataset.open(name), { split, name }, begin, end);
}

/** A slice of a source; `split` as it was written, and the split's own name, are for errors. */
function slice(
  source: Source,
  names: { readonly split: string; readonly name: string },
  begin?: string,
  end?: string,
): Source {
  const { split, name } = names;
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
  return from === 0 && to === source.length ? source : sliceSource(source, from, to);
}

function bound(text: string | undefined, length: number, missing: number): number {
  if (text === undefined) return missing;
  const number = Number.parseInt(text, 10);
  const at = text.endsWith("%") ? Math.round((number / 100) * length) : number;
  return Math.min(length, Math.max(0, text.startsWith("-") ? length + at : at));
}
