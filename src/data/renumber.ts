/** @file Numbers of a field as another list of names numbers them. */

import { type HostArray, hostArray, typedArray } from "../graph/dtype.ts";
import { NO_CLASS, arrayAt } from "../preprocess/example.ts";
import type { Source } from "./source.ts";

/**
 * A source in which a field has the numbers that `names` gives. A name that is not among them may stay as long as no
 * example has its number.
 *
 * @param field one of a number, int32 [], of which apply, float32 [names], or of a map of numbers
 * @param unknown the error for an example of a name that is not among `names`: at once where the field is held in
 *   memory, else when the example is read
 */
export function renumberField(
  source: Source,
  field: string,
  names: readonly string[],
  unknown: (name: string) => Error,
): Source {
  const before = source.names[field];
  const numbers = before.map((name) => names.indexOf(name));
  const isSame = before.length === names.length && numbers.every((number, i) => number === i);
  if (isSame) return source;
  const renamed = (label: HostArray): HostArray => {
    const missing = numbersIn(label).find((k) => numbers[k] < 0);
    if (missing !== undefined) throw unknown(before[missing]);
    return renumber(label, numbers, names.length);
  };
  const held = source.held?.[field];
  if (held && numbers.some((number) => number < 0)) {
    for (let index = 0; index < source.length; index++) renamed(held(index));
  }
  return {
    ...source,
    names: { ...source.names, [field]: names },
    id: (index) => source.id(index),
    async read(index) {
      const example = await source.read(index);
      return { ...example, [field]: renamed(arrayAt(example, field, source.id(index))) };
    },
    ...(held && { held: { ...source.held, [field]: (index: number) => renamed(held(index)) } }),
  };
}

/** The numbers that a value speaks of. */
function numbersIn({ shape, data }: HostArray): number[] {
  if (shape.length === 0) return [Number(data[0])];
  if (shape.length === 2)
    return [...new Set(Array.from(data, Number))].filter((k) => k !== NO_CLASS);
  return Array.from(data, Number).flatMap((value, k) => (value > 0 ? [k] : []));
}

/** A number, int32 [], which apply, float32 [names], or a map [height, width], under new numbers. */
function renumber(
  { shape, dtype, data }: HostArray,
  numbers: readonly number[],
  count: number,
): HostArray {
  if (shape.length === 0) return hostArray([], "int32", Int32Array.of(numbers[Number(data[0])]));
  if (shape.length === 2) {
    const renumbered = typedArray(dtype, data.length);
    data.forEach((value, i) => (renumbered[i] = numbers[Number(value)] ?? NO_CLASS));
    return hostArray(shape, dtype, renumbered);
  }
  const hot = new Float32Array(count);
  numbers.forEach((number, i) => {
    if (number >= 0) hot[number] = Number(data[i]);
  });
  return hostArray([count], "float32", hot);
}
