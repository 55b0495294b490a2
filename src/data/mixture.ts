/** @file Mixtures: several data sets, drawn from by weight. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { findSplit } from "./splits/split-names.ts";
import type { Dataset, MixturePart, Source } from "./source.ts";

/** A data set of a mixture. */
interface WeightedDataset {
  readonly data: Dataset;
  readonly weight: number;
}

/**
 * The source of several, one after the other; training draws from them by weight. Ids take the part's number in front,
 * and classes of one name are one class.
 */
export function mixtureSource(parts: readonly MixturePart[]): Source {
  const classes = [...new Set(parts.flatMap(({ source }) => source.classes))];
  const numbers = new Map(classes.map((name, i) => [name, i]));
  const relabelled = parts.map(({ source, weight }) => ({
    weight,
    source: relabel(
      source,
      classes,
      Int32Array.from(source.classes, (name) => numbers.get(name)!),
    ),
  }));
  const ends: number[] = [];
  for (const { source } of parts) ends.push((ends.at(-1) ?? 0) + source.length);
  const locate = (index: number) => {
    const part = ends.findIndex((end) => index < end);
    return { part, source: relabelled[part].source, at: index - (ends[part - 1] ?? 0) };
  };
  return {
    length: ends.at(-1) ?? 0,
    classes,
    id(index) {
      const { part, source, at } = locate(index);
      return `${part}/${source.id(at)}`;
    },
    read(index) {
      const { source, at } = locate(index);
      return source.read(at);
    },
    ...(relabelled.every(({ source }) => source.label) && {
      label(index: number) {
        const { source, at } = locate(index);
        return source.label!(at);
      },
    }),
    parts: relabelled,
  };
}

/** A source with its labels given the numbers that they have among more classes. */
function relabel(source: Source, classes: readonly string[], numbers: Int32Array): Source {
  if (numbers.length === classes.length && numbers.every((number, i) => number === i))
    return source;
  const renumber = (label: HostArray): HostArray => {
    if (label.dtype === "int32") {
      return { ...label, data: Int32Array.of(numbers[Number(label.data[0])]) };
    }
    const data = new Float32Array(classes.length);
    numbers.forEach((number, i) => (data[number] = Number(label.data[i])));
    return { shape: [classes.length], dtype: "float32", data };
  };
  const { label } = source;
  return {
    ...source,
    classes,
    id: (index) => source.id(index),
    async read(index) {
      const example = await source.read(index);
      return { ...example, label: renumber(example.label) };
    },
    ...(label && { label: (index: number) => renumber(label(index)) }),
  };
}

/** The data set that mixes several; its splits are those that all of them have. */
export function openMixture(parts: readonly WeightedDataset[]): Dataset {
  const [first, ...others] = parts.map(({ data }) => data);
  const splits = first.splits.filter((split) =>
    others.every((data) => findSplit(data.splits, split) !== undefined),
  );
  if (splits.length === 0) {
    const shown = parts.map(({ data }) => `${data.name} has ${data.splits.join(", ")}`);
    throw new OcelliError("data", `the parts of the mixture share no split: ${shown.join("; ")}.`);
  }
  return {
    name: "mixture",
    splits,
    notes: parts.flatMap(({ data }) => data.notes ?? []),
    async open(split) {
      const opened = parts.map(async ({ data, weight }) => ({
        weight,
        source: await data.open(findSplit(data.splits, split)!),
      }));
      const sources = await Promise.all(opened);
      const empty = sources.findIndex(({ source }) => source.length === 0);
      if (empty >= 0) {
        throw new OcelliError("data", `part ${empty} of the mixture has no examples in ${split}.`);
      }
      return mixtureSource(sources);
    },
  };
}
