/** @file Blocks of an encoder as separate arrays, or stacked along a leading axis for a scanned model. */

import { type HostArray, type Spec, hostArray, sameShape, typedArray } from "../graph/index.ts";

type Named = Readonly<Record<string, HostArray>>;

const STACK = "/encoderblock/";
const BLOCK = /\/encoderblock_(\d+)\//;

/** The encoder of a block's array; undefined of others. */
const encoderOf = (name: string): string | undefined =>
  /^(.*)\/encoderblock(?:_\d+)?\//.exec(name)?.[1];

/** The arrays with the blocks of each encoder as a model has them: stacked, or apart. */
export function restack(
  arrays: Named,
  expected: Readonly<Record<string, Spec>>,
): Record<string, HostArray> {
  const names = Object.keys(expected);
  const encoders = new Map<string | undefined, Record<string, HostArray>>();
  for (const [name, array] of Object.entries(arrays)) {
    const encoder = encoderOf(name);
    const own = encoders.get(encoder) ?? {};
    own[name] = array;
    encoders.set(encoder, own);
  }
  const parts = [...encoders].map(([encoder, own]) => {
    const wanted = encoder === undefined ? [] : names.filter((name) => encoderOf(name) === encoder);
    if (wanted.some((name) => name.includes(STACK))) return stack(own);
    return wanted.length > 0 ? unstack(own) : own;
  });
  return Object.assign({}, ...parts) as Record<string, HostArray>;
}

/** Blocks from the first on, as long as they are of one shape; a stack that is too short is told as a mismatch. */
function stack(arrays: Named): Record<string, HostArray> {
  const result: Record<string, HostArray> = {};
  for (const [name, array] of Object.entries(arrays)) {
    const index = BLOCK.exec(name)?.[1];
    if (index === undefined) result[name] = array;
    if (index !== "0") continue;
    const list = [array];
    const at = (i: number): string => name.replace(BLOCK, `/encoderblock_${i}/`);
    while (sameShape(arrays[at(list.length)]?.shape ?? [NaN], array.shape)) {
      list.push(arrays[at(list.length)]);
    }
    result[name.replace(BLOCK, STACK)] = join(list);
  }
  return result;
}

/** Arrays of one shape along a new leading axis. */
function join(list: readonly HostArray[]): HostArray {
  const [{ shape, dtype, data }] = list;
  const out = typedArray(dtype, list.length * data.length);
  list.forEach((array, i) =>
    (out as Float32Array).set(array.data as Float32Array, i * data.length),
  );
  return hostArray([list.length, ...shape], dtype, out);
}

/** Stacked blocks as separate arrays. */
export function unstack(arrays: Named): Record<string, HostArray> {
  const apart = Object.entries(arrays).flatMap(([name, array]): [string, HostArray][] => {
    const { shape, dtype, data } = array;
    if (!name.includes(STACK) || !(shape[0] > 0)) return [[name, array]];
    const [depth, ...rest] = shape;
    const length = data.length / depth;
    return Array.from({ length: depth }, (_, i) => [
      name.replace(STACK, `/encoderblock_${i}/`),
      hostArray(rest, dtype, data.slice(i * length, (i + 1) * length)),
    ]);
  });
  return Object.fromEntries(apart);
}
