/** @file Classification of images. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  argMax,
  equal,
  isInteger,
  oneHot,
  reduceSum,
  select,
  foldIn,
} from "../graph/index.ts";
import {
  maskedMean,
  mix,
  mixupCoefficient,
  sigmoidXent,
  smoothLabels,
  softmaxXent,
} from "../losses/index.ts";
import type { ImageModel } from "../models/index.ts";
import { type Scope, apply, initialise, modelSpecs } from "../nn/index.ts";
import { toValueRange } from "./images.ts";
import type { Objective } from "./objective.ts";

/** Options of {@link classification} in a configuration. */
export const classificationSchema = z.strictObject({
  name: z.literal("classification"),
  /** Whether classes exclude one another; softmax unless given. */
  loss: z.enum(["softmax", "sigmoid"]).optional(),
  /** How far labels move towards the uniform distribution in training. */
  labelSmoothing: z.number().min(0).lt(1).optional(),
  /** Mixup with λ ~ Beta(p, p); none unless given. */
  mixup: z.strictObject({ p: z.number().min(0) }).optional(),
  /** Where the pixels of uint8 images go; [−1, 1] unless given. */
  valueRange: z.tuple([z.number(), z.number()]).readonly().optional(),
});

/** Options of {@link classification}. */
export type ClassificationOptions = Omit<z.infer<typeof classificationSchema>, "name">;

/**
 * The objective of a classifier. Batches hold `image` [batch, height, width, channels] (uint8, or float32 as the
 * model takes it), `label` (int32 [batch], or a distribution or several hot, float32 [batch, classes]) and maybe
 * `mask` [batch], 0 for padding. Metrics: loss and, where labels are not mixed, accuracy.
 */
export function classification(
  model: ImageModel,
  {
    loss: kind = "softmax",
    labelSmoothing = 0,
    mixup,
    valueRange = [-1, 1],
  }: ClassificationOptions = {},
): Objective {
  const forward = (scope: Scope, image: Tensor): Tensor =>
    model(scope, toValueRange(image, valueRange))[0];
  const xent = kind === "softmax" ? softmaxXent : sigmoidXent;
  const mixes = mixup !== undefined && mixup.p > 0;
  return {
    init: (key, { image }) => initialise(forward, key, image),
    stacked: ({ image }) => modelSpecs(forward, image).stacked,
    loss({ params, variables, batch, key, train }) {
      const { label, mask } = batch;
      const mixed = train && mixes ? mixupCoefficient(foldIn(key, 0), mixup.p) : undefined;
      const image = toValueRange(batch.image, valueRange);
      const options = { params, variables, key: foldIn(key, 1), train };
      const input = mixed ? mix(image, mixed) : image;
      const { result: logits, variables: next } = apply(forward, options, input);
      const hot = hotLabels(label, logits);
      const smooth = train ? smoothLabels(hot, labelSmoothing) : hot;
      const targets = mixed ? mix(smooth, mixed) : smooth;
      const loss = maskedMean(xent(logits, targets), mask);
      const metrics: Record<string, Tensor> = mixed
        ? {}
        : { accuracy: maskedMean(correctness(logits, label, hot), mask) };
      return { loss, metrics, variables: next };
    },
  };
}

/** Labels [batch, classes] in float32. */
function hotLabels(label: Tensor, logits: Tensor): Tensor {
  const classes = logits.shape[1];
  if (isInteger(label.dtype) && label.rank === 1) return oneHot(label, classes);
  if (label.rank === 2 && label.shape[1] === classes && label.dtype === "float32") return label;
  throw new OcelliError(
    "shape",
    `label is ${label} where int32[batch] or float32[batch,${classes}] is taken.`,
  );
}

/** 1 where the class of the largest logit is the label (or has the label's value), [batch]. */
function correctness(logits: Tensor, label: Tensor, hot: Tensor): Tensor {
  const best = argMax(logits, 1);
  if (label.rank === 1) return equal(best, label);
  return reduceSum(select(equal(oneHot(best, hot.shape[1]), 1), hot, 0), 1);
}
