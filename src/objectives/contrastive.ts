/** @file Images and texts that belong together: two towers taught by their pairs. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { type Tensor, foldIn, minimum, notEqual, reshape } from "../graph/index.ts";
import { bidirectionalContrastive, maskedMean, sigmoidContrastive } from "../losses/index.ts";
import type { FieldModel } from "../models/index.ts";
import { apply, initialise, modelSpecs } from "../nn/index.ts";
import { fromFlat, toFlat } from "../tree.ts";
import { defineObjective } from "./define.ts";
import type { Objective } from "./objective.ts";
import { fieldsOf } from "./fields.ts";

const contrastiveSchema = z.strictObject({
  /** Each pair by itself, as in SigLIP, or against all others, as in CLIP and LiT. Default: "sigmoid". */
  loss: z.enum(["sigmoid", "softmax"]).optional(),
  /** How many texts the images are compared with at once; less takes less memory. Default: all. */
  chunk: z.int().min(1).optional(),
  /** The temperature grows no further, CLIP's 100. Default: no bound. */
  maxTemperature: z.number().positive().optional(),
});

/** Options of {@link contrastive}. */
export type ContrastiveOptions = Readonly<z.output<typeof contrastiveSchema>>;

/** Contrast in a configuration. */
export const contrastiveObjective = defineObjective({
  name: "contrastive",
  schema: contrastiveSchema,
  task: "contrastive",
  create: (options, { whole }) => contrastive(whole, options),
});

/** Keeps `t`, the log of the temperature, from growing above that of a bound. */
const boundTemperature =
  (most: number): NonNullable<Objective["after"]> =>
  ({ params, variables }) => {
    const flat = toFlat<Tensor>(params);
    return { params: fromFlat({ ...flat, t: minimum(flat.t, Math.log(most)) }), variables };
  };

/**
 * The objective of two towers. Batches hold `image` (with `type`, `yidx`, `xidx` of patches), `text`, int32
 * [batch, length], and maybe `mask` [batch], 0 for padding: the text in a row belongs to its image. Metrics: `accuracy`, the
 * part of images whose best text is their own, and `temperature`.
 *
 * @param model gives `zimg`, `ztxt`, `t` and maybe `b`, as `two-towers` does
 */
export function contrastive(
  model: FieldModel,
  { loss: kind = "sigmoid", chunk, maxTemperature }: ContrastiveOptions = {},
): Objective {
  return {
    init: (key, batch) => initialise(model, key, fieldsOf(batch)),
    stacked: (batch) => modelSpecs(model, fieldsOf(batch)).stacked,
    ...(maxTemperature !== undefined && { after: boundTemperature(maxTemperature) }),
    loss({ params, variables, batch, key, train, isFrozen }) {
      const options = { params, variables, key: foldIn(key, 1), train, isFrozen };
      const { result, variables: next } = apply(model, options, fieldsOf(batch));
      const { zimg, ztxt, t, b } = toFlat<Tensor>(result[1]) as Partial<Record<string, Tensor>>;
      if (!zimg || !ztxt || !t) {
        throw new OcelliError("config", "contrastive needs a model of images and texts.", {
          hint: "Take the model two-towers.",
        });
      }
      const mask = batch["mask"] && notEqual(batch["mask"], 0);
      const pairs = bidirectionalContrastive(zimg, ztxt, reshape(t, []), mask, chunk);
      const each =
        kind === "sigmoid"
          ? sigmoidContrastive(zimg, ztxt, t, { bias: b, mask, chunk })
          : pairs.loss;
      const metrics = {
        accuracy: maskedMean(pairs.correct, mask),
        temperature: reshape(t, []),
      };
      return { loss: maskedMean(each, mask), metrics, variables: next };
    },
  };
}
