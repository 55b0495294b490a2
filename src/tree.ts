/** @file Nested parameters by name: plain objects and arrays with leaves, walked in sorted key order. */

import { OcelliError } from "./errors.ts";

/** A leaf, or plain objects and arrays of trees. Leaves are anything with a `dtype`, or not a plain container. */
export type Tree<T> = T | { readonly [key: string]: Tree<T> } | readonly Tree<T>[];

/** The structure of a tree without its leaves. */
export type TreeStructure =
  | { readonly kind: "leaf" }
  | { readonly kind: "array"; readonly children: readonly TreeStructure[] }
  | {
      readonly kind: "object";
      readonly keys: readonly string[];
      readonly children: readonly TreeStructure[];
    };

const LEAF: TreeStructure = { kind: "leaf" };

function isContainer(node: unknown): node is object {
  if (typeof node !== "object" || node === null) return false;
  if (Array.isArray(node)) return true;
  const prototype: unknown = Object.getPrototypeOf(node);
  return (prototype === Object.prototype || prototype === null) && !("dtype" in node);
}

/** Leaves in canonical order (object keys sorted, so that a reloaded tree walks the same way) and the structure. */
export function flatten<T>(tree: Tree<T>): { leaves: T[]; structure: TreeStructure } {
  const leaves: T[] = [];
  const visit = (node: unknown): TreeStructure => {
    if (!isContainer(node)) {
      leaves.push(node as T);
      return LEAF;
    }
    if (Array.isArray(node)) return { kind: "array", children: node.map(visit) };
    const keys = Object.keys(node).sort();
    const record = node as Record<string, unknown>;
    return { kind: "object", keys, children: keys.map((key) => visit(record[key])) };
  };
  const structure = visit(tree);
  return { leaves, structure };
}

/** The tree of a structure filled with leaves; the inverse of {@link flatten}. */
export function unflatten<T>(structure: TreeStructure, leaves: readonly T[]): Tree<T> {
  let next = 0;
  const build = (node: TreeStructure): Tree<T> => {
    if (node.kind === "leaf") return leaves[next++];
    if (node.kind === "array") return node.children.map(build);
    return Object.fromEntries(node.keys.map((key, i) => [key, build(node.children[i])]));
  };
  const tree = build(structure);
  if (next !== leaves.length) {
    throw new OcelliError(
      "argument",
      `a structure of ${next} leaves was given ${leaves.length} leaves.`,
    );
  }
  return tree;
}

/** The names of the leaves, path parts joined by "/", in the order of {@link flatten}. */
export function leafNames(structure: TreeStructure): string[] {
  const names: string[] = [];
  const visit = (node: TreeStructure, path: readonly string[]): void => {
    if (node.kind === "leaf") names.push(path.join("/"));
    else {
      node.children.forEach((child, i) =>
        visit(child, [...path, node.kind === "array" ? String(i) : node.keys[i]]),
      );
    }
  };
  visit(structure, []);
  return names;
}

/** Applies `fn` to every leaf with its name; the result has the tree's structure. */
export function mapTree<T, U>(tree: Tree<T>, fn: (leaf: T, name: string) => U): Tree<U> {
  const { leaves, structure } = flatten<T>(tree);
  const names = leafNames(structure);
  return unflatten(
    structure,
    leaves.map((leaf, i) => fn(leaf, names[i])),
  );
}

/** A flat record of the leaves by "/"-joined name. */
export function toFlat<T>(tree: Tree<T>): Record<string, T> {
  const { leaves, structure } = flatten<T>(tree);
  return Object.fromEntries(leafNames(structure).map((name, i) => [name, leaves[i]]));
}

/** The nested tree of a flat record: names are split at "/". A name that is also another's prefix is an error. */
export function fromFlat<T>(flat: Readonly<Record<string, T>>): { [key: string]: Tree<T> } {
  const root: Record<string, unknown> = Object.create(null);
  for (const [name, leaf] of Object.entries(flat)) {
    const parts = name.split("/");
    let node = root;
    for (const part of parts.slice(0, -1)) {
      const next = (node[part] ??= Object.create(null) as unknown);
      if (!isContainer(next)) {
        throw new OcelliError("name", `"${name}" cannot nest below a leaf named "${part}".`);
      }
      node = next as Record<string, unknown>;
    }
    const last = parts.at(-1)!;
    if (last in node) throw new OcelliError("name", `"${name}" is both a leaf and a prefix.`);
    node[last] = leaf;
  }
  const plain = (node: unknown): Tree<T> =>
    isContainer(node)
      ? Object.fromEntries(Object.entries(node).map(([key, child]) => [key, plain(child)]))
      : (node as T);
  return plain(root) as { [key: string]: Tree<T> };
}
