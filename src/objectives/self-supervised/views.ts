/** @file Several views of an example: its fields `image`, `view1`, `view2` and so on, each with an augmentation of its own. */

import { OcelliError } from "../../errors.ts";
import type { Spec, Tensor } from "../../graph/index.ts";
import type { ImageModel } from "../../models/index.ts";
import { modelSpecs } from "../../nn/index.ts";
import { toFlat } from "../../tree.ts";
import type { ObjectiveGiven } from "../define.ts";

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

/** How many views an objective takes. */
interface ViewCount {
  readonly least: number;
  /** Default: any number. */
  readonly most?: number;
}

/**
 * Checks that a batch has as many views as an objective takes, and that the model takes the sizes of all of them.
 *
 * @throws a configuration error
 */
export function checkViews(
  name: string,
  { model, batch }: Pick<ObjectiveGiven, "model" | "batch">,
  { least, most = Infinity }: ViewCount,
): void {
  for (let i = 0; i < least; i++) {
    if (!Object.hasOwn(batch, viewName(i))) throw missingView(i, name);
  }
  if (Object.hasOwn(batch, viewName(most))) {
    throw new OcelliError(
      "config",
      `${name} takes ${most} views of an image; a batch has "${viewName(most)}" beside them.`,
      { hint: `Leave ${viewName(most)} out of preprocess.train, or take dino, swav or supcon.` },
    );
  }
  for (let i = 1; Object.hasOwn(batch, viewName(i)); i++) {
    checkSizes(name, model, [batch.image, batch[viewName(i)]]);
  }
}

/**
 * Checks that a model has the same parameters for images of two sizes.
 *
 * @throws a configuration error that names the first parameter that differs
 */
export function checkSizes(
  name: string,
  model: ImageModel,
  [one, other]: readonly [Spec, Spec],
): void {
  if (String(one.shape) === String(other.shape)) return;
  const [first, second] = [one, other].map((spec) => toFlat<Spec>(modelSpecs(model, spec).params));
  const differs = Object.keys(first).find(
    (key) => String(first[key].shape) !== String(second[key].shape),
  );
  if (differs === undefined) return;
  const [sizes, shapes] = [
    [one, other].map(({ shape }) => shape.slice(1, 3).join("×")),
    [first, second].map((specs) => `[${specs[differs].shape.join(",")}]`),
  ];
  throw new OcelliError(
    "config",
    `${name} shows the model images of ${sizes.join(" and ")} pixels, for which its ${differs} would be ` +
      `${shapes.join(" and ")}.`,
    {
      hint:
        'Take a model that has no parameter for each position, such as a vit with posemb: "sincos2d", or images of ' +
        "one size.",
    },
  );
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
