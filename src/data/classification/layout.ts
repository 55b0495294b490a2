/** @file Which folders of images are splits, which are classes, and which are neither. */

import { OcelliError } from "../../errors.ts";
import { findSplit, isFiller, splitOfFile, usualSplit } from "../splits/split-names.ts";
import { type Tree, imagesOf, unreadOf } from "../readers/tree-of-images.ts";
import { unlabelledNote } from "../readers/found.ts";
import { describeUnread } from "../readers/image-names.ts";

/** The images of a split: each with the folder that is its class, or told by a table. */
export interface Part {
  readonly paths: readonly string[];
  readonly labels: readonly string[];
  /** A table called `metadata` that says the images and labels instead. */
  readonly table?: string;
}

/** How images are arranged. */
export interface Layout {
  /** The images by split; under "" where there are no splits. */
  readonly parts: ReadonlyMap<string, Part>;
  /** Images outside of every class. */
  readonly loose: readonly string[];
  /** What was left out, and what was decided that could be meant otherwise; a line each. */
  readonly notes: readonly string[];
}

/** What {@link layoutOf} takes beside the images. */
export interface LayoutOptions {
  /** Where the images are, for errors. */
  readonly place: string;
  /** The class names, where they are given: a folder called like one of them is a class, whatever its name. */
  readonly classes?: readonly string[];
}

type Named = readonly [name: string, tree: Tree];

/** What a folder called like a split holds. */
type Kind = "classes" | "table" | "flat" | "empty";

/**
 * Arranges images: `CLASS/…`, `SPLIT/CLASS/…` or `CLASS/SPLIT/…`, also inside further single folders, as archives have
 * them. A folder called like a split never becomes a class, unless the given classes name it. Splits without class
 * folders or a table are left out, and so is what lies beside splits and has none of their classes.
 *
 * @throws a data error where it cannot be told which folders are the classes
 */
export function layoutOf(root: Tree, options: LayoutOptions): Layout {
  const { tree: top, notes: entered } = enterWrappers(root, options);
  const arranged = arrange(top, options);
  return { ...arranged, notes: [...entered, ...arranged.notes] };
}

function arrange(top: Tree, options: LayoutOptions): Layout {
  const folders = [...top.folders];
  const splits = splitFolders(folders, options);
  const others = folders.filter((folder) => !splits.includes(folder));
  const within = splits.length === 0 ? splitsWithinClasses(folders) : undefined;
  if (within) return { parts: within, loose: top.images, notes: [] };
  const isArranged = splits.some(([, tree]) => saysLabels(tree));
  if (isArranged) return ofSplits(splits, others, top.images, options);
  const filled = splits.filter(([, tree]) => kindOf(tree) === "flat");
  if (filled.length > 0 && others.length === 0) throw noClasses(filled, options);
  const left = filled.map(([name, tree]) => leftBesideClasses(name, tree));
  const { part, notes } = classesOf(others, options);
  return {
    parts: new Map([["", part]]),
    loose: top.images,
    notes: [...left, ...sameInside(others), ...notes],
  };
}

/** Goes into folders that stand alone: they are neither splits nor classes. */
export function enterWrappers(
  root: Tree,
  { classes }: LayoutOptions,
): { readonly tree: Tree; readonly notes: readonly string[] } {
  let tree = root;
  const entered: string[] = [];
  for (;;) {
    const [only, ...more] = filledFolders(tree);
    if (!only || more.length > 0 || tree.images.length > 0) break;
    const [name, inside] = only;
    const isNamed = usualSplit(name) !== undefined || classes?.includes(name);
    if (isNamed || filledFolders(inside).length === 0) break;
    tree = inside;
    entered.push(name);
  }
  const path = entered.join("/");
  const notes = path ? [`${path} is the only folder: the folders in it are taken`] : [];
  return { tree, notes };
}

export const filledFolders = ({ folders }: Tree): Named[] =>
  [...folders].filter(([, tree]) => hasImages(tree));

const hasImages = ({ images, unread, folders }: Tree): boolean =>
  images.length > 0 || unread.length > 0 || [...folders.values()].some(hasImages);

