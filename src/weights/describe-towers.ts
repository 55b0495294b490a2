/**
 * @file What the configuration beside published weights of two towers says: SigLIP, SigLIP 2 and CLIP of transformers,
 * as our models and back.
 *
 * @see https://huggingface.co/docs/transformers/model_doc/siglip, …/siglip2 and …/clip (config.json)
 */

import { z } from "zod";
import type { DescribedModel } from "./describe.ts";

const whole = z.int().min(1).max(65_536);
const layers = z.int().min(1).max(1024);

/** Names of activations there, and ours. */
const ACTIVATIONS = {
  gelu: "gelu",
  gelu_pytorch_tanh: "gelu-tanh",
  gelu_new: "gelu-tanh",
  quick_gelu: "quick-gelu",
} as const;
const activation = z.enum(Object.keys(ACTIVATIONS) as (keyof typeof ACTIVATIONS)[]);

/** A tower's sizes; missing ones are the library's own. */
const towerOf = (width: number, heads: number, act: keyof typeof ACTIVATIONS, epsilon: number) => ({
  hidden_size: whole.default(width),
  num_hidden_layers: layers.default(12),
  num_attention_heads: whole.default(heads),
  intermediate_size: whole.default(4 * width),
  hidden_act: activation.default(act),
  layer_norm_eps: z.number().positive().default(epsilon),
});

type Tower = z.output<z.ZodObject<ReturnType<typeof towerOf>>>;

const shapeOf = (one: Tower) => ({
  width: one.hidden_size,
  depth: one.num_hidden_layers,
  mlpDim: one.intermediate_size,
  numHeads: one.num_attention_heads,
  activation: ACTIVATIONS[one.hidden_act],
  epsilon: one.layer_norm_eps,
});

const tokens = (vocabulary: number, length: number) => ({
  vocab_size: z.int().min(1).max(2_000_000).default(vocabulary),
  max_position_embeddings: whole.default(length),
});

const siglip = towerOf(768, 12, "gelu_pytorch_tanh", 1e-6);
const siglipText = z
  .object({ ...siglip, ...tokens(32_000, 64), projection_size: whole.optional() })
  .prefault({});

const siglipTextOptions = (one: z.output<typeof siglipText>) => ({
  ...{ name: "text-transformer", ...shapeOf(one), poolType: "last" },
  ...{ vocabSize: one.vocab_size, maxLength: one.max_position_embeddings },
});

/** A temperature and a bias at first, which weights replace. */
const SIGMOID = { temperatureInit: 10, biasInit: -10 };

const hfSiglip = z
  .object({
    model_type: z.literal("siglip"),
    text_config: siglipText,
    vision_config: z
      .object({
        ...siglip,
        patch_size: whole.default(16),
        vision_use_head: z.literal(true).default(true),
      })
      .prefault({}),
  })
  .transform(({ text_config: text, vision_config: image }) => ({
    image: {
      ...{ name: "vit", ...shapeOf(image), poolType: "map" },
      patchSize: [image.patch_size, image.patch_size],
    },
    text: siglipTextOptions(text),
    outDim: [null, text.projection_size ?? text.hidden_size],
    ...SIGMOID,
  }));

const hfSiglip2 = z
  .object({
    model_type: z.literal("siglip2"),
    text_config: siglipText,
    vision_config: z
      .object({
        ...siglip,
        num_patches: whole.default(256).refine((count) => Number.isInteger(Math.sqrt(count))),
        vision_use_head: z.literal(true).default(true),
      })
      .prefault({}),
  })
  .transform(({ text_config: text, vision_config: image }) => ({
    image: {
      ...{ name: "naflex-vit", ...shapeOf(image), poolType: "map" },
      nposemb: Math.sqrt(image.num_patches),
    },
    text: siglipTextOptions(text),
    outDim: [null, text.projection_size ?? text.hidden_size],
    ...SIGMOID,
  }));

/** The end of a text in configurations written before the library knew the tokenizer's: the largest id is meant. */
const UNKNOWN_END = 2;

const hfClip = z
  .object({
    model_type: z.literal("clip"),
    projection_dim: whole.default(512),
    logit_scale_init_value: z.number().default(2.6592),
    text_config: z
      .object({
        ...towerOf(512, 8, "quick_gelu", 1e-5),
        ...tokens(49_408, 77),
        eos_token_id: z.int().min(0).default(49_407),
      })
      .prefault({}),
    vision_config: z
      .object({ ...towerOf(768, 12, "quick_gelu", 1e-5), patch_size: whole.default(32) })
      .prefault({}),
  })
  .transform(({ projection_dim: width, logit_scale_init_value: scale, ...towers }) => {
    const { text_config: text, vision_config: image } = towers;
    const end = text.eos_token_id === UNKNOWN_END ? {} : { eosId: text.eos_token_id };
    return {
      image: {
        ...{ name: "vit", ...shapeOf(image), poolType: "tok" },
        patchSize: [image.patch_size, image.patch_size],
        ...{ preNorm: true, patchBias: false, headBias: false },
      },
      text: {
        ...{ name: "text-transformer", ...shapeOf(text), poolType: "eos", ...end },
        ...{ vocabSize: text.vocab_size, maxLength: text.max_position_embeddings },
        ...{ causal: true, headBias: false },
      },
      outDim: width,
      temperatureInit: Math.exp(scale),
    };
  });

const TOWERS = z.union([hfSiglip, hfSiglip2, hfClip]);

/** Published two towers. */
export interface DescribedTowers {
  /** `two-towers` with its options. */
  readonly model: DescribedModel;
  /** The layout of the weights, for `unfitWeights`. */
  readonly layout: string;
}

/**
 * The two towers that a `config.json` of transformers describes; undefined where it is of none that are known here.
 *
 * @example
 * describeTowers({ model_type: "siglip" })?.model.name; // "two-towers"
 */
export function describeTowers(config: unknown): DescribedTowers | undefined {
  const { data } = TOWERS.safeParse(config);
  if (!data) return undefined;
  const isClip = (config as { model_type?: unknown }).model_type === "clip";
  return {
    model: { name: "two-towers", ...data },
    layout: isClip ? "transformers CLIP" : "transformers SigLIP",
  };
}
