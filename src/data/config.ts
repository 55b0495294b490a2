/** @file What a configuration may say about its data. */

import { z } from "zod";

const common = {
  /** The class names, in the order of the labels; from the data unless given. */
  classes: z.array(z.string()).readonly().optional(),
};

const divided = {
  ...common,
  /** Where the data has no splits: shares of those to make by hashing ids; train 80, validation 10, test 10. */
  splits: z.record(z.string(), z.number().positive()).optional(),
  /**
   * How such splits are made: `class` gives every split its share of each class, by the rank of the ids' hashes; with
   * `id` the hash of each id alone decides, so that an added image never moves another. Default: class.
   */
  splitBy: z.enum(["class", "id"]).optional(),
};

const folder = {
  /** Where the files lie. */
  dir: z.string(),
  ...common,
};

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]);

/** Paths, addresses, `train-{000..009}.tar`, `*.tar` or a folder; by split where they are an object. */
const files = z.union([z.string(), z.array(z.string()).min(1), z.record(z.string(), oneOrMore)]);

const fields = {
  files,
  /** Where an example's image is. */
  image: z.string().optional(),
  /** Where an example's label is. */
  label: z.string().optional(),
  ...divided,
};

const plainSchema = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("mnist") }),
  z.strictObject({ name: z.literal("idx"), ...folder }),
  z.strictObject({ name: z.literal("npz"), ...folder }),
  z.strictObject({ name: z.literal("folder"), dir: z.string(), ...divided }),
  z.strictObject({ name: z.literal("maps"), dir: z.string(), ...divided }),
  z.strictObject({
    name: z.literal("composites"),
    /** Side of the square images, in pixels. Default: 64. */
    size: z.int().min(8).max(2048).optional(),
    /** Images of the split `train`; `validation` and `test` have an eighth as many. Default: 4000. */
    count: z.int().min(1).optional(),
    /** Objects of an image, at most. Default: 3. */
    objects: z.int().min(1).max(32).optional(),
    /** Decides all that is drawn. Default: 0. */
    seed: z.int().min(0).optional(),
    /** `shapes`, `emoji`, or a folder of pictures with transparent parts. Default: shapes. */
    cutouts: z.string().optional(),
    /** A folder of photographs, or a data set's file, to lay the cut-outs on. Default: drawn patterns. */
    backgrounds: z.string().optional(),
    /** The classes of cut-outs to use. Default: all. */
    classes: z.array(z.string()).min(1).readonly().optional(),
  }),
  z.strictObject({
    name: z.literal("tar"),
    files,
    /** The member beside an image that holds its label, or the folder that it lies in. */
    label: z.enum(["cls", "json", "txt", "folder"]).optional(),
    /** The field of a `.json` member that holds the label. */
    labelKey: z.string().optional(),
    ...divided,
  }),
  z.strictObject({
    name: z.literal("tfrecord"),
    ...fields,
    /** A feature whose text is the example's id. */
    id: z.string().optional(),
  }),
  z.strictObject({ name: z.literal("parquet"), ...fields }),
  z.strictObject({ name: z.literal("jsonl"), ...fields }),
  z.strictObject({ name: z.literal("csv"), ...fields }),
]);

/** The schema of a configuration's `data`. */
export const dataSchema = z.discriminatedUnion("name", [
  ...plainSchema.options,
  z.strictObject({
    name: z.literal("mixture"),
    parts: z
      .array(z.strictObject({ data: plainSchema, weight: z.number().positive() }))
      .min(1)
      .readonly(),
  }),
]);

/** A configuration's `data`: which data set to open, and how. */
export type DataConfig = z.output<typeof dataSchema>;

/**
 * A configuration that says how its splits are made, where it does not: a new run's by `class`. What a run recorded
 * without a word of it is from before there was a choice: by `id`.
 */
export function withSplitBy<T extends DataConfig>(data: T, splitBy: "class" | "id"): T {
  if (data.name === "mixture") {
    const parts = data.parts.map((part) => ({ ...part, data: withSplitBy(part.data, splitBy) }));
    return { ...data, parts };
  }
  const isDivided = DIVIDED.some((name) => name === data.name);
  return isDivided ? { splitBy, ...data } : data;
}

/** The data sets that may have no splits of their own. */
const DIVIDED = ["folder", "maps", "tar", "tfrecord", "parquet", "jsonl", "csv"] as const;
