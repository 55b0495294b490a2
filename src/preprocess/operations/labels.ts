/** @file Operations on labels and on which arrays an example has; they run on the host and on the device. */

import {
  type HostArray,
  type Tensor,
  add,
  greater,
  isInteger,
  mul,
  oneHot,
  reduceMax,
  scalar,
  select,
  toNumbers,
} from "../../graph/index.ts";
import { OcelliError } from "../../errors.ts";
import { type Example, arrayAt } from "../example.ts";
import { type OperationKind, operation } from "../operation.ts";
import { byDefault, flag, number, optional, rest, text, whole } from "../parameters.ts";

/** As many as labels may have. */
const MAX_CLASSES = 1_000_000;

interface OneHot {
  readonly depth: number;
  readonly multi: boolean;
  readonly on: number;
  readonly off: number;
}

/** Whether labels [n] of an example become one vector; TensorFlow then scales hits in float32, and so do we. */
const merges = (rank: number, { multi }: OneHot): boolean => rank > 0 && multi;

/** Labels, [] or [n], as [depth], or [n, depth] where they do not merge; a label outside is left out. */
function oneHotLabels(labels: HostArray, how: OneHot): HostArray {
  const { depth, on, off } = how;
  const { fround } = Math;
  const merged = merges(labels.shape.length, how);
  const merging = fround(on - off) + fround(off);
  const values = new Float32Array(depth * (merged ? 1 : labels.data.length));
  values.fill(off);
  toNumbers(labels).forEach((label, i) => {
    if (label < 0 || label >= depth) return;
    if (merged) values[label] = merging;
    else values[i * depth + label] = on;
  });
  return { shape: merged ? [depth] : [...labels.shape, depth], dtype: "float32", data: values };
}

/** The same on a batch, [batch] or [batch, n]. */
function oneHotBatch(labels: Tensor, how: OneHot): Tensor {
  const { depth, on, off } = how;
  const hits = oneHot(labels, depth); // [batch, depth] or [batch, n, depth]
  if (merges(labels.rank - 1, how)) return add(mul(reduceMax(hits, 1), on - off), off);
  return select(greater(hits, 0), scalar(on, "float32"), off);
}

/** An operation on the set of arrays, the same for examples and batches. */
const onArrays = (
  change: <T>(features: Readonly<Record<string, T>>) => Readonly<Record<string, T>>,
) => ({ host: change<Example[string]>, device: change<Tensor> });

/** Says which examples of a batch are real; it is not the example's own. */
const MASK = "mask";

function filterKeys<T>(features: Readonly<Record<string, T>>, keeps: (key: string) => boolean) {
  return Object.fromEntries(Object.entries(features).filter(([key]) => key === MASK || keeps(key)));
}

/** Operations on labels and on which arrays an example has. */
export const labels: Readonly<Record<string, OperationKind>> = {
  /** Integer labels as vectors of length `depth`: `on` at the labels, `off` elsewhere; several merge with `multi`. */
  onehot: operation(
    {
      depth: whole(1, MAX_CLASSES),
      key: byDefault(text, "labels"),
      key_result: optional(text),
      multi: byDefault(flag, true),
      on: byDefault(number(), 1),
      off: byDefault(number(), 0),
    },
    ({ key, key_result: result, ...how }, name) => {
      const to = result ?? key;
      const integers = <T extends { readonly dtype: HostArray["dtype"] }>(array: T): T => {
        if (isInteger(array.dtype)) return array;
        throw new OcelliError("data", `${name} takes integer labels, not ${array.dtype}.`);
      };
      return {
        host: (example) => ({
          ...example,
          [to]: oneHotLabels(integers(arrayAt(example, key, name)), how),
        }),
        device: (batch) => ({
          ...batch,
          [to]: oneHotBatch(integers(arrayAt(batch, key, name)), how),
        }),
      };
    },
  ),
  /** Keeps the arrays of these names only. */
  keep: operation({ keys: rest(text) }, ({ keys }) =>
    onArrays((features) => filterKeys(features, (key) => keys.includes(key))),
  ),
  /** Drops the arrays of these names. */
  drop: operation({ keys: rest(text) }, ({ keys }) =>
    onArrays((features) => filterKeys(features, (key) => !keys.includes(key))),
  ),
  /** Gives an array a second name. */
  copy: operation({ inkey: text, outkey: text }, ({ inkey, outkey }, name) => ({
    ...onArrays((features) => ({ ...features, [outkey]: arrayAt(features, inkey, name) })),
    fields: (fields) => (fields[inkey] ? { ...fields, [outkey]: fields[inkey] } : fields),
  })),
};
