/** @file Mixtures: several data sets, drawn from by weight. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { findSplit } from "./splits/split-names.ts";
import type { Fields } from "../preprocess/example.ts";
import { asSeveral, commonKind } from "./classification/several.ts";
import { renumberField } from "./renumber.ts";
import type { Dataset, MixturePart, Source } from "./source.ts";

/** A data set of a mixture. */
interface WeightedDataset {
  readonly data: Dataset;
  readonly weight: number;
}

/**
 * The source of several, one after the other; training draws from them by weight. Ids take the part's number in front,
 * and the same name has the same number in all of them.
 */
export function mixtureSource(parts: readonly MixturePart[]): Source {
  const fields = commonFields(parts.map(({ source }) => source));
  const names: Record<string, readonly string[]> = {};
  for (const { source } of parts) {
    for (const [field, some] of Object.entries(source.names)) {
      if (Object.hasOwn(fields, field))
        names[field] = [...new Set([...(names[field] ?? []), ...some])];
    }
  }
  const relabelled = parts.map(({ source, weight }) => ({
    weight,
    source: Object.entries(names).reduce((renamed, [field, all]) => {
      const numbered = renumberField(renamed, field, all, neverUnknown);
      return numbered.fields[field] === fields[field] ? numbered : asSeveral(numbered, field);
    }, source),
  }));
  const ends: number[] = [];
  for (const { source } of parts) ends.push((ends.at(-1) ?? 0) + source.length);
  const locate = (index: number) => {
    const part = ends.findIndex((end) => index < end);
    return { part, source: relabelled[part].source, at: index - (ends[part - 1] ?? 0) };
  };
  return {
    length: ends.at(-1) ?? 0,
    fields,
    names,
    id(index) {
      const { part, source, at } = locate(index);
      return `${part}/${source.id(at)}`;
    },
    async read(index) {
      const { source, at } = locate(index);
      const example = await source.read(at);
      return Object.fromEntries(Object.keys(fields).map((field) => [field, example[field]]));
    },
    held: heldFields(
      relabelled.map(({ source }) => source),
      locate,
    ),
    parts: relabelled,
  };
}

/** All names of the parts are among those of the mixture. */
const neverUnknown = (name: string): Error => new Error(`${name} is of no part`);

/** The fields that all parts hold in memory. */
function heldFields(
  sources: readonly Source[],
  locate: (index: number) => { readonly source: Source; readonly at: number },
): Source["held"] {
  const fields = Object.keys(sources[0].held ?? {}).filter((field) =>
    sources.every(({ held }) => held?.[field]),
  );
  const readers = fields.map((field) => {
    const read = (index: number): HostArray => {
      const { source, at } = locate(index);
      return source.held![field](at);
    };
    return [field, read] as const;
  });
  return Object.fromEntries(readers);
}

/** The fields that all sources have, of one kind in all of them; labels are lists where any source has lists. */
function commonFields(sources: readonly Source[]): Fields {
  const common = Object.keys(sources[0].fields).map((field) => {
    return [field, commonKind(sources.map(({ fields }) => fields[field]))] as const;
  });
  return Object.fromEntries(common.filter(([, kind]) => kind !== undefined)) as Fields;
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
