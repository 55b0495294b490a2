/** @file Captions written from images: an encoder and a decoder taught by the words. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  argMax,
  broadcastTo,
  convert,
  div,
  equal,
  exp,
  expandDims,
  foldIn,
  maximum,
  mul,
  notEqual,
  reduceSum,
  scalar,
} from "../graph/index.ts";
import { maskedMean, weightedSoftmaxXent } from "../losses/index.ts";
import type { FieldModel } from "../models/index.ts";
import { apply, initialise, modelSpecs } from "../nn/index.ts";
import { defineObjective } from "./define.ts";
import { fieldsOf } from "./fields.ts";
import type { Objective } from "./objective.ts";

const captioningSchema = z.strictObject({
  /** What the true token gives up in training, shared equally by the others. Default: 0. */
  labelSmoothing: z.number().min(0).max(0.999).optional(),
});

/** Options of {@link captioning}. */
export interface CaptioningOptions extends Readonly<z.output<typeof captioningSchema>> {
  /** The id of padding, which does not count. Default: 0. */
  readonly padId?: number;
}

/** Captioning in a configuration. */
export const captioningObjective = defineObjective({
  name: "captioning",
  schema: captioningSchema,
  task: "captioning",
  create(options, { whole, task }) {
    const { pad } = task.tokenizer as { readonly pad: number };
    return captioning(whole, { ...options, padId: pad });
  },
});

/**
 * The objective of a captioner. Batches hold `image`, `text`, int32 [batch, length], and maybe `mask` [batch]. The loss is
 * the cross-entropy of each token, its mean over a caption and then over captions. Metrics: `accuracy` of the tokens and
 * `perplexity`, e to the mean of the cross-entropies of all tokens.
 *
 * @param model gives the scores of the tokens, [batch, length, vocabulary], as `cappa` does
 */
export function captioning(
  model: FieldModel,
  { padId = 0, labelSmoothing = 0 }: CaptioningOptions = {},
): Objective {
  return {
    init: (key, batch) => initialise(model, key, fieldsOf(batch)),
    stacked: (batch) => modelSpecs(model, fieldsOf(batch)).stacked,
    loss({ params, variables, batch, key, train, isFrozen }) {
      const { text, mask } = batch;
      const options = { params, variables, key: foldIn(key, 1), train, isFrozen };
      const { result, variables: next } = apply(model, options, fieldsOf(batch));
      const [scores] = result;
      if (scores.rank !== 3) {
        throw new OcelliError("config", "captioning needs a model that scores tokens.", {
          hint: "Take the model cappa.",
        });
      }
      const weights = convert(notEqual(text, padId), "float32"); // [batch, length]
      const smoothing = train ? labelSmoothing : 0;
      const each = weightedSoftmaxXent(scores, text, { weights, labelSmoothing: smoothing });
      const real = mask ? convert(notEqual(mask, 0), "float32") : undefined;
      const counted = real
        ? mul(weights, broadcastTo(expandDims(real, 1), weights.shape))
        : weights;
      const total = maximum(reduceSum(counted), 2e-38);
      const examples = real ? reduceSum(real) : scalar(text.shape[0], "float32");
      const right = convert(equal(argMax(scores, 2), text), "float32");
      const sums = weightedSoftmaxXent(scores, text, { weights: counted, normalize: false });
      return {
        loss: maskedMean(each, real),
        metrics: {
          accuracy: div(reduceSum(mul(right, counted)), total),
          perplexity: exp(div(reduceSum(sums), total)),
        },
        counts: { loss: examples, accuracy: total, perplexity: total },
        variables: next,
      };
    },
  };
}
