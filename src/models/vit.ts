/**
 * @file The vision transformer.
 *
 * Paper: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929; the plain baseline with
 * sincos2d and GAP is Beyer et al. 2022, arXiv:2205.01580; the MAP head and the larger sizes are Zhai et al. 2022,
 * arXiv:2106.04560; the parallel block and the normalised queries and keys are Dehghani et al. 2023 (ViT-22B),
 * arXiv:2302.05442, the latter under flax's names. Matches big_vision/models/vit.py: names, layouts, numbers. Largest
 * difference measured in float32 (`npm run parity -- tests/golden/vit`): outputs 2.1e-6, gradients 1.9e-6 of an array's
 * maximum. Its options are in `vit-options.ts`, its tokens before the patches in `vit-tokens.ts`.
 */

import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  broadcastTo,
  concatenate,
  convert,
  indexAxis,
  mean,
  mul,
  reshape,
  saveDots,
  saveNothing,
  sliceAxis,
  tanh,
} from "../graph/index.ts";
import {
  type LayerBody,
  type Scope,
  attend,
  constantValue,
  dense,
  dropPath,
  dropout,
  layer,
  mapHead,
  mlpBlock,
  normalisation,
  patchEmbedding,
  rematLayer,
  swiGluBlock,
  xavierUniform,
  zerosInit,
} from "../nn/index.ts";
import { type Tree, mapTree } from "../tree.ts";
import { ACTIVATIONS } from "./activations.ts";
import { classify } from "./classifier.ts";
import { defineModel } from "./define.ts";
import type { ImageCall, ImageModel, ModelOutput } from "./model.ts";
import { patched } from "./option-kinds.ts";
import { positionEmbedding } from "./posemb.ts";
import { type SettledVit, type VitOptions, settleVit, vitSchema } from "./vit-options.ts";
import { hidePatches, keepPatches, prefixLength, withPrefix } from "./vit-tokens.ts";
import { VIT_VARIANTS } from "./vit-variants.ts";

/** What an encoder takes beside its options, from families that are built on it. */
export interface EncoderParts {
  /** Added to the scores of a block's attention, [1, heads, tokens, tokens]. */
  readonly scoreBias?: (scope: Scope) => Tensor;
  /** Which pairs of tokens may attend, bool; broadcasts to [batch, heads, queries, keys]. Default: all. */
  readonly where?: Tensor;
}

type EncoderOptions = SettledVit & EncoderParts;

/** The learned factors of a branch's channels, where there are such. */
const scaled = (scope: Scope, name: string, x: Tensor, { layerScale }: SettledVit): Tensor => {
  if (layerScale === undefined || layerScale === null) return x;
  const factors = scope.param(name, constantValue(layerScale), [x.shape.at(-1)!]);
  return mul(x, broadcastTo(convert(factors, x.dtype), x.shape));
};

/**
 * Self-attention and feed-forward, each behind a normalisation and around a residual; in parallel form both behind
 * the first normalisation and around one residual. x [batch, tokens, width].
 */
const encoderBlock = layer(
  (scope, x: Tensor, options: EncoderOptions, dropRate: number): ModelOutput => {
    const { numHeads, mlpDim, dropout: rate, parallel, qkNorm, qkvBias, dtypeMm: dtype } = options;
    const { epsilon, norm, feedForward, scoreBias, where } = options;
    const normal = normalisation(norm, scope.at("LayerNorm_0"), x, { epsilon });
    const { result: attended, weights: attention } = attend(
      scope.at("MultiHeadDotProductAttention_0"),
      normal,
      normal,
      {
        heads: numHeads,
        kernelInit: xavierUniform,
        dtype,
        qkNorm: qkNorm && norm,
        qkvBias,
        mask: scoreBias?.(scope.at("MultiHeadDotProductAttention_0")),
        where,
      },
    );
    const branch = (i: number, y: Tensor): Tensor => {
      const kept = dropout(scope.at(`Dropout_${i}`), y, rate);
      return dropPath(
        scope.at(`DropPath_${i}`),
        scaled(scope, `layer_scale_${i}`, kept, options),
        dropRate,
      );
    };
    const sa = branch(0, attended);
    const mixed = add(x, sa);
    const input = parallel
      ? normal
      : normalisation(norm, scope.at("LayerNorm_1"), mixed, { epsilon });
    const settings = { hidden: mlpDim, dropout: rate, dtype };
    const fed =
      feedForward === "swiglu"
        ? swiGluBlock(scope.at("MlpBlock_0"), input, settings)
        : mlpBlock(scope.at("MlpBlock_0"), input, {
            ...settings,
            activation: ACTIVATIONS[options.activation],
          });
    const mlp = branch(1, fed);
    const result = add(mixed, mlp);
    return [result, { attention, sa: attended, "+sa": mixed, mlp: fed, "+mlp": result }];
  },
);

