/**
 * @file The text transformer of image–text models: a plain encoder over tokens, pooled to one vector.
 *
 * Papers: Zhai et al. 2022, "LiT", arXiv:2111.07991; Zhai et al. 2023, "SigLIP", arXiv:2303.15343; with a causal mask,
 * pooled at the end of the text and with x · σ(1.702 x) it is the text tower of Radford et al. 2021, "CLIP",
 * arXiv:2103.00020. Matches big_vision/models/proj/image_text/text_transformer.py: names, layouts, numbers.
 * Largest difference measured in float32 (`npm run parity -- tests/golden/text_transformer`): outputs 7.2e-7, gradients
 * 1.7e-6 of an array's maximum; of transformers' CLIP (`tests/golden/hf_clip`) 7.5e-7.
 */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  argMax,
  broadcastTo,
  convert,
  dotGeneral,
  equal,
  expandDims,
  indexAxis,
  logicalAnd,
  mean,
  mul,
  notEqual,
  oneHot,
  reduceMax,
  reduceSum,
  sliceAxis,
  take,
} from "../graph/index.ts";
import { type Scope, causalMask, embeddingTable, layer, mapHead, normal } from "../nn/index.ts";
import { type Tree } from "../tree.ts";
import { ACTIVATIONS } from "./activations.ts";
import { classifierKeys, classify } from "./classifier.ts";
import { defineFieldModel, fieldOf } from "./define.ts";
import type { FieldModel, ModelOutput } from "./model.ts";
import { anyOf, formed, whole } from "./option-kinds.ts";
import { VIT_VARIANTS } from "./vit-variants.ts";
import { settleVit, vitKeys } from "./vit-options.ts";
import { encoder } from "./vit.ts";

/** How tokens become one vector. */
const POOLS = ["last", "first", "mean", "gap", "max", "gmp", "map", "eos"] as const;

const { shape: shared } = z.object(vitKeys).pick({
  dropout: true,
  activation: true,
  epsilon: true,
  scan: true,
  rematPolicy: true,
  dtypeMm: true,
});

/** The keys of {@link textTransformer}'s schema. */
const textKeys = {
  ...classifierKeys,
  /** A named size. Options given beside it take precedence. Default: none. */
  variant: formed(
    new RegExp(`^(${anyOf(VIT_VARIANTS)})$`),
    `one of ${Object.keys(VIT_VARIANTS).join(", ")}`,
  ).optional(),
  /** Channels of a token. Default: 512. */
  width: vitKeys.width,
  /** How many blocks there are. Default: 12. */
  depth: vitKeys.depth,
  /** Width inside the feed-forward blocks; null is 4 × width. Default: 2048. */
  mlpDim: vitKeys.mlpDim,
  /** Heads of the attention. Default: 8. */
  numHeads: vitKeys.numHeads,
  /** How many tokens are known. Default: 32000. */
  vocabSize: z.int().min(1).max(2_000_000).optional(),
  /** How many positions are learned; a shorter text takes the first. Default: the length of the text. */
  maxLength: whole.optional(),
  /**
   * How tokens become one vector: the last or the first, their mean ("gap") or maximum ("gmp"), attention by a probe,
   * or the token that ends the text. Default: "last".
   */
  poolType: z.enum(POOLS).optional(),
  /** Of poolType "eos": the id that ends a text, where it stands first. Default: the largest id of each text. */
  eosId: z.int().min(0).optional(),
  /** Each token attends to itself and those before it alone, as in CLIP. Default: false. */
  causal: z.boolean().optional(),
  /** An id that no token attends to, as LiT's padding. Default: none; padding is attended to, as in SigLIP. */
  padId: z.int().min(0).optional(),
  ...shared,
};

const textSchema = z.strictObject(textKeys);

/** Options of {@link textTransformer}. */
export type TextTransformerOptions = Readonly<z.output<typeof textSchema>>;

const DEFAULTS = { width: 512, depth: 12, mlpDim: 2048, numHeads: 8 } as const;

/** The shape and kind of the encoder: what is given, then what the variant says, then the defaults. */
function settleText({ variant, width, depth, mlpDim, numHeads, ...rest }: TextTransformerOptions) {
  const { heads, ...named } = VIT_VARIANTS[variant ?? ""] ?? { heads: undefined };
  const shape = { ...DEFAULTS, ...named, ...(heads === undefined ? {} : { numHeads: heads }) };
  const given = Object.entries({ width, depth, mlpDim, numHeads }).filter(
    ([, value]) => value !== undefined,
  );
  const { dropout, activation, epsilon, scan, rematPolicy, dtypeMm } = rest;
  const kind = { dropout, activation, epsilon, scan, rematPolicy, dtypeMm };
  return settleVit({ ...shape, ...(Object.fromEntries(given) as typeof shape), ...kind });
}

