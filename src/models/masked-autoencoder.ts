/**
 * @file What a masked autoencoder adds to a vision transformer: which patches are seen, and the decoder of the others.
 *
 * Paper: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377. Matches transformers'
 * ViTMAEForPreTraining (`npm run parity -- tests/golden/hf_vit_mae`).
 */

import {
  type Tensor,
  add,
  argSort,
  broadcastTo,
  concatenate,
  convert,
  gather,
  greaterEqual,
  sliceAxis,
  zeros,
} from "../graph/index.ts";
import { type Scope, dense, layer, normal, xavierUniform } from "../nn/index.ts";
import { type Posemb, sincos2d } from "./posemb.ts";
import { settleVit } from "./vit-options.ts";
import { encoder } from "./vit.ts";

/** Which patches are seen. */
export interface RandomMask {
  /** The places that are seen, in the order of their noise: int32 [batch, kept]. */
  readonly kept: Tensor;
  /** Where each patch stands in the order of the noise: int32 [batch, patches]. */
  readonly restore: Tensor;
  /** 1 where a patch is not seen, float32 [batch, patches]. */
  readonly mask: Tensor;
}

/**
 * The patches of smallest noise are seen: ⌊patches · (1 − ratio)⌋ of them.
 *
 * @param noise [batch, patches]
 */
export function maskByNoise(noise: Tensor, ratio: number): RandomMask {
  const count = keptOf(noise.shape[1], ratio);
  const order = argSort(noise, 1);
  const restore = argSort(order, 1);
  return {
    kept: sliceAxis(order, 1, 0, count),
    restore,
    mask: convert(greaterEqual(restore, count), "float32"),
  };
}

/** How many of the patches are seen. */
export const keptOf = (patches: number, ratio: number): number =>
  Math.floor(patches * (1 - ratio) + 1e-9);

/** The shape of a decoder. */
export interface DecoderOptions {
  readonly width: number;
  readonly depth: number;
  readonly numHeads: number;
  readonly mlpDim?: number;
  readonly epsilon?: number;
  /** "learn" owns `pos_embedding` [1, tokens, width]; "sincos2d" has zeros for the class token. */
  readonly posemb: Posemb;
}

/** Positions of the tokens before the patches and of a grid, [1, prefix + rows · columns, width]. */
function placesOf(
  scope: Scope,
  prefix: number,
  [rows, columns]: readonly [number, number],
  { posemb, width }: DecoderOptions,
): Tensor {
  if (posemb === "learn") {
    return scope.param("pos_embedding", normal(0.02), [1, prefix + rows * columns, width]);
  }
  const places = sincos2d(rows, columns, width);
  return prefix > 0 ? concatenate([zeros([1, prefix, width]), places], 1) : places;
}

/**
 * The decoder: embeds what the encoder gives, puts a learned token where a patch was not seen, and predicts the values of each
 * patch.
 *
 * @param seen the tokens before the patches and the seen patches, [batch, prefix + kept, features]
 * @param grid rows and columns of all patches
 * @param values how many values a patch has
 * @returns [batch, patches, values]
 */
export const maskedDecoder = layer(
  (
    scope,
    seen: Tensor,
    { kept, restore }: Pick<RandomMask, "kept" | "restore">,
    grid: readonly [rows: number, columns: number],
    values: number,
    options: DecoderOptions,
  ): Tensor => {
    const { width } = options;
    const [batch, patches] = restore.shape;
    const settings = { kernelInit: xavierUniform };
    const embedded = dense(scope.at("embed"), seen, width, settings);
    const count = kept.shape[1];
    const prefix = seen.shape[1] - count;
    const token = scope.param("mask_token", normal(0.02), [1, 1, width]);
    const known = prefix > 0 ? sliceAxis(embedded, 1, prefix) : embedded;
    const inOrder =
      count < patches
        ? concatenate([known, broadcastTo(token, [batch, patches - count, width])], 1)
        : known;
    const restored = gather(inOrder, restore, { axis: 1, batchDims: 1 });
    const all =
      prefix > 0 ? concatenate([sliceAxis(embedded, 1, 0, prefix), restored], 1) : restored;
    const placed = add(all, broadcastTo(placesOf(scope, prefix, grid, options), all.shape));
    const { depth, numHeads, mlpDim, epsilon } = options;
    const shape = settleVit({ width, depth, numHeads, mlpDim, epsilon, activation: "gelu" });
    const [decoded] = encoder(scope.at("Transformer"), placed, shape);
    const predicted = dense(scope.at("pred"), decoded, values, settings);
    return prefix > 0 ? sliceAxis(predicted, 1, prefix) : predicted;
  },
);
