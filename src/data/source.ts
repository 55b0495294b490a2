/** @file What data is: sources of examples with stable ids, and data sets of named splits. */

import type { HostArray } from "../graph/dtype.ts";
import type { Features } from "../preprocess/operation.ts";

/** Runs of examples that are cheap to read together. */
export interface Blocks {
  /** The block in which an example lies; the examples of a block stand side by side. */
  of(index: number): number;
  /** How many blocks may be held at once. */
  readonly atOnce: number;
}

/** A part of a mixture. */
export interface MixturePart {
  readonly source: Source;
  /** How often it is drawn, in proportion to the other parts. */
  readonly weight: number;
}

/** Examples by index. */
export interface Source {
  /** How many examples there are. */
  readonly length: number;
  /** The class names, in the order of the labels. */
  readonly classes: readonly string[];
  /** A name that an example keeps whatever the order, the slice or the machine. */
  id(index: number): string;
  /**
   * One example. `image` is pixels, uint8 of [height, width, channels], or the bytes of an image file, uint8 of
   * [bytes]. `label` is a class, int32 of [], or which classes apply, float32 of [classes].
   *
   * @throws a data error that names the example's file
   */
  read(index: number): Features | Promise<Features>;
  /** The label of an example alone, where labels are held: no image is read. */
  readonly label?: (index: number) => HostArray;
  /** Whether the examples stand class by class, or nearly so; unknown or not unless given. */
  readonly byClass?: boolean;
  /** Where reading single examples in any order would be slow: which ones to read together. */
  readonly blocks?: Blocks;
  /** Where this is a mixture: its parts, whose examples stand one part after the other. */
  readonly parts?: readonly MixturePart[];
}

/** Named splits, opened when they are asked for. */
export interface Dataset {
  readonly name: string;
  readonly splits: readonly string[];
  /** What was noticed while opening it, such as files that are no images; a line each. */
  readonly notes?: readonly string[];
  /** How splits were made where the data has none: their shares by name. */
  readonly shares?: Readonly<Record<string, number>>;
  /** By what: the shares of each class, or the hash of each id alone. */
  readonly splitBy?: "class" | "id";
  /** The source of a whole split. */
  open(split: string): Promise<Source>;
}

/** Some of a source's examples, from `begin` up to `end`; their ids stay. */
export function sliceSource(source: Source, begin: number, end: number): Source {
  const { classes, byClass, blocks, label } = source;
  return {
    length: end - begin,
    classes,
    byClass,
    id: (index) => source.id(begin + index),
    read: (index) => source.read(begin + index),
    ...(label && { label: (index) => label(begin + index) }),
    ...(blocks && { blocks: { ...blocks, of: (index) => blocks.of(begin + index) } }),
  };
}

/** The examples of a source at rising `indices`; their ids stay. */
export function selectSource(source: Source, indices: Uint32Array): Source {
  const { classes, byClass, blocks, label } = source;
  return {
    length: indices.length,
    classes,
    byClass,
    id: (index) => source.id(indices[index]),
    read: (index) => source.read(indices[index]),
    ...(label && { label: (index) => label(indices[index]) }),
    ...(blocks && { blocks: { ...blocks, of: (index) => blocks.of(indices[index]) } }),
  };
}
