/** @file Data with the classes of a model in the place of its own, matched by name. */

import type { Source } from "../data/source.ts";
import { unknownName } from "../errors.ts";
import { type HostArray, hostArray } from "../graph/dtype.ts";

/**
 * A source with labels of the model in the place of its own.
 *
 * @throws a data error where an example has a class that the model does not know: at once where labels are held, else
 *   when it is read; classes without examples may be unknown
 */
export function relabelled(source: Source, classes: readonly string[], path: string): Source {
  const toModel = source.classes.map((name) => classes.indexOf(name));
  const known = (label: HostArray): HostArray => {
    const unknown = classesIn(label).find((k) => toModel[k] < 0);
    if (unknown === undefined) return relabel(label, toModel, classes.length);
    throw unknownName(`class of ${path}`, source.classes[unknown], classes, "data");
  };
  if (source.label && toModel.some((k) => k < 0)) {
    for (let index = 0; index < source.length; index++) known(source.label(index));
  }
  return {
    length: source.length,
    classes,
    id: (index) => source.id(index),
    read: async (index) => {
      const example = await source.read(index);
      return { ...example, label: known(example.label) };
    },
  };
}

/** The classes that a label speaks of. */
const classesIn = ({ shape, data }: HostArray): number[] =>
  shape.length === 0
    ? [Number(data[0])]
    : Array.from(data, Number).flatMap((value, k) => (value > 0 ? [k] : []));

/** A label of the data as one of the model: a class, int32 of [], or which classes apply, float32 of [classes]. */
function relabel({ shape, data }: HostArray, toModel: readonly number[], classes: number) {
  if (shape.length === 0) {
    return hostArray([], "int32", Int32Array.of(toModel[Number(data[0])]));
  }
  const hot = new Float32Array(classes);
  toModel.forEach((k, i) => {
    if (k >= 0) hot[k] = Number(data[i]);
  });
  return hostArray([classes], "float32", hot);
}
