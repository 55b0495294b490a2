/** @file Classes under the numbers that they have in another list of names. */

import { type HostArray, hostArray, typedArray } from "../../graph/dtype.ts";
import { NO_CLASS, arrayAt } from "../../preprocess/example.ts";
import type { Source } from "../source.ts";

/**
 * A source whose classes have other numbers: those of the same names among `names`. A name that is not among them may
 * stay as long as no example has its class.
 *
 * @param field the field that holds a class, int32 [], which classes apply, float32 [classes], or a map of classes
 * @param unknown the error for an example of a class that is not among `names`: at once where the field is held in
 *   memory, else when the example is read
 */
export function renameClasses(
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
    const missing = classesIn(label).find((k) => numbers[k] < 0);
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

/** The classes that a label speaks of. */
function classesIn({ shape, data }: HostArray): number[] {
  if (shape.length === 0) return [Number(data[0])];
  if (shape.length === 2)
    return [...new Set(Array.from(data, Number))].filter((k) => k !== NO_CLASS);
  return Array.from(data, Number).flatMap((value, k) => (value > 0 ? [k] : []));
}

/** A class, int32 [], which classes apply, float32 [classes], or a map [height, width], under new numbers. */
function renumber(
  { shape, dtype, data }: HostArray,
  numbers: readonly number[],
  classes: number,
): HostArray {
  if (shape.length === 0) return hostArray([], "int32", Int32Array.of(numbers[Number(data[0])]));
  if (shape.length === 2) {
    const renumbered = typedArray(dtype, data.length);
    data.forEach((value, i) => (renumbered[i] = numbers[Number(value)] ?? NO_CLASS));
    return hostArray(shape, dtype, renumbered);
  }
  const hot = new Float32Array(classes);
  numbers.forEach((number, i) => {
    if (number >= 0) hot[number] = Number(data[i]);
  });
  return hostArray([classes], "float32", hot);
}
