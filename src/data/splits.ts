/** @file Splits by name and slice: `test`, `train[:55000]`, `train[-10%:]`. */

import { OcelliError, unknownName } from "../errors.ts";
import { type Dataset, type Source, sliceSource } from "./source.ts";

const SPLIT = /^([^[\]]+)(?:\[(-?\d+%?)?:(-?\d+%?)?\])?$/;

/**
 * The source of a split, or of a slice of it. Bounds are examples or percent; negative ones count from the end.
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
  const [, name, begin, end] = match;
  if (!dataset.splits.includes(name)) {
    throw unknownName(`split of ${dataset.name}`, name, dataset.splits, "config");
  }
  const source = await dataset.open(name);
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
