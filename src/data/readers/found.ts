/** @file From examples as readers find them to data sets: labels, splits, sources. */

import { OcelliError } from "../../errors.ts";
import { standsByClass } from "../classification/class-order.ts";
import {
  type Label,
  type LabelColumn,
  type Labels,
  isNoLabel,
  labelArrays,
  labelKind,
  readColumn,
} from "../classification/labels.ts";
import { type SplitBy, splitDataset } from "../splits/hashed.ts";
import { type Blocks, type Dataset, type Source, bytesArray, imageSource } from "../source.ts";

/** Examples of one split, found by a reader; labels are still names or numbers. */
export interface Found {
  /** A name of each example that no other one of the data set has. */
  readonly ids: readonly string[];
  /** The label of each example; undefined where it has none. */
  readonly labels: readonly (Labels | undefined)[];
  /** Whether labels are names whatever they look like; they are read by column unless so. */
  readonly areNames?: boolean;
  /** What is wrong with the first example without a label, for errors. */
  readonly missing?: string;
  /** The bytes of an example's image file. */
  image(index: number): Promise<Uint8Array>;
  readonly blocks?: Blocks;
}

/**
 * Whether examples must have labels, have them where every example of a split has one, or are images alone.
 * Default: "required".
 */
export type LabelUse = "required" | "optional" | "none";

/** What {@link foundDataset} takes. */
interface FoundDataset {
  readonly name: string;
  /** What was found, by split; one split alone is divided by hashing ids. */
  readonly splits: ReadonlyMap<string, Found>;
  /** What the data says that its labels are called. Default: the labels themselves. */
  readonly names?: readonly string[];
  readonly notes?: readonly string[];
  /** Where the data is, for errors. */
  readonly place: string;
}

/** What a configuration says of labels and splits: `classKeys`, `splitKeys` and `labelKeys`. */
export interface FoundKeys {
  readonly classes?: readonly string[];
  readonly splits?: Readonly<Record<string, number>>;
  readonly splitBy?: SplitBy;
  readonly labels?: LabelUse;
}

/**
 * The data set of what was found. Holds each example's id and label; images are read when asked for. Where labels are
 * required, a split without any is left out if another one has labels, and a note says so.
 */
export function foundDataset(
  { name, splits: given, names, notes = [], place }: FoundDataset,
  { classes = names, splits: shares, splitBy, labels: use = "required" }: FoundKeys,
): Dataset {
  if ([...given.values()].every(({ ids }) => ids.length === 0)) {
    throw new OcelliError("data", `${place} has no images.`);
  }
  const { splits, labelled, left } = labelledOf(given, use);
  const areNames = labelled.every((found) => found.areNames);
  const column = readColumn(name, examplesOf(labelled), { classes, areNames });
  if (use === "required" && column.names.length < 2) {
    throw new OcelliError("data", `${place} has only one class: ${column.names.join()}.`, {
      hint: "A classifier needs at least two.",
    });
  }
  const hasLabels = (found: Found): found is Labelled => labelled.some((one) => one === found);
  const sources = new Map(
    [...splits].map(([split, found]) => [
      split,
      hasLabels(found) ? sourceOf(name, found, column) : imageSource(found),
    ]),
  );
  const unlabelled = [...splits].filter(([, found]) => found.ids.length > 0 && !hasLabels(found));
  const told = [
    ...notes,
    ...left,
    ...unlabelled.map(([split, { ids }]) => {
      const of = split === "" ? "" : `${split}: `;
      return `${of}${ids.length} ${ids.length === 1 ? "image" : "images"} without labels`;
    }),
  ];
  const [found] = labelled;
  return splitDataset(sources, {
    ...{ name, place, shares, splitBy, notes: told },
    classOf: sources.size === 1 && found ? singleClass(found.labels, column) : undefined,
  });
}

/** A split whose examples all have labels. */
type Labelled = Found & { readonly labels: readonly Labels[] };

/** The splits to open, those of them whose examples have labels, and a line on each that is left out. */
function labelledOf(given: ReadonlyMap<string, Found>, use: LabelUse) {
  if (use === "required") {
    const { splits, left } = leaveOutUnlabelled(given);
    return { splits, labelled: [...splits.values()], left };
  }
  const isLabelled = ({ labels }: Found): boolean => labels.length > 0 && !labels.some(isNoLabel);
  const labelled = use === "none" ? [] : [...given.values()].filter(isLabelled);
  return { splits: given, labelled: labelled as Labelled[], left: [] };
}

/** The splits that have labels, and a line on each that has none. */
function leaveOutUnlabelled(given: ReadonlyMap<string, Found>): {
  readonly splits: Map<string, Labelled>;
  readonly left: readonly string[];
} {
  const isUnlabelled = ({ labels }: Found): boolean => labels.length > 0 && labels.every(isNoLabel);
  const without = [...given].filter(([, found]) => isUnlabelled(found));
  const labelled = [...given].filter(([, found]) => !isUnlabelled(found));
  const isAll = labelled.every(([, { ids }]) => ids.length === 0);
  const splits = isAll ? [...given] : labelled;
  for (const [, { ids, labels, missing }] of splits) {
    const index = labels.indexOf(undefined);
    if (index >= 0) throw new OcelliError("data", missing ?? `${ids[index]} has no label.`);
  }
  return {
    splits: new Map(splits as [string, Labelled][]),
    left: isAll ? [] : without.map(([split, { ids }]) => unlabelledNote(split, ids.length)),
  };
}

/** The line on a split that is left out. */
export const unlabelledNote = (split: string, images: number): string =>
  `${split} is left out: its ${images} ${images === 1 ? "image has" : "images have"} no labels`;

/** The class of each example; undefined where one has several. */
function singleClass(
  labels: readonly Labels[],
  { indexOf }: LabelColumn,
): ((index: number) => number) | undefined {
  const single = labels.filter((label) => typeof label !== "object");
  return single.length === labels.length ? (index) => indexOf(single[index]) ?? -1 : undefined;
}

function* examplesOf(all: readonly Labelled[]) {
  for (const { ids, labels } of all) {
    for (let i = 0; i < ids.length; i++) yield { id: ids[i], labels: labels[i] };
  }
}

function sourceOf(name: string, found: Labelled, column: LabelColumn): Source {
  const { ids, labels, blocks } = found;
  const id = (index: number) => ids[index];
  const label = labelArrays(name, labels, column, id);
  const kind = labelKind(labels);
  return {
    length: ids.length,
    fields: { image: "image", label: kind },
    names: { label: column.names },
    byClass: kind === "class" && standsByClass(labels as readonly Label[]),
    id,
    held: { label },
    async read(index) {
      return { image: bytesArray(await found.image(index)), label: label(index) };
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
