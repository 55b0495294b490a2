/** @file What data is: sources of examples with stable ids, and data sets of named splits. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { type Example, type Fields, encodeTexts } from "../preprocess/example.ts";

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
  /** What every example has, and of what kind each field is. */
  readonly fields: Fields;
  /** What the numbers of a field stand for, in the order of the numbers. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** A name that an example keeps whatever the order, the slice or the machine. */
  id(index: number): string;
  /**
   * One example: a value for each of {@link Source.fields}.
   *
   * @throws a data error that names the example's file
   */
  read(index: number): Example | Promise<Example>;
  /** Fields that are held in memory, such as `label`, each read without the rest of an example. */
  readonly held?: Readonly<Record<string, (index: number) => HostArray>>;
  /** Whether the examples stand class by class, or nearly so. Default: unknown. */
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

/** Image files without labels: their bytes by index. */
export const imageSource = ({
  ids,
  image,
  blocks,
}: {
  readonly ids: readonly string[];
  readonly image: (index: number) => Promise<Uint8Array>;
  readonly blocks?: Blocks;
}): Source => ({
  length: ids.length,
  fields: { image: "image" },
  names: {},
  id: (index) => ids[index],
  read: async (index) => ({ image: bytesArray(await image(index)) }),
  blocks,
});

/** Texts, each of which is its own id. */
export const textSource = (texts: readonly string[]): Source => ({
  length: texts.length,
  fields: { text: "text" },
  names: {},
  id: (index) => texts[index],
  read: (index) => ({ text: encodeTexts([texts[index]]) }),
});

/** A source of the same images alone. */
export const imagesOf = (source: Source): Source => ({
  length: source.length,
  fields: { image: source.fields.image },
  names: {},
  id: (index) => source.id(index),
  read: async (index) => ({ image: (await source.read(index)).image }),
  blocks: source.blocks,
});

/** A source of the same examples' texts alone; one without texts stays as it is. */
export function textsOf(source: Source): Source {
  const { length, fields, held, blocks } = source;
  if (!Object.hasOwn(fields, "text")) return source;
  return {
    length,
    fields: { text: fields.text },
    names: {},
    id: (index) => source.id(index),
    read: async (index) => ({ text: held?.text?.(index) ?? (await source.read(index)).text }),
    ...(held?.text && { held: { text: held.text } }),
    blocks,
  };
}

/** The bytes of a file as an array. */
export const bytesArray = (data: Uint8Array): HostArray => ({
  shape: [data.length],
  dtype: "uint8",
  data,
});

/** Some of a source's examples, from `begin` up to `end`; their ids stay. */
export const sliceSource = (source: Source, begin: number, end: number): Source =>
  rearranged(source, end - begin, (index) => begin + index);

/** The examples of a source at rising `indices`; their ids stay. */
export const selectSource = (source: Source, indices: Uint32Array): Source =>
  rearranged(source, indices.length, (index) => indices[index]);

/** A source whose example at an index is the one of another source at `at(index)`. */
function rearranged(source: Source, length: number, at: (index: number) => number): Source {
  const { fields, names, byClass, blocks, held } = source;
  return {
    length,
    fields,
    names,
    byClass,
    id: (index) => source.id(at(index)),
    read: (index) => source.read(at(index)),
    ...(held && { held: rearrangedFields(held, at) }),
    ...(blocks && { blocks: { ...blocks, of: (index) => blocks.of(at(index)) } }),
  };
}

const rearrangedFields = (
  held: NonNullable<Source["held"]>,
  at: (index: number) => number,
): NonNullable<Source["held"]> =>
  Object.fromEntries(
    Object.entries(held).map(([field, read]) => [field, (index: number) => read(at(index))]),
  );

/**
 * The names that a field's numbers stand for, in the order of the numbers.
 *
 * @param what what needs them, for the error
 * @throws a data error where the examples have no such field
 */
export function namesOf({ fields, names }: Source, field: string, what: string): readonly string[] {
  if (Object.hasOwn(names, field)) return names[field];
  throw new OcelliError(
    "data",
    `${what} needs the field "${field}", which the data does not have.`,
    {
      given: Object.keys(fields),
      hint: `It has ${Object.keys(fields).join(", ")}.`,
    },
  );
}
