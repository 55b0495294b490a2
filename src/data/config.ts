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
