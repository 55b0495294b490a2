/**
 * @file The vision transformer of pictures in any aspect ratio and at any sequence length (NaFlex).
 *
 * Papers: Tschannen et al. 2025, "SigLIP 2", arXiv:2502.14786, Section 2.4.2; Dehghani et al. 2023, "Patch n' Pack",
 * arXiv:2307.06304. Matches big_vision/models/proj/image_text/naflex_vit.py: names, layouts, numbers. There positions
 * are resized onto a canvas and read off it; here each patch reads its own, which is the same sum without the canvas.
 * Largest difference measured in float32 (`npm run parity -- tests/golden/naflex_vit`): outputs 1.6e-6, gradients 7.0e-7
 * of an array's maximum; of transformers' SigLIP 2 (`tests/golden/hf_siglip2`) 3.4e-7.
 */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  abs,
  add,
  broadcastInDim,
  broadcastTo,
  convert,
  div,
  einsum,
  equal,
  expandDims,
  iota,
  less,
  logicalAnd,
  maximum,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  select,
  sub,
  tanh,
} from "../graph/index.ts";
import { type Scope, dense, layer, layerNorm, mapHead, normal } from "../nn/index.ts";
import type { Tree } from "../tree.ts";
import { ACTIVATIONS } from "./activations.ts";
import { classify } from "./classifier.ts";
import { defineFieldModel, fieldOf } from "./define.ts";
import type { FieldModel, ModelOutput } from "./model.ts";
import { anyOf, formed, whole } from "./option-kinds.ts";
import { VIT_VARIANTS } from "./vit-variants.ts";
import { type SettledVit, settleVit, vitKeys } from "./vit-options.ts";
import { encoder } from "./vit.ts";

/** How tokens become one vector. */
const POOLS = ["gap", "map", "max", "none"] as const;

const POSITIONS = /^learn_2d(?:\(([1-9][0-9]{0,3})\))?$/;

const { shape: shared } = z
  .object(vitKeys)
  .omit({ variant: true, patchSize: true, posemb: true, parallel: true, qkNorm: true, norm: true })
  .omit({ qkvBias: true, poolType: true, preNorm: true });

const naflexSchema = z.strictObject({
  /** A named size, with or without a patch, which the patches themselves decide. Default: none. */
  variant: formed(
    new RegExp(`^(${anyOf(VIT_VARIANTS)})(/[1-9][0-9]{0,3})?$`),
    `one of ${Object.keys(VIT_VARIANTS).join(", ")}, then maybe /PATCH, as in "B/16"`,
  ).optional(),
  ...shared,
  /** Rows and columns of the positions that are learned, which are resized to each picture's. Default: 16. */
  nposemb: whole.optional(),
  /**
   * "learn_2d(N)" gives pictures of more than N patches to a side no number, as big_vision does; "learn_2d" takes any.
   * Default: "learn_2d".
   */
  posemb: formed(POSITIONS, '"learn_2d", or "learn_2d(64)" and the like').optional(),
  /** How the patches become one vector: their mean, attention by a probe, their maximum, or not at all. Default: "gap". */
  poolType: z.enum(POOLS).optional(),
  /** A normalisation of the pixels of each patch, `patchln_pre`. Default: false. */
  patchlnPre: z.boolean().optional(),
  /** A normalisation of the embedded patches, `patchln_post`. Default: false. */
  patchlnPost: z.boolean().optional(),
});

/** Options of {@link naflexVit}. */
export type NaflexVitOptions = Readonly<z.output<typeof naflexSchema>>;

/**
 * How much each patch takes of the positions along one side: the weights of antialiased linear interpolation between
 * the centres of pixels, from `from` positions to as many as each picture has. coordinates int32 [batch, patches] →
 * [batch, patches, from].
 */
function axisWeights(coordinates: Tensor, from: number): Tensor {
  const [batch, patches] = coordinates.shape;
  const shape = [batch, patches, from];
  const extent = add(reduceMax(coordinates, 1, { keepDims: true }), 1); // [batch, 1]
  const step = div(from, convert(extent, "float32")); // old places to a new one
  const centre = sub(mul(add(convert(coordinates, "float32"), 0.5), step), 0.5); // [batch, patches]
  const reach = broadcastInDim(maximum(step, 1), shape, [0, 1]);
  const places = iota(shape, "float32", 2);
  const distance = div(abs(sub(broadcastInDim(centre, shape, [0, 1]), places)), reach);
  const weights = maximum(add(neg(distance), 1), 0);
  return div(weights, reduceSum(weights, 2, { keepDims: true }));
}

/** The learned positions [n, n, width] as each patch has them, [batch, patches, width]. */
function positionsAt(table: Tensor, y: Tensor, x: Tensor, side: number | undefined): Tensor {
  const [n, , width] = table.shape;
  const rows = einsum("bpi,ijd->bpjd", axisWeights(y, n), table);
  const found = reduceSum(
    mul(rows, broadcastTo(expandDims(axisWeights(x, n), 3), [...y.shape, n, width])),
    2,
  );
  if (side === undefined) return found;
  const inside = logicalAnd(less(y, side), less(x, side)); // [batch, patches]
  return select(broadcastInDim(inside, found.shape, [0, 1]), found, NaN);
}

