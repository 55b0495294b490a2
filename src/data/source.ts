/** @file What data is: sources of examples with stable ids, and data sets of named splits. */

import type { Features } from "../preprocess/operation.ts";

/** Examples by index. */
export interface Source {
  /** How many examples there are. */
  readonly length: number;
  /** The class names, in the order of the labels. */
  readonly classes: readonly string[];
  /** A name that an example keeps whatever the order, the slice or the machine. */
  id(index: number): string;
  /** One example: `image`, uint8 of [height, width, channels], and `label`, int32 of []. */
  read(index: number): Features | Promise<Features>;
}

/** Named splits, opened when they are asked for. */
export interface Dataset {
  readonly name: string;
  readonly splits: readonly string[];
  /** The source of a whole split. */
  open(split: string): Promise<Source>;
}

/** Some of a source's examples, from `begin` up to `end`; their ids stay. */
export function sliceSource(source: Source, begin: number, end: number): Source {
  return {
    length: end - begin,
    classes: source.classes,
    id: (index) => source.id(begin + index),
    read: (index) => source.read(begin + index),
  };
}
