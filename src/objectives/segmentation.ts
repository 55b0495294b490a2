/** @file Segmentation: a class for each pixel. */

import { z } from "zod";
import { unknownName } from "../errors.ts";
import {
  type Tensor,
  argMax,
  convert,
  div,
  equal,
  maximum,
  mul,
  reduceSum,
  tensor,
} from "../graph/index.ts";
import { labelledPixels, pixelScores, pixelXent } from "../losses/index.ts";
import type { ImageModel } from "../models/index.ts";
import { type Scope, apply, initialise, modelSpecs } from "../nn/index.ts";
import { defineObjective } from "./define.ts";
import type { Objective } from "./objective.ts";

const segmentationSchema = z.strictObject({
  /** How much the pixels of a class weigh in training, by its name. Default: 1. */
  weights: z.record(z.string(), z.number().min(0)).optional(),
});

/** Segmentation in a configuration. */
export const segmentationObjective = defineObjective({
  name: "segmentation",
  schema: segmentationSchema,
  task: "segmentation",
  create({ weights = {} }, { model, names: { map: classes } }) {
    for (const name of Object.keys(weights)) {
      if (!classes.includes(name)) throw unknownName("class", name, classes, "config");
    }
    const given = Object.keys(weights).length > 0;
    return segmentation(model, given ? classes.map((name) => weights[name] ?? 1) : undefined);
  },
});

/**
 * The objective of a segmenter. Batches hold `image` [batch, height, width, channels], `map` (integers
 * [batch, height, width], 255 where a pixel has no class) and maybe `mask` [batch], 0 for padding. Metrics: loss and
 * `pixel_accuracy`.
 *
 * @param classWeights how much the pixels of each class weigh in training. Default: all the same
 */
export function segmentation(model: ImageModel, classWeights?: readonly number[]): Objective {
  const weights = classWeights && tensor(classWeights); // [classes]
  const forward = (scope: Scope, image: Tensor): Tensor => pixelScores(model(scope, image)[0]);
  return {
    init: (key, { image }) => initialise(forward, key, image),
    stacked: ({ image }) => modelSpecs(forward, image).stacked,
    loss({ params, variables, batch: { image, map, mask }, key, train, isFrozen }) {
      const given = { params, variables, key, train, isFrozen };
      const { result: logits, variables: next } = apply(forward, given, image);
      const options = { mask, weights: train ? weights : undefined };
      const { loss, count } = pixelXent(logits, map, options);
      const labelled = labelledPixels(map, mask);
      const right = convert(equal(argMax(logits, 3), convert(map, "int32")), "float32");
      const pixels = reduceSum(labelled);
      const accuracy = div(reduceSum(mul(right, labelled)), maximum(pixels, 1));
      return {
        loss,
        metrics: { pixel_accuracy: accuracy },
        variables: next,
        counts: { loss: count, pixel_accuracy: pixels },
      };
    },
  };
}
