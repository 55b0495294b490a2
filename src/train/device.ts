/** @file Trees of arrays between host and device. */

import type { DeviceArray, Engine } from "../engines/engine.ts";
import type { HostArray } from "../graph/dtype.ts";
import { type Tree, flatten, toFlat, unflatten } from "../tree.ts";
import { matchArrays } from "../weights/match.ts";

/** Arrays on a device by nested name. */
export type DeviceTree = Tree<DeviceArray>;

/** Every leaf of a tree uploaded. */
export async function uploadTree(
  engine: Engine,
  tree: Tree<HostArray>,
): Promise<Tree<DeviceArray>> {
  const { leaves, structure } = flatten(tree);
  return unflatten(structure, await Promise.all(leaves.map((leaf) => engine.upload(leaf))));
}

/** Every leaf of a tree read back. */
export async function readTree(tree: Tree<DeviceArray>): Promise<Tree<HostArray>> {
  const { leaves, structure } = flatten(tree);
  return unflatten(structure, await Promise.all(leaves.map((leaf) => leaf.read())));
}

/** A tree of arrays of this structure and these specs, uploaded from arrays by name; the old leaves are given up. */
export async function replaceTree<T extends Tree<DeviceArray>>(
  engine: Engine,
  what: string,
  tree: T,
  arrays: Readonly<Record<string, HostArray>>,
): Promise<T> {
  const { structure } = flatten<DeviceArray>(tree);
  const matched = matchArrays(what, toFlat<DeviceArray>(tree), arrays);
  disposeTree(tree);
  return (await uploadTree(engine, unflatten(structure, Object.values(matched)))) as T;
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
