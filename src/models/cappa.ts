/**
 * @file CapPa: an image encoder taught by a decoder that writes the caption, word after word or all words at once.
 *
 * Paper: Tschannen et al. 2023, "Image Captioners Are Scalable Vision Learners Too", arXiv:2306.07915. Matches
 * big_vision/models/proj/cappa/cappa.py: names, layouts, numbers. Largest difference measured in float32
 * (`npm run parity -- tests/golden/cappa`): outputs 4.1e-7, gradients 1.9e-6 of an array's maximum.
 */

import { z } from "zod";
import {
  type Tensor,
  argSort,
  broadcastTo,
  convert,
  less,
  logicalOr,
  pad,
  reshape,
  select,
  sliceAxis,
  uniform,
} from "../graph/index.ts";
import { OcelliError } from "../errors.ts";
import { type Scope, causalMask, layer } from "../nn/index.ts";
import { type Tree, toFlat } from "../tree.ts";
import { type DecoderOptions, cachedDecoder, decode } from "./cappa-decoder.ts";
import { defineFieldModel, fieldOf } from "./define.ts";
import type { Writer } from "./generation/index.ts";
import type { FieldModel, ModelOutput } from "./model.ts";
import { layers, rate, whole } from "./option-kinds.ts";
import { positionEmbedding } from "./posemb.ts";
import { settleVit, vitKeys } from "./vit-options.ts";
import { vit } from "./vit.ts";

const cappaSchema = z.strictObject({
  /** The image encoder, a vit with its options. Default: one of the default size. */
  encoder: z.strictObject(vitKeys).omit({ numClasses: true }).optional(),
  /** The decoder. Default: each size as the encoder has it. */
  decoder: z
    .strictObject({
      /** Channels of a token. Default: as the encoder. */
      width: whole.optional(),
      /** How many blocks there are. Default: as the encoder. */
      depth: layers.optional(),
      /** Width inside the feed-forward blocks. Default: as the encoder. */
      mlpDim: whole.optional(),
      /** Heads of the attention. Default: as the encoder. */
      numHeads: whole.optional(),
      /** The rate at which values are dropped in training. Default: 0. */
      dropout: rate.optional(),
      /** Whether normalisations and feed-forward blocks have biases; attention never has. Default: true. */
      bias: z.boolean().optional(),
      /** One scan over stacked blocks. Default: false. */
      scan: vitKeys.scan,
      /** What of a block is kept for the backward pass. Default: "everything"; with `scan` "nothing". */
      rematPolicy: vitKeys.rematPolicy,
    })
    .optional(),
  /** How many tokens are known. Default: 32000. */
  vocabSize: z.int().min(1).max(2_000_000).optional(),
  /** The longest text in tokens. Default: 64. */
  seqLen: whole.optional(),
  /** The part of examples that are predicted all at once, from masked tokens, in training. Default: 0. */
  maskedPredProb: z.number().min(0).max(1).optional(),
  /** The part of such an example's tokens that are masked. Default: 1. */
  maskingRatio: z.number().min(0).max(1).optional(),
});

/** Options of {@link cappa}. */
export type CappaOptions = Readonly<z.output<typeof cappaSchema>>;

/** Tokens moved right by one, a 0 in front: what a decoder has read when it writes each. text [batch, length]. */
export const shiftRight = (text: Tensor): Tensor =>
  sliceAxis(
    pad(
      text,
      [
        [0, 0],
        [1, 0],
      ],
      0,
    ),
    1,
    0,
    text.shape[1],
  );

/** What the decoder reads, int32 [batch, length], and which pairs of its tokens may attend. */
function readTokens(
  scope: Scope,
  text: Tensor,
  { vocabSize = 32_000, maskedPredProb = 0, maskingRatio = 1 }: CappaOptions,
): { readonly tokens: Tensor; readonly mask: Tensor } {
  const [batch, length] = text.shape;
  const shifted = shiftRight(text);
  const causal = causalMask(length);
  if (!scope.train || maskedPredProb === 0) return { tokens: shifted, mask: causal };
  const chosen = less(uniform(scope.key("parallel"), [batch, 1]), maskedPredProb); // [batch, 1]
  const count = Math.floor(maskingRatio * length);
  const ranks = argSort(argSort(uniform(scope.key("masked"), text.shape), 1), 1);
  const masked = select(less(ranks, count), vocabSize, text);
  const pairs = [batch, 1, length, length];
  return {
    tokens: select(broadcastTo(chosen, text.shape), masked, shifted),
    mask: logicalOr(
      broadcastTo(reshape(chosen, [batch, 1, 1, 1]), pairs),
      broadcastTo(causal, pairs),
    ),
  };
}

