/** @file What an example holds: arrays and texts by field, and what kind of thing each field is. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";

/** One example by field, such as `image` and `label`. */
export type Example = Readonly<Record<string, HostArray>>;

/** The arrays of one batch by field, with a leading batch axis. */
export type Features = Readonly<Record<string, HostArray>>;

/** The kinds of fields, with the arrays that hold one of them. */
export const FIELD_KINDS = [
  /** Pixels, uint8 or float32 [height, width, channels]; or the bytes of an image file, uint8 [bytes]. */
  "image",
  /** A number for each pixel, such as its class: int32 or uint8 [height, width]; or an image file's bytes. */
  "map",
  /** UTF-8 bytes, uint8 [bytes], on the host until an operation tokenises them; see {@link encodeTexts}. */
  "text",
  /** One class, int32 []. */
  "class",
  /** Which classes apply, float32 [classes]. */
  "classes",
  /** Boxes, float32 [boxes, 4]: top, left, bottom, right in pixels. */
  "boxes",
  /** Points, float32 [points, 2]: y, x in pixels. */
  "points",
  /** Frames, uint8 [frames, height, width, channels]. */
  "video",
  /** Any other array. */
  "array",
] as const;

/** The value of a map's pixels that have no class: they count neither in losses nor in metrics. */
export const NO_CLASS = 255;

/** What kind of thing a field is. */
export type FieldKind = (typeof FIELD_KINDS)[number];

/** Whether a field says which of its names apply. */
export const isLabel = (kind: FieldKind): boolean => kind === "class" || kind === "classes";

/** The fields of a source's examples by name. */
export type Fields = Readonly<Record<string, FieldKind>>;

/** Between several texts of one field. */
const SEPARATOR = "\0";

/** Texts as one array, uint8 [bytes]: UTF-8, with a zero byte between them. */
export function encodeTexts(texts: readonly string[]): HostArray {
  const clean = texts.map((text) => text.replaceAll(SEPARATOR, " "));
  return hostArrayOf(new TextEncoder().encode(clean.join(SEPARATOR)));
}

/** The texts of {@link encodeTexts}. */
export const decodeTexts = ({ data }: HostArray): string[] =>
  new TextDecoder().decode(data as Uint8Array).split(SEPARATOR);

const hostArrayOf = (data: Uint8Array<ArrayBuffer>): HostArray => ({
  shape: [data.length],
  dtype: "uint8",
  data,
});

/**
 * The array of a field.
 *
 * @param what what asks for it, for the error
 * @throws a data error that lists the example's fields where there is no such field
 */
export function arrayAt<T>(example: Readonly<Record<string, T>>, field: string, what: string): T {
  if (Object.hasOwn(example, field)) return example[field];
  const valid = Object.keys(example);
  throw new OcelliError("data", `${what}: the example has no "${field}".`, {
    given: field,
    valid,
    hint: `It has ${valid.join(", ") || "nothing"}.`,
  });
}
