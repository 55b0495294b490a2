/** @file One class of an example as one of several that may apply. */

import { type HostArray, hostArray } from "../../graph/dtype.ts";
import { type FieldKind, arrayAt, isLabel } from "../../preprocess/example.ts";
import type { Source } from "../source.ts";

/** A source whose field of the kind `class` is of the kind `classes`: which apply, float32 [classes]. */
export function asSeveral(source: Source, field: string): Source {
  const hot = ({ data }: HostArray): HostArray => {
    const applies = new Float32Array(source.names[field].length);
    applies[Number(data[0])] = 1;
    return hostArray([applies.length], "float32", applies);
  };
  const held = source.held?.[field];
  return {
    ...source,
    fields: { ...source.fields, [field]: "classes" },
    id: (index) => source.id(index),
    async read(index) {
      const example = await source.read(index);
      return { ...example, [field]: hot(arrayAt(example, field, source.id(index))) };
    },
    ...(held && { held: { ...source.held, [field]: (index: number) => hot(held(index)) } }),
  };
}

/** The kind of a field that several sources have, `classes` where some have one class and some have several; undefined for none. */
export function commonKind(kinds: readonly (FieldKind | undefined)[]): FieldKind | undefined {
  const [kind] = kinds;
  if (kinds.every((one) => one === kind)) return kind;
  return kinds.every((one) => one !== undefined && isLabel(one)) ? "classes" : undefined;
}
