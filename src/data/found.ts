/** @file From examples as readers find them to data sets: classes, splits, sources. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { standsByClass } from "./class-order.ts";
import { type Label, type Labels, inferClasses, labelArrays } from "./labels.ts";
import { splitByHash } from "./hashed.ts";
import type { Blocks, Dataset, Source } from "./source.ts";

/** Examples of one split, found by a reader; labels are still names or numbers. */
export interface Found {
  /** A name of each example that no other one of the data set has. */
  readonly ids: readonly string[];
  readonly labels: readonly Labels[];
  /** The bytes of an example's image file. */
  image(index: number): Promise<Uint8Array>;
  readonly blocks?: Blocks;
}

/** What {@link foundDataset} takes. */
interface FoundDataset {
  readonly name: string;
  /** What was found, by split; one split alone is divided by hashing ids. */
  readonly splits: ReadonlyMap<string, Found>;
  /** The class names; from the labels unless given. */
  readonly classes?: readonly string[];
  /** How a single split is divided: shares by name. */
  readonly shares?: Readonly<Record<string, number>>;
  readonly notes?: readonly string[];
  /** Where the data is, for errors. */
  readonly place: string;
}

/** The data set of what was found. Holds each example's id and label; images are read when asked for. */
export function foundDataset({
  name,
  splits,
  classes: given,
  shares,
  notes,
  place,
}: FoundDataset): Dataset {
  const all = [...splits.values()];
  if (all.every(({ ids }) => ids.length === 0)) {
    throw new OcelliError("data", `${place} has no images.`);
  }
  const classes = given ?? inferClasses(name, examplesOf(all));
  if (classes.length < 2) {
    throw new OcelliError("data", `${place} has only one class: ${classes.join()}.`, {
      hint: "A classifier needs at least two.",
    });
  }
  const sources = new Map(
    [...splits].map(([split, found]) => [split, sourceOf(name, found, classes)]),
  );
  if (sources.size === 1) {
    const [source] = sources.values();
    return splitByHash({ name, source, shares, notes });
  }
  if (shares) {
    throw new OcelliError(
      "config",
      `data.splits is for data without splits, but ${place} has ${[...splits.keys()].join(", ")}.`,
      { hint: "Leave it out." },
    );
  }
  return {
    name,
    splits: [...splits.keys()],
    notes,
    open: (split) => Promise.resolve(sources.get(split)!),
  };
}

function* examplesOf(all: readonly Found[]) {
  for (const { ids, labels } of all) {
    for (let i = 0; i < ids.length; i++) yield { id: ids[i], labels: labels[i] };
  }
}

function sourceOf(name: string, found: Found, classes: readonly string[]): Source {
  const { ids, labels, blocks } = found;
  const id = (index: number) => ids[index];
  const label = labelArrays(name, labels, classes, id);
  const hasLists = labels.some((some) => typeof some === "object");
  return {
    length: ids.length,
    classes,
    byClass: !hasLists && standsByClass(labels as readonly Label[]),
    id,
    async read(index) {
      const data = await found.image(index);
      const image: HostArray = { shape: [data.length], dtype: "uint8", data };
      return { image, label: label(index) };
    },
    blocks,
  };
}

/** Ids that no two examples share: those given more than once take the name of their file in front. */
export function distinctIds(ids: readonly string[], fileOf: (index: number) => string): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const id of ids) (seen.has(id) ? twice : seen).add(id);
  return ids.map((id, i) => (twice.has(id) ? `${fileOf(i)}/${id}` : id));
}
