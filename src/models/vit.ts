/**
 * @file The vision transformer.
 *
 * Paper: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929; the plain baseline with
 * sincos2d and GAP is Beyer et al. 2022, arXiv:2205.01580; the MAP head and the larger sizes are Zhai et al. 2022,
 * arXiv:2106.04560; the parallel block and the normalised queries and keys are Dehghani et al. 2023 (ViT-22B),
 * arXiv:2302.05442, the latter under flax's names. Matches big_vision/models/vit.py: names, layouts, numbers. Largest difference measured in float32
 * (`npm run parity -- tests/golden/vit`): outputs 2.1e-6, gradients 1.9e-6 of an array's maximum.
 */

import { z } from "zod";
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
  NORM_NAMES,
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
import { ACTIVATIONS, activationKey } from "./activations.ts";
import { type ClassifierOptions, classifierKeys, classify } from "./classifier.ts";
import { defineModel } from "./define.ts";
import type { ImageCall, ImageModel, ModelOutput } from "./model.ts";
import { anyOf, extents, formed, layers, patched, rate, whole } from "./option-kinds.ts";
import { POSEMBS, positionEmbedding } from "./posemb.ts";
import { hidePatches, keepPatches, prefixLength, withPrefix } from "./vit-tokens.ts";
import { VIT_VARIANTS, decodeVariant } from "./vit-variants.ts";

/**
 * How tokens become one vector: the mean of the patches, attention by a probe, an extra token, that and the mean side by
 * side, the first token, or not at all.
 */
const POOL_TYPES = ["gap", "map", "tok", "tok+gap", "0", "none"] as const;
export type PoolType = (typeof POOL_TYPES)[number];

/** What of a block is kept for the backward pass; the rest is computed again. */
const REMAT_POLICIES = ["everything", "dots", "nothing"] as const;
export type RematPolicy = (typeof REMAT_POLICIES)[number];

/** The keys of {@link vit}'s schema, which families that are built on it have too. */
export const vitKeys = {
  ...classifierKeys,
  /**
   * A named size, with its patch if given. Options given beside it take precedence. Default: none.
   *
   * @example "S/16"
   */
  variant: formed(
    new RegExp(`^(${anyOf(VIT_VARIANTS)})(/[1-9][0-9]{0,3})?$`),
    `one of ${Object.keys(VIT_VARIANTS).join(", ")}, then /PATCH, as in "S/16"`,
  ).optional(),
  /** Extents of a patch in pixels. Default: [16, 16]; of flexivit, whose stored kernel it is the size of, [32, 32]. */
  patchSize: extents.optional(),
  /** Channels of a token. Default: 768. */
  width: whole.optional(),
  /** How many blocks there are. Default: 12. */
  depth: layers.optional(),
  /** Width inside the feed-forward blocks. Default: 4 × width. */
  mlpDim: whole.nullable().optional(),
  /** Heads of the attention. Default: 12. */
  numHeads: whole.optional(),
  /** How positions are embedded: learned, or by sines and cosines. Default: "learn". */
  posemb: z.enum(POSEMBS).optional(),
  /** A tanh layer before the head: true for the model's width, or its width. Default: false. */
  repSize: z.union([z.boolean(), whole]).optional(),
  /** The rate at which values are dropped in training. Default: 0. */
  dropout: rate.optional(),
  /** Attention and feed-forward side by side on one normalisation, as in ViT-22B. Default: false. */
  parallel: z.boolean().optional(),
  /** Normalises queries and keys, as in ViT-22B. Default: false. */
  qkNorm: z.boolean().optional(),
  /**
   * The normalisation of blocks, queries and keys, and heads; "rmsNorm" has neither bias nor centring, as in ViT-22B.
   * Default: "layerNorm".
   */
  norm: z.enum(NORM_NAMES).optional(),
  /** Query, key and value have biases; "no-key": all but the keys, as in BEiT. Default: true. */
  qkvBias: z.union([z.boolean(), z.literal("no-key")]).optional(),
  /** A token before the patches that stands for the image. Default: of the poolings "tok" and "tok+gap". */
  classToken: z.boolean().optional(),
  /**
   * A second such token with a head, "head_dist"; logits are the mean of both heads', as in DeiT. "token": without the
   * head. Default: false.
   */
  distilled: z.union([z.boolean(), z.literal("token")]).optional(),
  /** How many further learned tokens take part in attention alone, as in DINOv2. Default: 0. */
  registers: z.int().min(0).max(1024).optional(),
  /** The first value of learned factors of each branch's channels, as in DINOv2 and BEiT. Default: no factors. */
  layerScale: z.number().nullable().optional(),
  /** The rate at which the last block's branches are left out in training; that of earlier ones rises from 0. Default: 0. */
  dropPath: rate.optional(),
  /** The feed-forward blocks: two dense layers with GELU between them, or SwiGLU as in DINOv2's largest. Default: "mlp". */
  feedForward: z.enum(["mlp", "swiglu"]).optional(),
  /** The last normalisation comes after the pooling, as in BEiT and fine-tuned MAE. Default: false. */
  poolNorm: z.boolean().optional(),
  /**
   * How tokens become one vector: the mean of the patches, attention by a probe, an extra token, that and the mean side
   * by side, the first token, or not at all. Default: "gap".
   */
  poolType: z.enum(POOL_TYPES).optional(),
  /**
   * The feed-forward blocks' GELU: its tanh form as in big_vision, the exact one as in timm, or x · σ(1.702 x) as in
   * OpenAI's CLIP. Default: "gelu-tanh".
   */
  activation: activationKey.optional(),
  /** A normalisation `pre_norm` of the tokens before the first block, as in CLIP. Default: false. */
  preNorm: z.boolean().optional(),
  /** The epsilon of the normalisations. Default: 1e-6. */
  epsilon: z.number().positive().optional(),
  /** One scan over stacked blocks, which makes a smaller program. Default: false. */
  scan: z.boolean().optional(),
  /**
   * What of a block is kept for the backward pass; the rest is computed again. Default: "everything"; with `scan`
   * "nothing".
   */
  rematPolicy: z.enum(REMAT_POLICIES).optional(),
  /**
   * The dtype of the encoder's products and residual stream; parameters and normalisations are float32.
   * Default: "float32".
   */
  dtypeMm: z.enum(["float32", "bfloat16", "float16"]).optional(),
};