/** The stack of blocks and, where it is not behind the pooling, a last normalisation. x [batch, tokens, width]. */
export const encoder = layer((scope, x: Tensor, options: EncoderOptions): ModelOutput => {
  const { depth, scan, rematPolicy, norm, epsilon, dropPath: last, poolNorm } = options;
  if (scan && last > 0) {
    throw new OcelliError("config", "dropPath is not for scanned blocks.", {
      hint: "Leave scan out.",
    });
  }
  const block = (dropRate: number): LayerBody => {
    const body: LayerBody = (inner, z) => encoderBlock(inner, z, options, dropRate);
    return rematPolicy === "everything"
      ? body
      : rematLayer(body, rematPolicy === "dots" ? saveDots : saveNothing);
  };
  const out: Record<string, Tree<Tensor>> = {};
  const name = (i: number): string => `block${String(i).padStart(2, "0")}`;
  let state = x;
  if (scan) {
    const [end, stacked] = scope.scan("encoderblock", depth, block(0), x);
    for (let i = 0; i < depth; i++) out[name(i)] = mapTree(stacked, (y) => indexAxis(y, 0, i));
    state = end;
  } else {
    for (let i = 0; i < depth; i++) {
      const dropRate = depth > 1 ? (last * i) / (depth - 1) : last;
      [state, out[name(i)]] = block(dropRate)(scope.at("encoderblock", i), state);
    }
    out["pre_ln"] = state;
  }
  if (poolNorm) return [state, out];
  return [normalisation(norm, scope.at("encoder_norm"), state, { epsilon }), out];
});

/** The tokens of the patches among all, [batch, patches, width]. */
const patchTokens = (tokens: Tensor, options: SettledVit): Tensor => {
  const prefix = prefixLength(options);
  return prefix > 0 ? sliceAxis(tokens, 1, prefix) : tokens;
};

/** Tokens [batch, tokens, width] to what the head takes, `pooled` [batch, width] or all tokens, and intermediates. */
function pool(
  scope: Scope,
  tokens: Tensor,
  options: SettledVit,
): { pooled: Tensor; out?: Record<string, Tensor> } {
  const { poolType, numHeads: heads, mlpDim: hidden, epsilon, norm } = options;
  const average = (): Tensor => mean(patchTokens(tokens, options), 1);
  switch (poolType) {
    case "map": {
      const activation = ACTIVATIONS[options.activation];
      const settings = { heads, hidden, epsilon, norm, activation };
      const head = mapHead(scope.at("MAPHead_0"), tokens, settings);
      return { pooled: head.result, out: { attention: head.weights } };
    }
    case "gap":
      return { pooled: average() };
    case "tok":
    case "0":
      return { pooled: indexAxis(tokens, 1, 0) };
    case "tok+gap":
      return { pooled: concatenate([indexAxis(tokens, 1, 0), average()], 1) };
    case "none":
      return { pooled: tokens };
  }
}

/** The normalisation behind the pooling, the tanh layer and the classifier, where there are such, over any leading axes. */
function head(scope: Scope, x: Tensor, { width, repSize, ...options }: SettledVit) {
  const { poolNorm, norm, epsilon } = options;
  const rep = repSize === true ? width : repSize;
  const z = poolNorm ? normalisation(norm, scope.at("pool_norm"), x, { epsilon }) : x;
  const preLogits = rep ? tanh(dense(scope.at("pre_logits"), z, rep)) : z;
  return { preLogits, logits: classify(scope, preLogits, options, true) };
}

/**
 * Encodes a grid of embedded patches and classifies: the model after its stem.
 *
 * @param stem [batch, rows, columns, width]
 * @param positions [1, rows · columns, width]; none where absent
 */
