/** @file CapPa's decoder: all tokens of a text at once, or one after the other with the keys and values of those before. */

import {
  type Tensor,
  add,
  dynamicSlice,
  dynamicUpdateSlice,
  expandDims,
  lessEqual,
  iota,
  reshape,
  saveDots,
  saveNothing,
  scalar,
  take,
  zeros,
} from "../graph/index.ts";
import {
  type AttentionOptions,
  type LayerBody,
  type Scope,
  attend,
  attendKept,
  dense,
  dropout,
  embeddingTable,
  keysAndValues,
  layer,
  layerNorm,
  mlpBlock,
  normal,
  rematLayer,
  zerosInit,
} from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import type { Writer, WriterStep } from "./generation/index.ts";

/** A decoder's shape. */
export interface DecoderOptions {
  readonly width: number;
  readonly depth: number;
  readonly mlpDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly bias: boolean;
  readonly scan: boolean;
  readonly rematPolicy: "everything" | "dots" | "nothing";
  /** Tokens that are scored. */
  readonly vocabulary: number;
  /** Tokens that are read: the mask too, where some are masked in training. */
  readonly known: number;
}

/** How a block's attention is computed, from a normalised x [batch, length, width]. */
interface BlockAttention {
  /** Of the text's tokens to each other. */
  readonly self: (scope: Scope, x: Tensor, options: AttentionOptions) => Tensor;
  /** Of the text's tokens to the image. */
  readonly cross: (scope: Scope, x: Tensor, options: AttentionOptions) => Tensor;
}

const attentionOf = ({ numHeads: heads }: DecoderOptions): AttentionOptions => ({
  ...{ heads, qkvBias: false, outBias: false },
});

/** Self-attention, attention to the image, feed-forward, each behind a normalisation and around a residual. */
const decoderBlock = layer(
  (scope, x: Tensor, { self, cross }: BlockAttention, options: DecoderOptions): Tensor => {
    const { bias, mlpDim: hidden, dropout: rate } = options;
    const norm = (i: number, z: Tensor): Tensor =>
      layerNorm(scope.at(`LayerNorm${i}`), z, { bias });
    const drop = (i: number, z: Tensor): Tensor => dropout(scope.at("Dropout", i), z, rate);
    const plain = attentionOf(options);
    const read = add(x, drop(0, self(scope.at("SelfAttn"), norm(1, x), plain))); // [batch, length, width]
    const seen = add(read, drop(1, cross(scope.at("CrossAttn"), norm(2, read), plain)));
    return add(seen, mlpBlock(scope.at("MLP"), norm(3, seen), { hidden, dropout: rate, bias }));
  },
);

/** Tokens [batch, length] with their places, as vectors. */
function embedTokens(
  scope: Scope,
  tokens: Tensor,
  positions: Tensor,
  { known: vocabulary, width }: DecoderOptions,
): Tensor {
  const init = normal(1);
  const table = embeddingTable(scope.at("EmbedTargets"), { vocabulary, width, init });
  return add(take(table, tokens), positions); // [batch, length, width]
}

/** Scores of tokens from the last block's x [batch, length, width]. */
const scoreTokens = (scope: Scope, x: Tensor, { vocabulary }: DecoderOptions): Tensor =>
  dense(scope.at("LogitsDense"), layerNorm(scope.at("LayerNorm"), x), vocabulary, {
    kernelInit: zerosInit,
  });

const BLOCK = "EncDecBlock";

/** Scores of the next token at each place, [batch, length, vocabulary]; `positions` [1, length, width]. */
export const decode = layer(
  (
    scope,
    encoded: Tensor,
    { tokens, mask: where }: { readonly tokens: Tensor; readonly mask: Tensor },
    positions: Tensor,
    options: DecoderOptions,
  ): Tensor => {
    const { depth, scan, rematPolicy } = options;
    const all: BlockAttention = {
      self: (inner, x, plain) => attend(inner, x, x, { ...plain, where }).result,
      cross: (inner, x, plain) => attend(inner, x, encoded, plain).result,
    };
    let x = embedTokens(scope, tokens, positions, options);
    const block: LayerBody = (inner, z) => [decoderBlock(inner, z, all, options), {}];
    const body =
      rematPolicy === "everything"
        ? block
        : rematLayer(block, rematPolicy === "dots" ? saveDots : saveNothing);
    if (scan) [x] = scope.scan(BLOCK, depth, body, x);
    else for (let i = 0; i < depth; i++) [x] = body(scope.at(`${BLOCK}${i}`), x);
    return scoreTokens(scope, x, options);
  },
);

