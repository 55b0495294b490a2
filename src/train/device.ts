/** @file Trees of arrays between host and device. */

import type { DeviceArray, Engine } from "../engines/engine.ts";
import type { HostArray } from "../graph/dtype.ts";
import type { Sharding } from "../graph/index.ts";
import { type Tree, flatten, toFlat, unflatten } from "../tree.ts";
import { matchArrays } from "../weights/match.ts";

/** Arrays on a device by nested name. */
export type DeviceTree = Tree<DeviceArray>;

/** Every leaf of a tree uploaded; on a mesh all split alike, or in full on every device. */
export async function uploadTree(
  engine: Engine,
  tree: Tree<HostArray>,
  sharding?: Sharding,
): Promise<Tree<DeviceArray>> {
  const { leaves, structure } = flatten(tree);
  const uploads = leaves.map((leaf) => engine.upload(leaf, sharding));
  return unflatten(structure, await Promise.all(uploads));
}

/** Every leaf of a tree read back. */
export async function readTree(tree: Tree<DeviceArray>): Promise<Tree<HostArray>> {
  const { leaves, structure } = flatten(tree);
  return unflatten(structure, await Promise.all(leaves.map((leaf) => leaf.read())));
}

/** A tree of arrays of this structure, specs and shardings, uploaded by name; the old leaves are given up. */
export async function replaceTree<T extends Tree<DeviceArray>>(
  engine: Engine,
  what: string,
  tree: T,
  arrays: Readonly<Record<string, HostArray>>,
): Promise<T> {
  const { structure } = flatten<DeviceArray>(tree);
  const old = toFlat<DeviceArray>(tree);
  const matched = Object.entries(matchArrays(what, old, arrays));
  const uploads = matched.map(([name, array]) => engine.upload(array, old[name].sharding));
  disposeTree(tree);
  return unflatten(structure, await Promise.all(uploads)) as T;
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
