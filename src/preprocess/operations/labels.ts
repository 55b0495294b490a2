/** @file Operations on labels and on which arrays an example has; they run on the host and on the device. */

import {
  type HostArray,
  type Tensor,
  add,
  fromNumbers,
  isInteger,
  mul,
  oneHot,
  reduceMax,
  toNumbers,
} from "../../graph/index.ts";
import { OcelliError } from "../../errors.ts";
import { type OperationKind, operation } from "../operation.ts";
import { byDefault, flag, number, optional, rest, text, whole } from "../parameters.ts";

interface OneHot {
  readonly depth: number;
  readonly multi: boolean;
  readonly on: number;
  readonly off: number;
}

/** Labels, [] or [n], as [depth], or [n, depth] where several are not merged; a label outside is left out. */
function oneHotLabels(labels: HostArray, { depth, multi, on, off }: OneHot): HostArray {
  const classes = toNumbers(labels);
  const merged = labels.shape.length === 0 || multi;
  const rows = merged ? 1 : classes.length;
  const hit = new Float32Array(rows * depth);
  classes.forEach((label, i) => {
    if (label >= 0 && label < depth) hit[(merged ? 0 : i * depth) + label] = 1;
  });
  const shape = merged ? [depth] : [rows, depth];
  return fromNumbers(hit.map(oneHotValue(on, off)), shape, "float32");
}

/** big_vision scales merged labels in float32, which is exact where `off` is 0. */
const oneHotValue = (on: number, off: number) => {
  const step = Math.fround(on - off);
  return (hit: number): number => (hit ? Math.fround(step + Math.fround(off)) : off);
};

/** The same on a batch, [batch] or [batch, n]. */
function oneHotBatch(labels: Tensor, { depth, multi, on, off }: OneHot): Tensor {
  const hits = oneHot(labels, depth); // [batch, depth] or [batch, n, depth]
  const merged = labels.rank > 1 && multi ? reduceMax(hits, 1) : hits;
  return add(mul(merged, on - off), off);
}

function present<T>(features: Readonly<Record<string, T>>, key: string, name: string): T {
  if (Object.hasOwn(features, key)) return features[key];
  throw new OcelliError("data", `${name}: the example has no "${key}".`, {
    valid: Object.keys(features),
    hint: `It has ${Object.keys(features).join(", ") || "nothing"}.`,
  });
}

/** An operation on the set of arrays, the same for examples and batches. */
const onArrays = (
  change: <T>(features: Readonly<Record<string, T>>) => Readonly<Record<string, T>>,
) => ({ host: change<HostArray>, device: change<Tensor> });

/** Says which examples of a batch are real; it is not the example's own. */
const MASK = "mask";

function filterKeys<T>(features: Readonly<Record<string, T>>, keeps: (key: string) => boolean) {
  return Object.fromEntries(Object.entries(features).filter(([key]) => key === MASK || keeps(key)));
}

/** Operations on labels and on which arrays an example has. */
export const labels: Readonly<Record<string, OperationKind>> = {
  /** Integer labels as vectors of `depth` classes: `on` at the labels, `off` elsewhere; several merge with `multi`. */
  onehot: operation(
    {
      depth: whole(1),
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
          [to]: oneHotLabels(integers(present(example, key, name)), how),
        }),
        device: (batch) => ({
          ...batch,
          [to]: oneHotBatch(integers(present(batch, key, name)), how),
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
  copy: operation({ inkey: text, outkey: text }, ({ inkey, outkey }, name) =>
    onArrays((features) => ({ ...features, [outkey]: present(features, inkey, name) })),
  ),
};
