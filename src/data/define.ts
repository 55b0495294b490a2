/** @file How a data set is defined: its name, its options, and what opens it. */

import { z } from "zod";
import type { Dataset } from "./source.ts";

/** Keys of a data set whose examples have classes. */
export const classKeys = {
  /** The class names, in the order of the labels. Default: from the data. */
  classes: z.array(z.string()).readonly().optional(),
};

/** Keys of a data set that may have no splits. */
export const splitKeys = {
  /**
   * Where the data has no splits: shares of those to make by hashing ids. Default: train 80, validation 10, test 10.
   *
   * @example { train: 90, test: 10 }
   */
  splits: z.record(z.string(), z.number().positive()).optional(),
  /**
   * How such splits are made: "class" gives every split its share of each class, by the rank of the ids' hashes; with
   * "id" the hash of each id alone decides, so that an added image never moves another. Default: "class".
   */
  splitBy: z.enum(["class", "id"]).optional(),
};

/** Keys of a data set whose labels may be left out. */
export const labelKeys = {
  /**
   * "none": images alone, wherever they lie. "optional": with labels in splits whose examples all have one. "required": an
   * error where there are none. Default: "required" or "optional", as the task needs them.
   */
  labels: z.enum(["required", "optional", "none"]).optional(),
};

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]);

/** Paths, addresses, `train-{000..009}.tar`, `*.tar` or a folder; by split where they are an object. */
export const filesSchema = z.union([
  z.string(),
  z.array(z.string()).min(1),
  z.record(z.string(), oneOrMore),
]);

/** Opens the data at a path, as `--data` does. */
export type OpenData = (path: string) => Promise<Dataset>;

/** A data set's definition. */
export interface SourceDefinition<
  Name extends string = string,
  Schema extends z.ZodObject = z.ZodObject,
> {
  readonly kind: "source";
  /** Its `name` in a configuration's `data`. */
  readonly name: Name;
  /** Its options, beside `name`. */
  readonly schema: Schema;
  /** Opens it: images are read when they are asked for, other data by `openData`; a data error of one line where it cannot be read. */
  readonly open: (options: z.output<Schema>, openData: OpenData) => Dataset | Promise<Dataset>;
}

/**
 * Defines a data set.
 *
 * @example
 * export const squares = defineSource({
 *   name: "squares",
 *   schema: z.strictObject({ side: z.int().min(1).default(8) }),
 *   open: ({ side }) => ({
 *     name: "squares",
 *     splits: ["train", "test"],
 *     open: async () => ({
 *       length: 100,
 *       fields: { image: "image" },
 *       names: {},
 *       id: (index) => `square-${index}`,
 *       read: () => ({ image: hostArray([side, side, 3], "uint8", new Uint8Array(side * side * 3)) }),
 *     }),
 *   }),
 * });
 */
export const defineSource = <Name extends string, Schema extends z.ZodObject>(
  definition: Omit<SourceDefinition<Name, Schema>, "kind">,
): SourceDefinition<Name, Schema> => ({ kind: "source", ...definition });