/** The encoder, the decoder's shape with its defaults, and the places of its tokens. */
function settle(options: CappaOptions) {
  const { vocabSize: vocabulary = 32_000, seqLen = 64, maskedPredProb = 0 } = options;
  const { width, depth, mlpDim, numHeads, posemb } = settleVit(options.encoder ?? {});
  const { scan = false, bias = true, ...given } = options.decoder ?? {};
  const shape: DecoderOptions = {
    ...{ width, depth, mlpDim, numHeads, dropout: 0, bias, scan },
    ...{ vocabulary, known: vocabulary + (maskedPredProb > 0 ? 1 : 0) },
    rematPolicy: scan ? "nothing" : "everything",
    ...(Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as typeof given),
  };
  const encoder = vit(options.encoder);
  return {
    ...{ seqLen, shape },
    encode: (scope: Scope, fields: Readonly<Record<string, Tensor>>) =>
      encoder(scope.at("encoder"), fieldOf("cappa", fields, "image")),
    /** [1, seqLen, width] */
    positions: (scope: Scope) =>
      positionEmbedding(scope, posemb, [1, seqLen], shape.width, "pos_embedding_decoder"),
  };
}

/**
 * An encoder with a decoder: fields `image` [batch, height, width, channels] and `text`, int32 [batch, length] as it
 * should be written, to `[logits, out]`, logits [batch, length, vocabulary] of each token by those before it. In training
 * `maskedPredProb` of the examples are read as masked tokens that all see one another. Without `text` the output is the
 * encoder's. `out` holds `encoded` [batch, tokens, width], `pre_logits` and what else the encoder gives under `encoder`.
 *
 * @throws an error where a text is longer than `seqLen`
 */
export function cappa(options: CappaOptions = {}): FieldModel {
  const { seqLen, shape, encode, positions } = settle(options);
  return layer((scope, fields): ModelOutput => {
    const [features, inner] = encode(scope, fields);
    const { encoded, pre_logits: preLogits } = toFlat<Tensor>(inner);
    const out: Record<string, Tree<Tensor>> = { encoder: inner, encoded, pre_logits: preLogits };
    if (!Object.hasOwn(fields, "text")) return [features, out];
    const { text } = fields;
    const length = text.shape[1];
    if (length > seqLen) {
      throw new OcelliError(
        "shape",
        `texts of ${length} tokens are longer than the ${seqLen} positions of the model.`,
        { given: length, valid: [`up to ${seqLen}`] },
      );
    }
    const places = sliceAxis(positions(scope), 1, 0, length);
    const read = readTokens(scope, convert(text, "int32"), options);
    const logits = decode(scope.at("decoder"), encoded, read, places, shape);
    return [logits, { ...out, logits }];
  });
}

/** Writes texts with the arrays of {@link cappa}: greedy writing gives the likeliest of its logits at each place. */
function cappaWriter(options: CappaOptions = {}): Writer {
  const { seqLen: limit, shape, encode, positions } = settle(options);
  const decoder = cachedDecoder(shape);
  return {
    ...{ limit, rowAxis: decoder.rowAxis, caches: decoder.caches },
    read(scope, fields) {
      const [, out] = encode(scope, fields);
      return decoder.read(scope.at("decoder"), toFlat<Tensor>(out).encoded);
    },
    next: (scope, step) => decoder.next(scope.at("decoder"), step, positions(scope)),
  };
}

/** CapPa in a configuration. */
export const cappaModel = defineFieldModel({
  name: "cappa",
  schema: cappaSchema,
  takes: ["image", "text"],
  weightsOf: ["big_vision"],
  parts: ({ encoder }) => ({ encoder: { ...encoder, name: "vit" } }),
  create: cappa,
  writer: cappaWriter,
});
