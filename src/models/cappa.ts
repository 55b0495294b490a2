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
  add,
  argSort,
  broadcastTo,
  convert,
  less,
  logicalOr,
  pad,
  reshape,
  saveDots,
  saveNothing,
  select,
  sliceAxis,
  take,
  uniform,
} from "../graph/index.ts";
import { OcelliError } from "../errors.ts";
import {
  type LayerBody,
  type Scope,
  attend,
  causalMask,
  dense,
  dropout,
  embeddingTable,
  layer,
  layerNorm,
  mlpBlock,
  normal,
  rematLayer,
  zerosInit,
} from "../nn/index.ts";
import { type Tree, toFlat } from "../tree.ts";
import { defineFieldModel, fieldOf } from "./define.ts";
import type { FieldModel, ModelOutput } from "./model.ts";
import { layers, rate, whole } from "./option-kinds.ts";
import { positionEmbedding } from "./posemb.ts";
import { settleVit, vit, vitKeys } from "./vit.ts";

const cappaSchema = z.strictObject({
  /** The image encoder, a vit with its options. Default: one of the default size. */
  encoder: z.strictObject(vitKeys).omit({ numClasses: true }).optional(),
  /** The decoder. Default: what is not given is as the encoder has it. */
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

/** A decoder's shape. */
interface DecoderOptions {
  readonly width: number;
  readonly depth: number;
  readonly mlpDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly bias: boolean;
  readonly scan: boolean;
  readonly rematPolicy: "everything" | "dots" | "nothing";
}

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

/** Self-attention, attention to the image, feed-forward, each behind a normalisation and around a residual. */
const decoderBlock = layer(
  (scope, x: Tensor, encoded: Tensor, mask: Tensor, options: DecoderOptions): Tensor => {
    const { numHeads: heads, bias, mlpDim: hidden, dropout: rate } = options;
    const norm = (i: number, z: Tensor): Tensor =>
      layerNorm(scope.at(`LayerNorm${i}`), z, { bias });
    const drop = (i: number, z: Tensor): Tensor => dropout(scope.at("Dropout", i), z, rate);
    const plain = { heads, qkvBias: false, outBias: false };
    const own = norm(1, x);
    const self = attend(scope.at("SelfAttn"), own, own, { ...plain, where: mask }).result;
    const read = add(x, drop(0, self)); // [batch, length, width]
    const cross = attend(scope.at("CrossAttn"), norm(2, read), encoded, plain).result;
    const seen = add(read, drop(1, cross));
    return add(seen, mlpBlock(scope.at("MLP"), norm(3, seen), { hidden, dropout: rate, bias }));
  },
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

/** Scores of the next token at each place, [batch, length, vocabulary]. */
const decode = layer(
  (
    scope,
    encoded: Tensor,
    tokens: Tensor,
    mask: Tensor,
    positions: Tensor,
    { vocabulary, known }: { readonly vocabulary: number; readonly known: number },
    options: DecoderOptions,
  ): Tensor => {
    const { width, depth, scan, rematPolicy } = options;
    const init = normal(1);
    const table = embeddingTable(scope.at("EmbedTargets"), { vocabulary: known, width, init });
    const embedded = take(table, tokens); // [batch, length, width]
    let x = add(embedded, broadcastTo(positions, embedded.shape));
    const block: LayerBody = (inner, z) => [decoderBlock(inner, z, encoded, mask, options), {}];
    const body =
      rematPolicy === "everything"
        ? block
        : rematLayer(block, rematPolicy === "dots" ? saveDots : saveNothing);
    if (scan) [x] = scope.scan("EncDecBlock", depth, body, x);
    else for (let i = 0; i < depth; i++) [x] = body(scope.at(`EncDecBlock${i}`), x);
    return dense(scope.at("LogitsDense"), layerNorm(scope.at("LayerNorm"), x), vocabulary, {
      kernelInit: zerosInit,
    });
  },
);

/**
 * An encoder with a decoder: fields `image` [batch, height, width, channels] and `text`, int32 [batch, length] as it
 * should be written, to `[logits, out]`, logits [batch, length, vocabulary] of each token by those before it. In training
 * `maskedPredProb` of the examples are read as masked tokens that all see one another. Without `text` the output is the
 * encoder's. `out` holds `encoded` [batch, tokens, width], `pre_logits` and what else the encoder gives under `encoder`.
 *
 * @throws an error where a text is longer than `seqLen`
 */
export function cappa(options: CappaOptions = {}): FieldModel {
  const { vocabSize: vocabulary = 32_000, seqLen = 64, maskedPredProb = 0 } = options;
  const encoder = vit(options.encoder);
  const { width, depth, mlpDim, numHeads, posemb } = settleVit(options.encoder ?? {});
  const { scan = false, bias = true, ...given } = options.decoder ?? {};
  const shape: DecoderOptions = {
    ...{ width, depth, mlpDim, numHeads, dropout: 0, bias, scan },
    rematPolicy: scan ? "nothing" : "everything",
    ...(Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as typeof given),
  };
  const known = vocabulary + (maskedPredProb > 0 ? 1 : 0);
  return layer((scope, fields): ModelOutput => {
    const [features, inner] = encoder(scope.at("encoder"), fieldOf("cappa", fields, "image"));
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
    const all = positionEmbedding(scope, posemb, [1, seqLen], shape.width, "pos_embedding_decoder");
    const positions = sliceAxis(all, 1, 0, length);
    const { tokens, mask } = readTokens(scope, convert(text, "int32"), options);
    const vocabularies = { vocabulary, known };
    const decoder = scope.at("decoder");
    const logits = decode(decoder, encoded, tokens, mask, positions, vocabularies, shape);
    return [logits, { ...out, logits }];
  });
}

/** CapPa in a configuration. */
export const cappaModel = defineFieldModel({
  name: "cappa",
  schema: cappaSchema,
  takes: ["image", "text"],
  weightsOf: ["big_vision"],
  create: cappa,
});
