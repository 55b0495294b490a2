/** @file Images by the folders that they lie in, on a disk or in an archive. */

/** A folder: what lies in it, all paths from the top. */
export interface Tree {
  readonly images: string[];
  /** Images of kinds that are not read. */
  readonly unread: string[];
  /** Tables called `metadata`, which say the labels of the images beside them. */
  readonly tables: string[];
  readonly folders: Map<string, Tree>;
}

export const newTree = (): Tree => ({ images: [], unread: [], tables: [], folders: new Map() });

/** The images at and below a folder: its own, then those of its folders. */
export function imagesOf(tree: Tree): string[] {
  const all: string[] = [];
  const visit = ({ images, folders }: Tree): void => {
    for (const image of images) all.push(image);
    for (const folder of folders.values()) visit(folder);
  };
  visit(tree);
  return all;
}

/** The images at and below a folder that are of kinds that are not read. */
export const unreadOf = ({ unread, folders }: Tree): string[] => [
  ...unread,
  ...[...folders.values()].flatMap(unreadOf),
];

/** The folder of a path in a tree, made where there is none. */
export function addFolder(tree: Tree, path: readonly string[]): Tree {
  let at = tree;
  for (const folder of path) {
    if (!at.folders.has(folder)) at.folders.set(folder, newTree());
    at = at.folders.get(folder)!;
  }
  return at;
}

/** The tree of paths whose parts are separated by `/`. */
export function treeOf(paths: Iterable<string>): Tree {
  const top = newTree();
  for (const path of paths) addFolder(top, path.split("/").slice(0, -1)).images.push(path);
  return top;
}