/** Tokens [batch, patches, width] to what the head takes; padding, where `kept` is false, does not count. */
function pool(
  scope: Scope,
  tokens: Tensor,
  kept: Tensor,
  poolType: NonNullable<NaflexVitOptions["poolType"]>,
  { numHeads: heads, mlpDim: hidden, epsilon, activation }: SettledVit,
): Tensor {
  const wide = broadcastInDim(kept, tokens.shape, [0, 1]);
  switch (poolType) {
    case "map": {
      const where = expandDims(expandDims(kept, 1), 1); // [batch, 1, 1, patches]
      const options = { heads, hidden, epsilon, activation: ACTIVATIONS[activation], where };
      return mapHead(scope.at("MAPHead_0"), tokens, options).result;
    }
    case "gap": {
      const count = reduceSum(convert(kept, "float32"), 1, { keepDims: true }); // [batch, 1]
      const total = reduceSum(select(wide, tokens, 0), 1);
      return div(total, broadcastTo(count, total.shape));
    }
    case "max":
      return reduceMax(select(wide, tokens, -3.4028234663852886e38), 1);
    case "none":
      return tokens;
  }
}

/**
 * A vision transformer of patches: fields `image` [batch, patches, pixels] (the rows, columns and channels of each patch
 * one after the other), `type` int [batch, patches], 1 for a patch and 0 for padding, and `yidx` and `xidx`, int
 * [batch, patches], its places; to `[logits, out]`, logits [batch, classes]. The operations `resize_to_sequence` and
 * `patchify` make them.
 */
export function naflexVit(options: NaflexVitOptions = {}): FieldModel {
  const { poolType = "gap", nposemb = 16, posemb = "learn_2d", patchlnPre, patchlnPost } = options;
  const side = POSITIONS.exec(posemb)?.[1];
  const { variant, width, depth, mlpDim, numHeads, repSize } = options;
  const { dropout, activation, epsilon: eps, scan, rematPolicy, dtypeMm } = options;
  const settled = settleVit({
    ...{ variant, width, depth, mlpDim, numHeads, repSize, dropout, activation },
    ...{ epsilon: eps, scan, rematPolicy, dtypeMm },
  });
  const { epsilon, width: channels, dtypeMm: dtype } = settled;
  return layer((scope, fields): ModelOutput => {
    const field = (name: string): Tensor => fieldOf("naflex-vit", fields, name);
    const [image, type, y, x] = ["image", "type", "yidx", "xidx"].map(field);
    if (
      image.rank !== 3 ||
      [type, y, x].some(({ shape }) => String(shape) !== String(image.shape.slice(0, 2)))
    ) {
      throw new OcelliError(
        "shape",
        "naflex-vit takes image [batch, patches, pixels] and type, yidx and xidx [batch, patches], " +
          `not ${[image, type, y, x].join(", ")}.`,
      );
    }
    const norm = (name: string, z: Tensor): Tensor => layerNorm(scope.at(name), z, { epsilon });
    const pixels = patchlnPre ? norm("patchln_pre", image) : image;
    const stem = dense(scope.at("embedding"), convert(pixels, dtype), channels, { dtype });
    const embedded = patchlnPost ? norm("patchln_post", stem) : stem;
    const init = normal(1 / Math.sqrt(channels));
    const table = scope.param("pos_embedding", init, [nposemb, nposemb, channels]);
    const positions = positionsAt(table, y, x, side === undefined ? undefined : Number(side));
    const placed = add(embedded, convert(positions, embedded.dtype));
    const kept = equal(type, 1); // [batch, patches]
    const [batch, patches] = kept.shape;
    const pairs = logicalAnd(
      broadcastTo(reshape(kept, [batch, 1, patches, 1]), [batch, 1, patches, patches]),
      broadcastTo(reshape(kept, [batch, 1, 1, patches]), [batch, 1, patches, patches]),
    );
    const [encoded, blocks] = encoder(scope.at("Transformer"), placed, {
      ...settled,
      where: pairs,
    });
    const pooled = pool(scope, encoded, kept, poolType, settled);
    const rep = settled.repSize === true ? channels : settled.repSize;
    const preLogits = rep ? tanh(dense(scope.at("pre_logits"), pooled, rep)) : pooled;
    const logits = classify(scope, preLogits, options, true);
    const out: Record<string, Tree<Tensor>> = {
      ...{ stem, with_posemb: placed, encoder: blocks, encoded, head_input: pooled },
      pre_logits: preLogits,
    };
    if (logits) out["logits"] = logits;
    return [logits ?? preLogits, out];
  });
}

/** The NaFlex vision transformer in a configuration. */
export const naflexVitModel = defineFieldModel({
  name: "naflex-vit",
  schema: naflexSchema,
  takes: ["image", "type", "yidx", "xidx"],
  sizes: Object.keys(VIT_VARIANTS),
  create: naflexVit,
});
