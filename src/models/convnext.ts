/**
 * @file ConvNeXt: a convolutional network built of a transformer's parts.
 *
 * Paper: Liu et al. 2022, "A ConvNet for the 2020s", arXiv:2201.03545. Matches timm's convnext_tiny, convnext_small and
 * convnext_base: names by a table in weights/layouts.ts, numbers in tests/golden/weights.
 */

import { z } from "zod";
import { unknownName } from "../errors.ts";
import { type Tensor, add, broadcastTo, geluExact, mean, mul } from "../graph/index.ts";
import {
  constantValue,
  conv,
  dense,
  layer,
  layerNorm,
  patchEmbedding,
  stochasticDepth,
  truncatedNormal,
} from "../nn/index.ts";
import { classifierKeys, classify } from "./classifier.ts";
import { defineModel } from "./define.ts";
import type { ImageModel, ModelOutput } from "./model.ts";
import { rate, stages, whole } from "./option-kinds.ts";

/** Blocks and features of each stage. */
interface ConvnextShape {
  readonly depths: readonly number[];
  readonly widths: readonly number[];
}

/** The named sizes. */
export const CONVNEXT_VARIANTS: Readonly<Record<string, ConvnextShape>> = {
  T: { depths: [3, 3, 9, 3], widths: [96, 192, 384, 768] },
  S: { depths: [3, 3, 27, 3], widths: [96, 192, 384, 768] },
  B: { depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024] },
  L: { depths: [3, 3, 27, 3], widths: [192, 384, 768, 1536] },
};

const convnextSchema = z.strictObject({
  ...classifierKeys,
  /** A named size. Options given beside it take precedence. Default: "T". */
  variant: z.enum(Object.keys(CONVNEXT_VARIANTS)).optional(),
  /** Blocks of each stage. Default: from the variant. */
  depths: stages.optional(),
  /** Features of each stage. Default: from the variant. */
  widths: z.array(whole).min(1).max(16).readonly().optional(),
  /** The largest rate at which a residual branch is dropped in training, reached at the last block. Default: 0. */
  stochDepth: rate.optional(),
  /** The epsilon of the normalisations. Default: 1e-6. */
  epsilon: z.number().positive().optional(),
});

/** Options of {@link convnext}. */
export type ConvnextOptions = Readonly<z.output<typeof convnextSchema>>;

const SCALE_INIT = 1e-6;
const kernelInit = truncatedNormal(0.02);

/** What every block is told. */
interface BlockOptions {
  readonly epsilon: number;
  readonly dropRate: number;
}

/** Filter each feature alone by 7×7, normalise, widen fourfold and narrow; around a residual. x [batch, height, width, c]. */
const block = layer((scope, x: Tensor, { epsilon, dropRate }: BlockOptions): Tensor => {
  const features = x.shape[3];
  const filtered = conv(scope.at("depthwise"), x, features, {
    kernel: [7, 7],
    groups: features,
    kernelInit,
  });
  const normal = layerNorm(scope.at("norm"), filtered, { epsilon });
  const wide = geluExact(dense(scope.at("Dense_0"), normal, 4 * features, { kernelInit }));
  const narrow = dense(scope.at("Dense_1"), wide, features, { kernelInit });
  const scale = scope.param("layer_scale", constantValue(SCALE_INIT), [features]);
  const branch = mul(narrow, broadcastTo(scale, narrow.shape));
  const kept = scope.train && dropRate > 0 ? mul(branch, 1 / (1 - dropRate)) : branch;
  return add(x, stochasticDepth(scope, kept, dropRate));
});

/**
 * ConvNeXt: image [batch, height, width, channels] to `[logits, out]`, logits [batch, classes].
 *
 * @example
 * const model = convnext({ variant: "T", numClasses: 1000 });
 */
export function convnext({
  variant = "T",
  stochDepth = 0,
  epsilon = 1e-6,
  ...given
}: ConvnextOptions = {}): ImageModel {
  if (!Object.hasOwn(CONVNEXT_VARIANTS, variant)) {
    throw unknownName("ConvNeXt variant", variant, Object.keys(CONVNEXT_VARIANTS), "config");
  }
  const { depths, widths } = { ...CONVNEXT_VARIANTS[variant], ...given };
  const last = depths.reduce((sum, depth) => sum + depth, 0) - 1;
  return layer((scope, image: Tensor): ModelOutput => {
    const patches = patchEmbedding(scope.at("stem"), image, widths[0], [4, 4]);
    const stem = layerNorm(scope.at("stem_norm"), patches, { epsilon }); // [batch, height / 4, width / 4, c]
    const out: Record<string, Tensor> = { stem };
    let x = stem;
    let at = 0;
    depths.forEach((depth, i) => {
      const stage = scope.at(`stage${i + 1}`);
      if (i > 0) {
        const normal = layerNorm(stage.at("downsample_norm"), x, { epsilon });
        x = patchEmbedding(stage.at("downsample"), normal, widths[i], [2, 2]);
      }
      for (let k = 0; k < depth; k++) {
        const dropRate = last > 0 ? (stochDepth * at++) / last : stochDepth;
        x = block(stage.at("block", k), x, { epsilon, dropRate });
      }
      out[`stage${i + 1}`] = x;
    });
    const pooled = layerNorm(scope.at("head_norm"), mean(x, [1, 2]), { epsilon }); // [batch, c]
    out["pre_logits_2d"] = x;
    out["pre_logits"] = pooled;
    const logits = classify(scope, pooled, given, false);
    return logits ? [logits, { ...out, logits }] : [pooled, out];
  });
}

/** ConvNeXt in a configuration. */
export const convnextModel = defineModel({
  name: "convnext",
  schema: convnextSchema,
  sizes: Object.keys(CONVNEXT_VARIANTS),
  weightsOf: ["timm", "transformers"],
  create: convnext,
});