/** The folders that are called like splits: outright, or else at least two of them in part, such as `seg_train`. */
export function splitFolders(
  folders: readonly Named[],
  { classes }: LayoutOptions,
): readonly Named[] {
  const free = folders.filter(([name]) => !classes?.includes(name));
  const outright = free.filter(([name]) => usualSplit(name) !== undefined);
  if (outright.length > 0) return outright;
  const inPart = free.filter(
    ([name, tree]) => splitOfFile(name) !== undefined && kindOf(tree) === "classes",
  );
  const meant = new Set(inPart.map(([name]) => splitOfFile(name)));
  return meant.size > 1 && meant.has("train") ? inPart : [];
}

/** A split's folder, or the single one inside that stands for it: `train/train`, `test/images`. */
function enterSplit(tree: Tree): Tree {
  const [only, ...more] = filledFolders(tree);
  const isSame = only && (splitOfFile(only[0]) !== undefined || isFiller(only[0]));
  const isAlone = more.length === 0 && tree.images.length === 0 && tree.tables.length === 0;
  return isSame && isAlone ? enterSplit(only[1]) : tree;
}

/** Whether a split has labels: folders of classes, or a table. */
export const saysLabels = (split: Tree): boolean => ["classes", "table"].includes(kindOf(split));

function kindOf(folder: Tree): Kind {
  const tree = enterSplit(folder);
  const folders = filledFolders(tree);
  if (tree.tables.length > 0 && folders.length < 2) return "table";
  if (folders.length > 0) return "classes";
  return hasImages(tree) ? "flat" : "empty";
}

/** Whether images lie in no folders, or in such as stand for the top: `test/images`. */
export const isFlat = (tree: Tree): boolean => kindOf(tree) === "flat";

function ofSplits(
  splits: readonly Named[],
  others: readonly Named[],
  outside: readonly string[],
  options: LayoutOptions,
): Layout {
  const classes = new Set(
    splits.flatMap(([, tree]) => filledFolders(enterSplit(tree)).map(([name]) => name)),
  );
  const further = others.filter(([, tree]) =>
    filledFolders(enterSplit(tree)).some(([name]) => classes.has(name)),
  );
  const beside = others.filter((folder) => !further.includes(folder) && hasImages(folder[1]));
  if (beside.length > 0 && splits.length === 1 && further.length === 0) {
    throw unclear(splits[0][0], beside, options);
  }
  const notes = [...sameMeaning(splits), ...beside.map(leftBesideSplits)];
  const parts = new Map<string, Part>();
  const loose = [...outside];
  for (const [split, folder] of [...splits, ...further].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const tree = enterSplit(folder);
    const kind = kindOf(folder);
    if (kind === "table") {
      parts.set(split, { paths: [], labels: [], table: tree.tables[0] });
      continue;
    }
    const unknown = isUnknown(tree, split, splits);
    if (kind === "flat" || unknown !== undefined) {
      const why =
        unknown === undefined ? "" : `: its only folder, ${unknown}, is in no other split`;
      notes.push(`${unlabelledNote(split, imagesOf(tree).length)}${why}`);
    } else if (kind === "classes") {
      const { part, notes: more } = classesOf([...tree.folders], options);
      parts.set(split, part);
      loose.push(...tree.images);
      notes.push(...more);
    }
  }
  return { parts, loose, notes };
}

/** A split's only folder, where no other split has it among several classes: no class, but a folder of pictures. */
function isUnknown(tree: Tree, split: string, splits: readonly Named[]): string | undefined {
  const [only, ...more] = filledFolders(tree);
  if (!only || more.length > 0) return undefined;
  const others = splits
    .filter(([name]) => name !== split)
    .map(([, other]) => filledFolders(enterSplit(other)).map(([name]) => name));
  const isKnown = others.some((names) => names.includes(only[0]));
  return !isKnown && others.some((names) => names.length > 1) ? only[0] : undefined;
}

