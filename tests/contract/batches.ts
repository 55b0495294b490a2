/** @file vmap held against a loop: stacked examples, and the ways to map over them. */

import {
  type HostArray,
  type Shape,
  type Tensor,
  fromNumbers,
  toNumbers,
  vmap,
} from "../../src/graph/index.ts";

/** Arrays of one shape stacked along a new leading axis (or several). */
export const stacked = (arrays: readonly HostArray[], lead: Shape = [arrays.length]): HostArray =>
  fromNumbers(arrays.flatMap(toNumbers), [...lead, ...arrays[0].shape], arrays[0].dtype);

type ListFunction = (...args: Tensor[]) => readonly Tensor[];

/** A function of lists mapped over axis 0 of the arguments that are batched. */
export const mapped =
  (fn: ListFunction, batched: readonly boolean[]): ListFunction =>
  (...args) =>
    vmap<Tensor[], readonly Tensor[]>(fn, { inAxes: batched.map((has) => (has ? 0 : null)) })(
      ...args,
    );

/** Every way to batch n arguments that is worth a look: all of them, and each alone. */
export function batchings(n: number): boolean[][] {
  const all = new Array<boolean>(n).fill(true);
  return n < 2 ? [all] : [all, ...all.map((_, i) => all.map((_has, k) => k === i))];
}