export function encodeGrid(
  scope: Scope,
  stem: Tensor,
  positions: Tensor | undefined,
  options: EncoderOptions,
  call: ImageCall = {},
): ModelOutput {
  const { width, poolType, dtypeMm } = options;
  const [batch, rows, columns] = stem.shape;
  const cells = hidePatches(scope, reshape(stem, [batch, rows * columns, width]), call);
  const placed = positions
    ? add(cells, broadcastTo(convert(positions, dtypeMm), cells.shape)) // [batch, tokens, width]
    : cells;
  const tokens = withPrefix(scope, keepPatches(placed, call), options);
  const kept = dropout(scope.at("Dropout_0"), tokens, options.dropout);
  const entering = options.preNorm
    ? normalisation(options.norm, scope.at("pre_norm"), kept, { epsilon: options.epsilon })
    : kept;
  const [encoded, blocks] = encoder(scope.at("Transformer"), entering, options);
  const { pooled, out: pooling } = pool(scope, encoded, options);
  const flat = head(scope, pooled, options);
  const local = patchTokens(encoded, options);
  const out: Record<string, Tree<Tensor>> = {
    ...{ stem, with_posemb: placed, encoder: blocks, encoded, pre_logits: flat.preLogits },
    ...{ embedded: tokens, tokens: local },
  };
  if (poolType !== "none") out["head_input"] = pooled;
  if (pooling) out["pooling"] = pooling;
  const logits =
    options.distilled === true ? bothHeads(scope, encoded, flat, options, out) : flat.logits;
  if (call.hidden ?? call.kept) out["seen"] = encoded;
  // a head that reads several tokens has nothing to say of one place
  else if (poolType !== "tok+gap") {
    const grid = head(scope, reshape(local, [batch, rows, columns, width]), options);
    out["pre_logits_2d"] = grid.preLogits;
    if (grid.logits) out["logits_2d"] = grid.logits;
  } else out["pre_logits_2d"] = reshape(local, [batch, rows, columns, width]);
  if (logits) out["logits"] = logits;
  return [logits ?? flat.preLogits, out];
}

/** The mean of the logits of the class token and of the distillation token, both of which `out` takes. */
function bothHeads(
  scope: Scope,
  encoded: Tensor,
  { logits }: ReturnType<typeof head>,
  options: SettledVit,
  out: Record<string, Tree<Tensor>>,
): Tensor | undefined {
  const { numClasses } = options;
  const token = indexAxis(encoded, 1, 1);
  out["distilled"] = token;
  if (!logits || !numClasses) return undefined;
  const second = dense(scope.at("head_dist"), token, numClasses, {
    kernelInit: zerosInit,
  });
  out["cls_logits"] = logits;
  out["distillation_logits"] = second;
  return mul(add(logits, second), 0.5);
}

/**
 * A vision transformer: image [batch, height, width, channels] to `[logits, out]`, logits [batch, classes].
 *
 * @example
 * const model = vit({ variant: "S/16", numClasses: 1000, posemb: "sincos2d", repSize: true });
 */
export function vit(given: VitOptions = {}): ImageModel {
  const options = settleVit(given);
  const { width, patchSize, posemb, dtypeMm: dtype, patchBias: bias } = options;
  return layer((scope, image: Tensor, call?: ImageCall): ModelOutput => {
    const pixels = convert(image, dtype);
    const stem = patchEmbedding(scope.at("embedding"), pixels, width, patchSize, { dtype, bias });
    const grid = [stem.shape[1], stem.shape[2]] as const;
    return encodeGrid(scope, stem, positionEmbedding(scope, posemb, grid, width), options, call);
  });
}

/** Libraries whose vision transformers are read. */
export const VIT_WEIGHTS = ["vision_transformer", "timm", "transformers", "SigLIP"] as const;

/** The vision transformer in a configuration. */
export const vitModel = defineModel({
  name: "vit",
  schema: vitSchema,
  sizes: patched(VIT_VARIANTS),
  weightsOf: VIT_WEIGHTS,
  create: vit,
  settle: settleVit,
  positions(options, [height, width]) {
    const { patchSize } = settleVit(options);
    return [Math.floor(height / patchSize[0]), Math.floor(width / patchSize[1])];
  },
});
