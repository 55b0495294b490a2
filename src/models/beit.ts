/**
 * @file BEiT: a vision transformer whose attention knows how far patches are apart.
 *
 * Paper: Bao et al. 2022, "BEiT: BERT Pre-Training of Image Transformers", arXiv:2106.08254; the relative positions are those
 * of Raffel et al. 2020 for grids, as in Liu et al. 2021 (Swin), arXiv:2103.14030. Matches transformers' BeitModel. Largest
 * difference measured in float32 (`npm run parity -- tests/golden/hf_beit`): outputs 1.1e-6, gradients 1.2e-6 of an array's maximum.
 */

import { z } from "zod";
import { type Tensor, constant, fromNumbers, reshape, take, transpose } from "../graph/index.ts";
import { type Scope, layer, patchEmbedding, zerosInit } from "../nn/index.ts";
import { defineModel } from "./define.ts";
import type { ImageCall, ImageModel, ModelOutput } from "./model.ts";
import { patched } from "./option-kinds.ts";
import { positionEmbedding } from "./posemb.ts";
import { settleVit, vitKeys } from "./vit-options.ts";
import { encodeGrid } from "./vit.ts";
import { VIT_VARIANTS } from "./vit-variants.ts";

const { posemb: _, qkvBias: __, distilled: ___, ...sharedKeys } = vitKeys;

const beitSchema = z.strictObject({
  ...sharedKeys,
  /** A learned embedding of each position, or none. Default: "none". */
  posemb: z.enum(["none", "learn"]).optional(),
  /** Learned scores of relative positions: of each block, of all blocks together, or none. Default: "each". */
  relativePositions: z.enum(["each", "shared", "none"]).optional(),
});

/** Options of {@link beit}. */
export type BeitOptions = Readonly<z.output<typeof beitSchema>>;

const DEFAULTS = {
  posemb: "none",
  relativePositions: "each",
  classToken: true,
  poolType: "gap",
  poolNorm: true,
  layerScale: 0.1,
  activation: "gelu",
} as const;

function settleBeit(given: BeitOptions) {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const {
    posemb,
    relativePositions: relative,
    ...options
  } = {
    ...DEFAULTS,
    ...(Object.fromEntries(present) as BeitOptions),
  };
  return { ...settleVit({ ...options, qkvBias: "no-key" }), posemb, relative };
}

type Extents = readonly [rows: number, columns: number];

/**
 * The row of the table of relative positions for each pair of tokens, the class token first: int32 [tokens · tokens]. Three rows
 * at the end are for the class token to patches, patches to it, and it to itself.
 */
function relativeIndices([rows, columns]: Extents): Int32Array {
  const patches = rows * columns;
  const tokens = patches + 1;
  const table = tableRows([rows, columns]);
  return Int32Array.from({ length: tokens * tokens }, (_, i) => {
    const [query, key] = [Math.floor(i / tokens) - 1, (i % tokens) - 1];
    if (query < 0 && key < 0) return table - 1;
    if (query < 0) return table - 3;
    if (key < 0) return table - 2;
    const down = Math.floor(query / columns) - Math.floor(key / columns) + rows - 1;
    const across = (query % columns) - (key % columns) + columns - 1;
    return down * (2 * columns - 1) + across;
  });
}

const tableRows = ([rows, columns]: Extents): number => (2 * rows - 1) * (2 * columns - 1) + 3;

/** Scores by relative position, [1, heads, tokens, tokens]; owns `relative_position_bias` [distances, heads]. */
function relativeScores(scope: Scope, grid: Extents, heads: number): Tensor {
  const table = scope.param("relative_position_bias", zerosInit, [tableRows(grid), heads]);
  const indices = relativeIndices(grid);
  const tokens = Math.sqrt(indices.length);
  const rows = take(table, constant(fromNumbers(indices, [indices.length], "int32")), 0);
  return transpose(reshape(rows, [1, tokens, tokens, heads]), [0, 3, 1, 2]);
}

/**
 * BEiT: image [batch, height, width, channels] to `[logits, out]`, logits [batch, classes].
 *
 * @example
 * const model = beit({ variant: "B/16", numClasses: 1000 });
 */
export function beit(given: BeitOptions = {}): ImageModel {
  const { posemb, relative, ...options } = settleBeit(given);
  const { width, patchSize, dtypeMm, numHeads } = options;
  const settled = { ...options, posemb: "learn" as const };
  return layer((scope, image: Tensor, call?: ImageCall): ModelOutput => {
    const stem = patchEmbedding(scope.at("embedding"), image, width, patchSize, { dtype: dtypeMm });
    const grid = [stem.shape[1], stem.shape[2]] as const;
    const positions =
      posemb === "learn" ? positionEmbedding(scope, "learn", grid, width) : undefined;
    const shared =
      relative === "shared" ? relativeScores(scope.at("Transformer"), grid, numHeads) : undefined;
    const scoreBias =
      relative === "none"
        ? undefined
        : (inner: Scope) => shared ?? relativeScores(inner, grid, numHeads);
    return encodeGrid(scope, stem, positions, { ...settled, scoreBias }, call);
  });
}

/** BEiT in a configuration. */
export const beitModel = defineModel({
  name: "beit",
  schema: beitSchema,
  sizes: patched(VIT_VARIANTS),
  weightsOf: ["transformers"],
  create: beit,
  settle: settleBeit,
  positions(options, [height, width]) {
    const { patchSize } = settleBeit(options);
    return [Math.floor(height / patchSize[0]), Math.floor(width / patchSize[1])];
  },
});
