/**
 * @file Rotation prediction: a model without labels learns to tell by how much a picture was turned.
 *
 * Paper: Gidaris et al. 2018, "Unsupervised Representation Learning by Predicting Image Rotations", arXiv:1803.07728; as in
 * Kolesnikov et al. 2019, "Revisiting Self-Supervised Visual Representation Learning", arXiv:1901.09005: every image of a
 * batch in its four rotations.
 */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  argMax,
  broadcastInDim,
  equal,
  reshape,
  reverse,
  stack,
  tensor,
  oneHot,
  transpose,
} from "../graph/index.ts";
import { maskOfEach, maskedMean, softmaxXent } from "../losses/index.ts";
import { type Scope, apply, dense, initialise, modelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { type ObjectiveGiven, defineObjective } from "./define.ts";
import type { Objective, ObjectiveArrays } from "./objective.ts";

/** Rotation prediction in a configuration. */
export const rotationObjective = defineObjective({
  name: "rotation",
  schema: z.strictObject({}),
  task: "features",
  create: (_, given) => rotation(given),
});

/** Where the head that tells rotations apart lies among the parameters. */
const HEAD = "rotation";

/** Quarter turns. */
export const TURNS = 4;

/**
 * The objective of rotation prediction: softmax cross-entropy of four classes (0°, 90°, 180° and 270°, counterclockwise) on
 * every image in its four rotations. A batch holds `image` [batch, side, side, channels] and maybe `mask` [batch]. The
 * linear head on the model's features is the objective's own, `params/rotation`, and is not served. Metrics: loss and
 * accuracy, over all rotations.
 *
 * @throws a configuration error for images that are not square
 */
export function rotation({
  model,
  heads: { embed },
}: Pick<ObjectiveGiven, "model" | "heads">): Objective {
  const forward = (scope: Scope, image: Tensor): Tensor => {
    const [output, out] = model(scope, image);
    return dense(scope.at(HEAD), embed({ output, out: toFlat<Tensor>(out) }), TURNS);
  };
  return {
    init: (key, { image }) => initialise(forward, key, rotatedSpec(image)),
    stacked: ({ image }) => modelSpecs(forward, rotatedSpec(image)).stacked,
    served: <T>({ params, variables }: ObjectiveArrays<T>): ObjectiveArrays<T> => {
      const { [HEAD]: _, ...own } = params as Record<string, typeof params>;
      return { params: own as typeof params, variables };
    },
    loss({ params, variables, batch, key, train, isFrozen }) {
      const { image, mask } = batch;
      const options = { params, variables, key, train, isFrozen };
      const { result: logits, variables: next } = apply(forward, options, rotations(image));
      const turns = turnsOf(image.shape[0]);
      const weights = mask && maskOfEach(mask, TURNS);
      const loss = softmaxXent(logits, oneHot(turns, TURNS)); // [4 batch]
      return {
        loss: maskedMean(loss, weights),
        metrics: { accuracy: maskedMean(equal(argMax(logits, 1), turns), weights) },
        variables: next,
      };
    },
  };
}

/** By how many quarter turns each of the {@link rotations} of `count` images is turned: int32 [4 count]. */
export const turnsOf = (count: number): Tensor =>
  reshape(broadcastInDim(tensor([0, 1, 2, 3], "int32"), [count, TURNS], [1]), [TURNS * count]);

/**
 * Images [batch, side, side, channels] by 0°, 90°, 180° and 270° counterclockwise, the rotations of an image side by side:
 * [4 batch, side, side, channels].
 *
 * @throws a configuration error for images that are not square
 */
export function rotations(image: Tensor): Tensor {
  const [batch, ...shape] = rotatedSpec(image).shape;
  const turned = transpose(image, [0, 2, 1, 3]);
  const all = [image, reverse(turned, [1]), reverse(image, [1, 2]), reverse(turned, [2])];
  return reshape(stack(all, 1), [batch, ...shape]); // stacked behind the batch: rows stay on their device
}

/** What {@link rotations} makes of images. */
function rotatedSpec<T extends Pick<Tensor, "shape" | "dtype">>({ shape, dtype }: T) {
  const [batch, height, width, channels] = shape;
  if (height !== width) {
    throw new OcelliError("config", `rotation needs square images, not ${height}×${width}.`, {
      hint: "Crop or resize them to one side in preprocess.train and preprocess.eval, such as central_crop(64).",
    });
  }
  return { shape: [TURNS * batch, height, width, channels], dtype };
}
