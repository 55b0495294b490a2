/** @file Trees of arrays between host and device. */

import type { DeviceArray, Engine } from "../engines/engine.ts";
import type { HostArray } from "../graph/dtype.ts";
import { type Tree, flatten, unflatten } from "../tree.ts";

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