const vitSchema = z.strictObject({
  ...vitKeys,
  /** The patch embedding has a bias. Default: true. */
  patchBias: z.boolean().optional(),
});

/** Options of {@link vit}. */
export type VitOptions = Readonly<z.output<typeof vitSchema>>;

/** Options with their defaults filled in. */
export type SettledVit = ClassifierOptions &
  Required<Omit<VitOptions, "variant" | "mlpDim" | "layerScale" | keyof ClassifierOptions>> & {
    readonly mlpDim: number;
    readonly layerScale?: number | null;
  };

const DEFAULTS = {
  patchSize: [16, 16],
  width: 768,
  depth: 12,
  numHeads: 12,
  posemb: "learn",
  repSize: false,
  dropout: 0,
  parallel: false,
  qkNorm: false,
  norm: "layerNorm",
  qkvBias: true,
  distilled: false,
  registers: 0,
  dropPath: 0,
  feedForward: "mlp",
  poolNorm: false,
  poolType: "gap",
  activation: "gelu-tanh",
  preNorm: false,
  patchBias: true,
  epsilon: 1e-6,
  scan: false,
  dtypeMm: "float32",
} as const;

/** Fills in the defaults: first what a variant says, then big_vision's. */
export function settleVit({ variant, ...given }: VitOptions): SettledVit {
  const named = variant === undefined ? {} : fromVariant(variant);
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const options = { ...DEFAULTS, ...named, ...(Object.fromEntries(present) as typeof given) };
  return {
    ...options,
    mlpDim: options.mlpDim ?? 4 * options.width,
    classToken: options.classToken ?? (hasToken(options.poolType) || options.distilled !== false),
    rematPolicy: options.rematPolicy ?? (options.scan ? "nothing" : "everything"),
  };
}

const hasToken = (poolType: PoolType): boolean => poolType.startsWith("tok");

function fromVariant(variant: string): VitOptions {
  const { heads, patch, ...shape } = decodeVariant(variant);
  return { ...shape, numHeads: heads, ...(patch ? { patchSize: patch } : {}) };
}

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