/** Which pairs of tokens may attend, bool that broadcasts to [batch, heads, queries, keys]; undefined where all may. */
function maskOf(
  text: Tensor,
  given: Tensor | undefined,
  { causal, padId }: TextTransformerOptions,
): Tensor | undefined {
  const keys = [
    padId === undefined ? undefined : notEqual(text, padId),
    given && notEqual(given, 0),
  ].filter((one) => one !== undefined);
  const [batch, length] = text.shape;
  const shape = [batch, 1, length, length];
  const masks = [
    ...keys.map((kept) => expandDims(expandDims(kept, 1), 1)), // [batch, 1, 1, keys]
    ...(causal ? [causalMask(length)] : []),
  ];
  if (masks.length < 2) return masks[0];
  return masks.map((mask) => broadcastTo(mask, shape)).reduce((a, b) => logicalAnd(a, b));
}

/** Tokens [batch, length, width] to one vector each, [batch, width]. */
function pool(
  scope: Scope,
  tokens: Tensor,
  text: Tensor,
  { poolType = "last", eosId }: TextTransformerOptions,
  { numHeads: heads, mlpDim: hidden, epsilon, activation }: ReturnType<typeof settleText>,
): Tensor {
  const length = tokens.shape[1];
  switch (poolType) {
    case "last":
      return indexAxis(tokens, 1, length - 1);
    case "first":
      return indexAxis(tokens, 1, 0);
    case "mean":
    case "gap":
      return mean(tokens, 1);
    case "max":
    case "gmp":
      return reduceMax(tokens, 1);
    case "map": {
      const options = { heads, hidden, epsilon, activation: ACTIVATIONS[activation] };
      return mapHead(scope.at("MAPHead_0"), tokens, options).result;
    }
    case "eos": {
      const marks = eosId === undefined ? text : convert(equal(text, eosId), "int32");
      const place = oneHot(argMax(marks, 1), length, tokens.dtype); // [batch, length]
      return reduceSum(mul(tokens, broadcastTo(expandDims(place, 2), tokens.shape)), 1);
    }
  }
}

/**
 * A text transformer: field `text`, int32 [batch, length], to `[output, out]`, output [batch, classes] or, without
 * classes, [batch, width]. `out` holds `embedded`, the blocks, `transformed` [batch, length, width], `pre_logits` and
 * `vocab_logits` [batch, length, vocabulary], the scores of the tokens by the same table that embeds them. A field
 * `textMask` [batch, length] is 0 where a token is not attended to.
 *
 * @throws an error where a text is longer than the positions that are learned
 */
export function textTransformer(options: TextTransformerOptions = {}): FieldModel {
  const settled = settleText(options);
  const { width, dtypeMm: dtype } = settled;
  const { vocabSize: vocabulary = 32_000, maxLength } = options;
  return layer((scope, fields): ModelOutput => {
    const text = fieldOf("text-transformer", fields, "text");
    const length = text.shape[1];
    if (length > (maxLength ?? length)) {
      throw new OcelliError(
        "shape",
        `texts of ${length} tokens are longer than the ${maxLength} positions of the model.`,
        { given: length, valid: [`up to ${maxLength}`] },
      );
    }
    const table = embeddingTable(scope.at("Embed_0"), { vocabulary, width });
    const embedded = take(table, text); // [batch, length, width]
    const shape = [1, maxLength ?? length, width];
    const positions = scope.param("pos_embedding", normal(1 / Math.sqrt(width)), shape);
    const placed = add(embedded, broadcastTo(sliceAxis(positions, 1, 0, length), embedded.shape));
    const mask = maskOf(text, fields["textMask"], options);
    const [transformed, blocks] = encoder(scope.at("Encoder_0"), convert(placed, dtype), {
      ...settled,
      where: mask,
    });
    const preLogits = pool(scope, transformed, text, options, settled);
    const logits = classify(scope, preLogits, options, false);
    const out: Record<string, Tree<Tensor>> = {
      embedded,
      ...(blocks as Readonly<Record<string, Tree<Tensor>>>),
      transformed,
      vocab_logits: dotGeneral(transformed, table, { lhsContract: [2], rhsContract: [1] }),
      pre_logits: preLogits,
    };
    if (logits) out["logits"] = logits;
    return [logits ?? preLogits, out];
  });
}

/** The text transformer in a configuration. */
export const textTransformerModel = defineFieldModel({
  name: "text-transformer",
  schema: textSchema,
  takes: ["text", "textMask"],
  sizes: Object.keys(VIT_VARIANTS),
  create: textTransformer,
});
