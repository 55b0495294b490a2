/** @file Images without labels, as they lie in folders. */

import {
  type LayoutOptions,
  enterWrappers,
  filledFolders,
  layoutOf,
  saysLabels,
  splitFolders,
} from "../classification/layout.ts";
import type { LabelUse } from "./found.ts";
import type { Layout } from "../classification/layout.ts";
import { type Tree, imagesOf } from "./tree-of-images.ts";

/** How images are arranged, and whether with labels. */
export interface ArrangeOptions extends LayoutOptions {
  readonly labels?: LabelUse;
}

/** Images by their folders, with labels or without. */
export function arrangeImages(root: Tree, options: ArrangeOptions): Layout {
  const { labels: use = "required" } = options;
  const isUnlabelled = use === "none" || (use === "optional" && !hasLabels(root, options));
  return isUnlabelled ? withoutLabels(root, options) : layoutOf(root, options);
}

/** Whether folders can be labels: there are several, and no images beside them; or splits have such folders or tables. */
function hasLabels(root: Tree, options: LayoutOptions): boolean {
  const { tree } = enterWrappers(root, options);
  const folders = filledFolders(tree);
  const splits = splitFolders(folders, options);
  if (splits.some(([, inside]) => saysLabels(inside))) return true;
  return tree.images.length === 0 && folders.length - splits.length > 1;
}

/** All images, at any depth; those in folders called like splits are of these splits, and others beside them of none. */
function withoutLabels(root: Tree, options: LayoutOptions): Layout {
  const { tree } = enterWrappers(root, options);
  const splits = splitFolders(filledFolders(tree), options);
  const partOf = (inside: Tree) => ({ paths: imagesOf(inside), labels: [] });
  if (splits.length === 0) return { parts: new Map([["", partOf(tree)]]), loose: [], notes: [] };
  const parts = new Map(splits.map(([name, inside]) => [name, partOf(inside)]));
  const taken = new Set([...parts.values()].flatMap(({ paths }) => paths));
  const loose = imagesOf(tree).filter((path) => !taken.has(path));
  return { parts, loose, notes: [] };
}
