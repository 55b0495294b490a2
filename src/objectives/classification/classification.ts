/** @file Classification of images. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import {
  type Tensor,
  broadcastInDim,
  broadcastTo,
  foldIn,
  less,
  mul,
  select,
  splitKey,
  tensor,
  uniform,
} from "../../graph/index.ts";
import {
  CLASS_LOSSES,
  correctness,
  cut,
  cutmixBox,
  hotLabels,
  maskedMean,
  mix,
  mixupCoefficient,
  smoothLabels,
} from "../../losses/index.ts";
import type { ImageModel } from "../../models/index.ts";
import { type Scope, apply, initialise, modelSpecs } from "../../nn/index.ts";
import { defineObjective } from "../define.ts";
import type { Objective } from "../objective.ts";

const classificationSchema = z.strictObject({
  /** Whether classes exclude one another. Default: "softmax". */
  loss: z.enum(["softmax", "sigmoid"]).optional(),
  /** How far labels move towards the uniform distribution in training. Default: 0. */
  labelSmoothing: z.number().min(0).lt(1).optional(),
  /**
   * Mixup with λ ~ Beta(p, p). Default: none.
   *
   * @example { p: 0.2 }
   */
  mixup: z
    .strictObject({
      /** Of the Beta distribution; 0 mixes nothing. */
      p: z.number().min(0),
    })
    .optional(),
  /** Cutmix with λ ~ Beta(p, p). With mixup beside it, each step takes either with equal chances. Default: none. */
  cutmix: z
    .strictObject({
      /** Of the Beta distribution; 0 mixes nothing. */
      p: z.number().min(0),
    })
    .optional(),
});

/** Options of {@link classification}. */
export type ClassificationOptions = z.infer<typeof classificationSchema>;

/** Classification in a configuration. */
export const classificationObjective = defineObjective({
  name: "classification",
  schema: classificationSchema,
  task: "classification",
  weighsClasses: true,
  create: (options, { model, classWeights }) => classification(model, options, classWeights),
});

/**
 * The objective of a classifier. Batches hold `image` [batch, height, width, channels] (float32, as the preprocessing
 * scaled it), `label` (int32 [batch], or a distribution or several hot, float32 [batch, classes]) and maybe
 * `mask` [batch], 0 for padding. Metrics: loss and, where labels are not mixed, accuracy.
 *
 * @param classWeights how much the label of each class weighs in the loss of training; all 1 unless given
 */
export function classification(
  model: ImageModel,
  { loss: kind = "softmax", labelSmoothing = 0, mixup, cutmix }: ClassificationOptions = {},
  classWeights?: readonly number[],
): Objective {
  if (classWeights && kind !== "softmax") {
    throw new OcelliError("config", "weights by class are for the loss softmax.", {
      hint: 'Take balance "sampling".',
    });
  }
  const weights = classWeights && tensor(classWeights); // [classes]
  const weigh = (targets: Tensor): Tensor =>
    weights ? mul(targets, broadcastTo(weights, targets.shape)) : targets;
  const forward = (scope: Scope, image: Tensor): Tensor => model(scope, image)[0];
  const { xent } = CLASS_LOSSES[kind];
  const mixing = makeMixing(mixup?.p ?? 0, cutmix?.p ?? 0);
  return {
    init: (key, { image }) => initialise(forward, key, image),
    stacked: ({ image }) => modelSpecs(forward, image).stacked,
    loss({ params, variables, batch, key, train, isFrozen }) {
      const { image, label, mask } = batch;
      const mixed = train ? mixing?.(image, foldIn(key, 0)) : undefined;
      const options = { params, variables, key: foldIn(key, 1), train, isFrozen };
      const { result: logits, variables: next } = apply(forward, options, mixed?.image ?? image);
      const hot = hotLabels(label, logits);
      const smooth = train ? smoothLabels(hot, labelSmoothing) : hot;
      const targets = mixed ? mix(smooth, mixed.lambda) : smooth;
      const loss = maskedMean(xent(logits, train ? weigh(targets) : targets), mask);
      const metrics: Record<string, Tensor> = mixed
        ? {}
        : { accuracy: maskedMean(correctness(logits, label, hot), mask) };
      return { loss, metrics, variables: next };
    },
  };
}

/** Mixed images, and how much of each is its own. */
interface Mixed {
  readonly image: Tensor;
  readonly lambda: Tensor;
}

/** How a step mixes its images: by mixup, by cutmix, or by either; undefined where neither is asked for. */
function makeMixing(
  mixup: number,
  cutmix: number,
): ((image: Tensor, key: Tensor) => Mixed) | undefined {
  const blend = (image: Tensor, key: Tensor): Mixed => {
    const lambda = mixupCoefficient(key, mixup);
    return { image: mix(image, lambda), lambda };
  };
  const paste = (image: Tensor, key: Tensor): Mixed => {
    const [, height, width] = image.shape;
    const box = cutmixBox(key, cutmix, height, width);
    return { image: cut(image, box), lambda: box.lambda };
  };
  if (cutmix === 0) return mixup === 0 ? undefined : blend;
  if (mixup === 0) return paste;
  return (image, key) => {
    const [choice, forMixup, forCutmix] = splitKey(key, 3);
    const pasted = less(uniform(choice, []), 0.5);
    const [a, b] = [blend(image, forMixup), paste(image, forCutmix)];
    return {
      image: select(broadcastInDim(pasted, image.shape, []), b.image, a.image),
      lambda: select(pasted, b.lambda, a.lambda),
    };
  };
}
