/** @file The options of a vision transformer, of families that are built on it, and their defaults. */

import { z } from "zod";
import { NORM_NAMES } from "../nn/index.ts";
import { activationKey } from "./activations.ts";
import { type ClassifierOptions, classifierKeys } from "./classifier.ts";
import { anyOf, extents, formed, layers, rate, whole } from "./option-kinds.ts";
import { POSEMBS } from "./posemb.ts";
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

/** The keys of a vision transformer's schema, which families that are built on it have too. */
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

/** The schema of {@link VitOptions}. */
export const vitSchema = z.strictObject({
  ...vitKeys,
  /** The patch embedding has a bias. Default: true. */
  patchBias: z.boolean().optional(),
});

/** Options of a vision transformer. */
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