/** `CLASS/SPLIT/…`, where every folder holds folders alone that are called like splits, and there are at least two. */
function splitsWithinClasses(classes: readonly Named[]): Map<string, Part> | undefined {
  const filled = classes.filter(([, tree]) => hasImages(tree));
  const isDivided = filled.every(
    ([, tree]) =>
      tree.images.length === 0 &&
      filledFolders(tree).every(([name]) => usualSplit(name) !== undefined),
  );
  const names = filled.flatMap(([, tree]) => filledFolders(tree).map(([name]) => name));
  if (!isDivided || new Set(names.map(usualSplit)).size < 2) return undefined;
  const parts = new Map<string, { paths: string[]; labels: string[] }>();
  for (const [label, tree] of filled) {
    for (const [name, inside] of filledFolders(tree)) {
      const split = findSplit([...parts.keys()], name) ?? name;
      if (!parts.has(split)) parts.set(split, { paths: [], labels: [] });
      const part = parts.get(split)!;
      for (const path of imagesOf(inside)) {
        part.paths.push(path);
        part.labels.push(label.normalize());
      }
    }
  }
  return parts;
}

/** Folders as classes; one without any file is left out, one whose images cannot be read is an error. */
function classesOf(
  folders: readonly Named[],
  { place, classes }: LayoutOptions,
): { readonly part: Part; readonly notes: readonly string[] } {
  const paths: string[] = [];
  const labels: string[] = [];
  const notes: string[] = [];
  for (const [name, tree] of folders) {
    const images = imagesOf(tree);
    const label = name.normalize();
    for (const path of images) {
      paths.push(path);
      labels.push(label);
    }
    if (images.length > 0) continue;
    const unread = unreadOf(tree);
    if (unread.length > 0) {
      throw new OcelliError("data", `${place}: the class "${name}" has no images that are read.`, {
        hint: `${describeUnread(unread)}.`,
      });
    }
    if (!classes) notes.push(`the folder ${name} has no images and is no class`);
  }
  return { part: { paths, labels }, notes };
}

const namesOf = (folders: readonly Named[]): string => folders.map(([name]) => name).join(", ");

const leftBesideClasses = (name: string, tree: Tree): string =>
  `${unlabelledNote(name, imagesOf(tree).length)}; name it among data.classes if it is a class`;

function leftBesideSplits([name, tree]: Named): string {
  const { length } = imagesOf(tree);
  const are = length === 1 ? "image is" : "images are";
  return `${name} is left out: it is no split, and its ${length} ${are} in none`;
}

/** A line where two splits go by names of one meaning. */
function sameMeaning(splits: readonly Named[]): string[] {
  const names = splits.map(([name]) => name);
  return [...Map.groupBy(names, usualSplit)]
    .filter(([usual, some]) => usual !== undefined && some.length > 1)
    .map(([usual, some]) => {
      const meant = findSplit(names, usual!)!;
      return `${some.join(" and ")} are splits of their own; "${usual}" means ${meant}`;
    });
}

/** A line where all classes hold folders of the same names, which may be the classes instead. */
function sameInside(classes: readonly Named[]): string[] {
  const inside = classes
    .filter(([, tree]) => hasImages(tree))
    .map(([, tree]) => filledFolders(tree).map(([name]) => name));
  const [first = [], ...others] = inside;
  const isSame = others.length > 0 && others.every((names) => String(names) === String(first));
  if (!isSame || first.length < 2) return [];
  return [
    `the classes are ${namesOf(classes)}, although all of them hold folders called ${first.join(", ")}`,
  ];
}

function noClasses(splits: readonly Named[], { place }: LayoutOptions): OcelliError {
  const images = splits.reduce((sum, [, tree]) => sum + imagesOf(tree).length, 0);
  const unread = splits.flatMap(([, tree]) => unreadOf(tree));
  const many = images > 0 || unread.length === 0 ? `${images} images` : describeUnread(unread);
  return new OcelliError(
    "data",
    `${place} has ${many} in ${namesOf(splits)}, which are splits by their names, but no class folders.`,
    {
      hint: `Put the images of each class into a folder of its own (${splits[0][0]}/CLASS/…), or their labels into ${splits[0][0]}/metadata.csv.`,
    },
  );
}

const unclear = (split: string, beside: readonly Named[], { place }: LayoutOptions): OcelliError =>
  new OcelliError(
    "data",
    `${place} has a folder ${split}, which is a split by its name, beside ${namesOf(beside)}, which ${beside.length === 1 ? "is" : "are"} not.`,
    {
      hint: `Name ${join(place, split)} as the data, or, where ${split} is a class, all classes as data.classes.`,
    },
  );

const join = (place: string, folder: string): string => `${place.replace(/[\\/]$/, "")}/${folder}`;
