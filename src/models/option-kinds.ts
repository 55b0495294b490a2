/** @file Kinds of options that model families share. */

import { z } from "zod";

/** Sizes of layers, and the number of layers: no model has more, and a file may claim anything. */
export const whole = z.int().min(1).max(65_536);
/** How many layers or blocks there are. */
export const layers = z.int().min(1).max(1024);
/** Layers of each stage. */
export const stages = z.array(layers).min(1).max(16).readonly();
/** Times a size. */
export const multiplier = z.number().positive().max(64);
/** Extents of a patch, or rows and columns of a grid. */
export const extents = z.tuple([whole, whole]).readonly();
/** A probability below 1, or a share of the past that is kept. */
export const rate = z.number().min(0).lt(1);

/** The names of a table, for a regular expression. */
export const anyOf = (table: Readonly<Record<string, unknown>>): string =>
  Object.keys(table).join("|");

/** The named sizes of a table, each with a patch. */
export const patched = (table: Readonly<Record<string, unknown>>): string[] =>
  Object.keys(table).map((size) => `${size}/PATCH`);

/** A text of a form, and how to say the form. */
export const formed = (form: RegExp, message: string): z.ZodString =>
  z.string().regex(form, { message });

/** What models with batch normalisation may be told; each says its own default. */
export const frozenNorm = {
  /** Training normalises by the running statistics and leaves them, as fine-tuning on few images wants. Default: false. */
  frozenNorm: z.boolean().optional(),
};
