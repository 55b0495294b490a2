/**
 * @file MLP-Mixer: one perceptron over tokens and one over channels, in turns.
 *
 * Paper: Tolstikhin et al. 2021, "MLP-Mixer: An all-MLP Architecture for Vision", arXiv:2105.01601.
 * Matches big_vision/models/mlp_mixer.py: names, layouts, numbers. Largest difference measured in float32
 * (`npm run parity -- tests/golden/mlp_mixer`): outputs 5.3e-7, gradients 1.4e-6 of an array's maximum.
 */

import { z } from "zod";
import { OcelliError, unknownName } from "../errors.ts";
import { type Tensor, add, gelu, mean, reshape, swapAxes } from "../graph/index.ts";
import { conv, dense, layer, layerNorm, stochasticDepth } from "../nn/index.ts";
import { classifierKeys, classify } from "./classifier.ts";
import { defineModel } from "./define.ts";
import type { ImageModel, ModelOutput } from "./model.ts";
import { anyOf, extents, formed, layers, patched, rate, whole } from "./option-kinds.ts";

/** What a size says. */
interface Shape {
  readonly numBlocks: number;
  readonly hiddenDim: number;
  readonly tokensMlpDim: number;
  readonly channelsMlpDim: number;
}

const row = (
  numBlocks: number,
  hiddenDim: number,
  channelsMlpDim: number,
  tokensMlpDim: number,
): Shape => ({ numBlocks, hiddenDim, channelsMlpDim, tokensMlpDim });

/** Shapes by name: Table 1 of the paper. */
export const MIXER_VARIANTS: Readonly<Record<string, Shape>> = {
  S: row(8, 512, 2048, 256),
  B: row(12, 768, 3072, 384),
  L: row(24, 1024, 4096, 512),
  H: row(32, 1280, 5120, 640),
};

const mlpMixerSchema = z.strictObject({
  ...classifierKeys,
  /**
   * A named size with its patch. Options given beside it take precedence. Default: "B/16".
   *
   * @example "S/16"
   */
  variant: formed(
    new RegExp(`^(${anyOf(MIXER_VARIANTS)})/[1-9][0-9]{0,3}$`),
    `one of ${Object.keys(MIXER_VARIANTS).join(", ")}, then /PATCH, as in "B/16"`,
  ).optional(),
  /** Extents of a patch in pixels. Default: from the variant. */
  patchSize: extents.optional(),
  /** How many blocks there are. Default: from the variant. */
  numBlocks: layers.optional(),
  /** Channels of a token. Default: from the variant. */
  hiddenDim: whole.optional(),
  /** Width inside the perceptrons over tokens. Default: from the variant. */
  tokensMlpDim: whole.optional(),
  /** Width inside the perceptrons over channels. Default: from the variant. */
  channelsMlpDim: whole.optional(),
  /** The rate at which the last block's branches are dropped; earlier blocks' grow linearly from 0. Default: 0. */
  stochDepth: rate.optional(),
});

/** Options of {@link mlpMixer}. */
export type MlpMixerOptions = Readonly<z.output<typeof mlpMixerSchema>>;

function fromVariant(variant: string): Shape & { readonly patchSize: readonly [number, number] } {
  const [, name, patch] = /^([^/]*)\/([1-9]\d*)$/.exec(variant) ?? [];
  if (name === undefined) {
    throw new OcelliError(
      "config",
      `the Mixer variant "${variant}" must be SIZE/PATCH, as in "B/16".`,
      { given: variant },
    );
  }
  if (!Object.hasOwn(MIXER_VARIANTS, name)) {
    throw unknownName("Mixer variant", name, Object.keys(MIXER_VARIANTS), "config");
  }
  return { ...MIXER_VARIANTS[name], patchSize: [Number(patch), Number(patch)] };
}

/** A perceptron over the last axis, back to its extent. */
const mlp = layer((scope, x: Tensor, hidden: number): Tensor => {
  const inner = gelu(dense(scope.at("Dense_0"), x, hidden));
  return dense(scope.at("Dense_1"), inner, x.shape.at(-1)!);
});

/** Mixes tokens, then channels, each behind a normalisation and around a residual. x [batch, tokens, channels]. */
const mixerBlock = layer(
  (scope, x: Tensor, { tokensMlpDim, channelsMlpDim }: Shape, rate: number): Tensor => {
    const drop = (i: number, branch: Tensor): Tensor =>
      stochasticDepth(scope.at(`StochasticDepth_${i}`), branch, rate);
    const turned = swapAxes(layerNorm(scope.at("LayerNorm_0"), x), 1, 2); // [batch, channels, tokens]
    const tokens = swapAxes(mlp(scope.at("token_mixing"), turned, tokensMlpDim), 1, 2);
    const mixed = add(x, drop(0, tokens));
    const normal = layerNorm(scope.at("LayerNorm_1"), mixed);
    const channels = mlp(scope.at("channel_mixing"), normal, channelsMlpDim);
    return add(mixed, drop(1, channels));
  },
);

/**
 * An MLP-Mixer: image [batch, height, width, channels] to `[logits, out]`, logits [batch, classes].
 * Its token perceptrons fit the one image size that they were made for.
 *
 * @example
 * const model = mlpMixer({ variant: "B/16", numClasses: 1000, stochDepth: 0.1 });
 */
export function mlpMixer({ variant = "B/16", ...given }: MlpMixerOptions = {}): ImageModel {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const options = {
    stochDepth: 0,
    ...fromVariant(variant),
    ...(Object.fromEntries(present) as typeof given),
  };
  const { numBlocks, hiddenDim, stochDepth } = options;
  return layer((scope, image: Tensor): ModelOutput => {
    const window = { kernel: options.patchSize, strides: options.patchSize };
    const stem = conv(scope.at("stem"), image, hiddenDim, window); // padded to whole patches
    const [batch, rows, columns] = stem.shape;
    const tokens = reshape(stem, [batch, rows * columns, hiddenDim]);
    const out: Record<string, Tensor> = { stem, input_tokens: tokens };
    let x = tokens; // [batch, tokens, channels]
    for (let i = 0; i < numBlocks; i++) {
      const rate = (i / Math.max(numBlocks - 1, 1)) * stochDepth;
      x = out[`block_${i}`] = mixerBlock(scope.at("MixerBlock", i), x, options, rate);
    }
    const pooled = mean(layerNorm(scope.at("pre_head_layer_norm"), x), 1); // [batch, channels]
    out["pre_logits"] = pooled;
    const logits = classify(scope, pooled, options, true);
    return logits ? [logits, { ...out, logits }] : [pooled, out];
  });
}

/** MLP-Mixer in a configuration. */
export const mlpMixerModel = defineModel({
  name: "mlp-mixer",
  schema: mlpMixerSchema,
  sizes: patched(MIXER_VARIANTS),
  create: mlpMixer,
});
