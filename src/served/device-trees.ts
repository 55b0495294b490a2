/** @file Trees of arrays between host and device. */

import { type DeviceArray, type Engine, type Rows, jit } from "../engines/engine.ts";
import { type HostArray, byteSize, sizeOf } from "../graph/dtype.ts";
import type { Sharding, Tensor } from "../graph/index.ts";
import { type Tree, flatten, toFlat, unflatten } from "../tree.ts";
import type { ReadableArray } from "../weights/checkpoint-state.ts";
import { matchArrays } from "../weights/match.ts";

/** Arrays on a device by nested name. */
export type DeviceTree = Tree<DeviceArray>;

/** Every leaf of a tree uploaded; on a mesh all split alike, or in full on every device. `rows`: see {@link Engine.upload}. */
export async function uploadTree(
  engine: Engine,
  tree: Tree<HostArray>,
  sharding?: Sharding,
  rows?: Rows,
): Promise<Tree<DeviceArray>> {
  const { leaves, structure } = flatten(tree);
  const uploads = leaves.map((leaf) => engine.upload(leaf, sharding, rows));
  return unflatten(structure, await Promise.all(uploads));
}

/** Every leaf of a tree read back. */
export async function readTree(tree: Tree<DeviceArray>): Promise<Tree<HostArray>> {
  const { leaves, structure } = flatten(tree);
  return unflatten(structure, await Promise.all(leaves.map((leaf) => leaf.read())));
}

/** Begins to read a tree, and resolves once its arrays may be given up. */
export type TreeReader = (
  tree: Tree<DeviceArray>,
) => Promise<{ readonly arrays: Promise<Tree<HostArray>> }>;

/**
 * A reader of trees. What is split over several processes is first gathered, one array after the other, for which all of
 * them must read the same tree at the same step.
 */
export function treeReader(engine: Engine): TreeReader {
  if (!engine.part) return (tree) => Promise.resolve({ arrays: readTree(tree) });
  const gather = jit(engine, (x: Tensor) => x, { name: "gather" });
  return async (tree) => {
    const { leaves, structure } = flatten(tree);
    const arrays: HostArray[] = [];
    for (const leaf of leaves) {
      const isSplit = leaf.sharding?.some((axes) => axes !== null && axes.length > 0);
      const whole = isSplit ? await gather(leaf) : leaf;
      arrays.push(await whole.read());
      if (whole !== leaf) whole.dispose();
    }
    return { arrays: Promise.resolve(unflatten(structure, arrays)) };
  };
}

/** Trees of up to this many bytes are copied whole. */
const COPIED = 2 ** 30;

/**
 * What a saver reads of a tree: a copy, or, where that would be large, the tree itself, whose arrays are then read one
 * after the other before they are given up.
 */
export type StateReader = (tree: Tree<DeviceArray>) => Promise<{
  readonly arrays: Promise<Tree<HostArray | ReadableArray>>;
  readonly copied: boolean;
}>;

/** A reader for a saver; several processes always copy, since all of them gather. */
export function stateReader(engine: Engine): StateReader {
  const read = treeReader(engine);
  return async (tree) => {
    const bytes = flatten(tree).leaves.map(({ shape, dtype }) => sizeOf(shape) * byteSize(dtype));
    const isLarge = bytes.reduce((sum, size) => sum + size, 0) > COPIED;
    if (isLarge && !engine.part) return { arrays: Promise.resolve(tree), copied: false };
    return { ...(await read(tree)), copied: true };
  };
}

/**
 * A tree of arrays of this structure, specs and shardings, uploaded by name; the old leaves are given up. One array
 * after the other is read and takes the place of its old one.
 */
export async function replaceTree<T extends Tree<DeviceArray>>(
  engine: Engine,
  what: string,
  tree: T,
  arrays: Readonly<Record<string, ReadableArray>>,
): Promise<T> {
  const { structure } = flatten<DeviceArray>(tree);
  const old = toFlat<DeviceArray>(tree);
  const leaves: DeviceArray[] = [];
  for (const [name, array] of Object.entries(matchArrays(what, old, arrays))) {
    const { sharding } = old[name];
    const read = await array.read();
    old[name].dispose();
    leaves.push(await engine.upload(read, sharding));
  }
  return unflatten(structure, leaves) as T;
}

/** Gives up every leaf of a tree. */
export function disposeTree(tree: Tree<DeviceArray>): void {
  for (const leaf of flatten(tree).leaves) leaf.dispose();
}

/** Named scalars as numbers; their arrays are given up. */
export async function readScalars(
  scalars: Readonly<Record<string, DeviceArray>>,
): Promise<Record<string, number>> {
  const entries = Object.entries(scalars).map(async ([name, array]) => {
    const { data } = await array.read();
    array.dispose();
    return [name, Number(data[0])] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
