/** @file Several views of an example: its fields `image`, `view1`, `view2` and so on, each with an augmentation of its own. */

import { OcelliError } from "../../errors.ts";
import type { Tensor } from "../../graph/index.ts";
import type { BatchSpec } from "../objective.ts";

const viewName = (i: number): string => (i === 0 ? "image" : `view${i}`);

/**
 * The views of a batch, `image` first. In evaluation, where preprocessing makes but one, each of the `least` is that one.
 *
 * @throws a configuration error for a batch of training with fewer than `least`
 */
export function viewsOf(
  batch: Readonly<Record<string, Tensor>>,
  least: number,
  train: boolean,
): Tensor[] {
  const views: Tensor[] = [];
  while (Object.hasOwn(batch, viewName(views.length))) views.push(batch[viewName(views.length)]);
  if (views.length >= least) return views;
  if (train) throw missingView(views.length);
  return Array.from({ length: least }, (_, i) => views[i] ?? batch.image);
}

/** A configuration error where a batch has fewer views than an objective needs. */
export function checkViews(name: string, batch: BatchSpec, least: number): void {
  for (let i = 0; i < least; i++) {
    if (!Object.hasOwn(batch, viewName(i))) throw missingView(i, name);
  }
}

const missingView = (i: number, name = "the objective"): OcelliError =>
  new OcelliError(
    "config",
    `${name} needs several views of an image; a batch has no "${viewName(i)}".`,
    {
      hint:
        `Begin preprocess.train with decode|copy(image, ${viewName(i)}) and give ${viewName(i)} an augmentation of its ` +
        `own, such as inception_crop(32, key=${viewName(i)}); withViews makes such a text.`,
    },
  );