/** The decoder's part of a {@link Writer}; `read` holds the image's keys and values, layer by layer. */
export const cachedDecoder = (
  options: DecoderOptions,
): Pick<Writer, "caches" | "rowAxis"> & {
  readonly read: (scope: Scope, encoded: Tensor) => Readonly<Record<string, Tensor>>;
  readonly next: (scope: Scope, step: WriterStep, positions: Tensor) => ReturnType<Writer["next"]>;
} => {
  const { width, depth, numHeads, scan } = options;
  const plain = attentionOf(options);
  /** What each layer keeps, stacked where layers are. */
  const layers = scan ? [BLOCK] : Array.from({ length: depth }, (_, i) => `${BLOCK}${i}`);
  const eachLayer = (
    scope: Scope,
    body: LayerBody,
    x: Tensor,
    own: (i: number) => readonly Tensor[],
  ): readonly [Tensor, Record<string, Tensor>[]] => {
    if (scan) {
      const [end, out] = scope.scan(BLOCK, depth, body, x, own(0));
      return [end, [toFlat<Tensor>(out)]];
    }
    const kept: Record<string, Tensor>[] = [];
    let now = x;
    layers.forEach((name, i) => {
      const [next, out] = body(scope.at(name), now, own(i));
      now = next;
      kept.push(toFlat<Tensor>(out));
    });
    return [now, kept];
  };
  return {
    rowAxis: scan ? 1 : 0,
    caches(rows, length) {
      const shape = [...(scan ? [depth] : []), rows, length, numHeads, width / numHeads];
      return layers.flatMap(() => [zeros(shape), zeros(shape)]);
    },
    read(scope, encoded) {
      const body: LayerBody = (inner, z) => {
        const { key, value } = keysAndValues(inner.at("CrossAttn"), z, width, plain);
        return [z, { key, value }];
      };
      const [, kept] = eachLayer(scope, body, encoded, () => []);
      return Object.fromEntries(
        kept.flatMap(({ key, value }, i) => [
          [`${i}/key`, key],
          [`${i}/value`, value],
        ]),
      );
    },
    next(scope, { read, caches, token, position }, positions) {
      const seen = read as Readonly<Record<string, Tensor>>;
      const zero = scalar(0, "int32");
      const place = dynamicSlice(positions, [zero, position, zero], [1, 1, width]);
      const length = caches[0].shape[scan ? 2 : 1];
      const where = lessEqual(iota([1, 1, 1, length], "int32", 3), position);
      const body: LayerBody = (inner, x, [key, value, imageKey, imageValue] = []) => {
        const keep = (cache: Tensor, one: Tensor): Tensor =>
          dynamicUpdateSlice(cache, one, [zero, position, zero, zero]);
        let kept: Record<string, Tensor> = {};
        const one: BlockAttention = {
          self(at, z) {
            const now = keysAndValues(at, z, width, plain);
            kept = { key: keep(key, now.key), value: keep(value, now.value) };
            return attendKept(at, z, { key: kept.key, value: kept.value }, { ...plain, where });
          },
          cross(at, z) {
            // an example's rows ask its image together
            const together = reshape(z, [imageKey.shape[0], -1, width]);
            const found = attendKept(at, together, { key: imageKey, value: imageValue }, plain);
            return reshape(found, z.shape);
          },
        };
        return [decoderBlock(inner, x, one, options), kept];
      };
      const x = embedTokens(scope, expandDims(token, 1), place, options); // [rows, 1, width]
      const [end, kept] = eachLayer(scope, body, x, (i) => [
        ...caches.slice(2 * i, 2 * i + 2),
        seen[`${i}/key`],
        seen[`${i}/value`],
      ]);
      const scores = scoreTokens(scope, end, options); // [rows, 1, vocabulary]
      return {
        scores: reshape(scores, [token.shape[0], options.vocabulary]),
        caches: kept.flatMap(({ key, value }) => [key, value]),
      };
    },
  };
};
