/**
 * @file FlexiViT: one set of weights for patches of any size.
 *
 * Paper: Beyer et al. 2023, "FlexiViT: One Model for All Patch Sizes", arXiv:2212.08013.
 * Matches big_vision/models/proj/flexi/vit.py: names, layouts, numbers. Largest difference measured in float32
 * (`npm run parity -- tests/golden/flexi`): outputs 1.1e-6, gradients 2.4e-6 of an array's maximum.
 */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  type HostArray,
  type Tensor,
  add,
  broadcastTo,
  convert,
  dotGeneral,
  reshape,
} from "../graph/index.ts";
import { type Scope, layer, normal, patches, zerosInit } from "../nn/index.ts";
import { defineModel } from "./define.ts";
import { drawnSizes, flexiSchema } from "./flexi.ts";
import type { ModelOutput } from "./model.ts";
import { extents, patched, whole } from "./option-kinds.ts";
import { positionEmbedding } from "./posemb.ts";
import { inverseTranspose, linearMap, resizeGrid, resizeHostGrid } from "./resize.ts";
import { VIT_VARIANTS } from "./vit-variants.ts";
import { settleVit, vitKeys } from "./vit-options.ts";
import { VIT_WEIGHTS, encodeGrid } from "./vit.ts";

type Extents = readonly [number, number];

/** The grid of the stored position embedding, as in the paper. */
const POSEMB_SIZE = [7, 7] as const;

const flexivitSchema = z.strictObject({
  ...vitKeys,
  /** The grid of the stored position embedding. Default: [7, 7]. */
  posembSize: extents.optional(),
  /** Patches along each side of an image, where a call does not say it. Default: by the stored patch size. */
  seqhw: whole.optional(),
  /** Draws a number of patches for each step of a training. Default: the same in all. */
  flexi: flexiSchema.optional(),
});

/** Options of {@link flexivit}; `patchSize` is that of the stored kernel. Default: [32, 32]. */
export type FlexivitOptions = Readonly<Omit<z.output<typeof flexivitSchema>, "flexi">>;

/** A model of images that is told at each call how many patches lie along each side. */
export type FlexibleModel = (scope: Scope, image: Tensor, seqhw?: number) => ModelOutput;

/**
 * A patch embedding's kernel for another patch size, such that on pictures resized bilinearly to it the embedding
 * stays as it was (PI-resize, Section 3.4 of the paper). kernel [h, w, in, out] → [h', w', in, out].
 */
export function resizePatchKernel(kernel: Tensor, [height, width]: Extents): Tensor {
  const [h, w] = kernel.shape;
  if (h === height && w === width) return kernel;
  return resizeGrid(kernel, kernelMap(h, height), kernelMap(w, width));
}

const kernelMap = (from: number, to: number) => inverseTranspose(linearMap(from, to, false));

/** The same of a kernel that is about to be loaded: how a FlexiViT begins with a ViT of another patch size. */
export function resamplePatchKernel(kernel: HostArray, [height, width]: Extents): HostArray {
  const [h, w] = kernel.shape;
  if (h === height && w === width) return kernel;
  return resizeHostGrid(kernel, kernelMap(h, height), kernelMap(w, width));
}

/** Position embeddings [1, h · w, width] of a grid [h, w] for another one, by antialiased linear interpolation. */
export function resizePositions(
  positions: Tensor,
  [h, w]: Extents,
  [rows, columns]: Extents,
): Tensor {
  if (h === rows && w === columns) return positions;
  const grid = reshape(positions, [h, w, positions.shape[2]]);
  const resized = resizeGrid(grid, linearMap(h, rows, true), linearMap(w, columns, true));
  return reshape(resized, [1, rows * columns, positions.shape[2]]);
}

/** The extents of a patch of which `seqhw` lie along each side of an image. */
export function patchSizeOf([, height, width]: readonly number[], seqhw: number): Extents {
  if (Number.isInteger(seqhw) && seqhw >= 1 && seqhw <= Math.min(height, width)) {
    return [Math.floor(height / seqhw), Math.floor(width / seqhw)];
  }
  throw new OcelliError(
    "argument",
    `an image of ${height}×${width} has no grid of ${seqhw} patches.`,
    {
      given: seqhw,
    },
  );
}

/** Patches embedded by a kernel stored at one size and used at another. image [batch, height, width, channels]. */
const stemLayer = layer(
  (scope, image: Tensor, features: number, stored: Extents, size: Extents): Tensor => {
    const shape = [...stored, image.shape[3], features];
    const kernel = scope.param("kernel", normal(1 / Math.sqrt(features)), shape);
    const resized = convert(resizePatchKernel(kernel, size), image.dtype);
    const product = dotGeneral(patches(image, size), resized, {
      lhsContract: [3, 4, 5],
      rhsContract: [0, 1, 2],
    }); // [batch, rows, columns, features]
    const bias = convert(scope.param("bias", zerosInit, [features]), image.dtype);
    return add(product, broadcastTo(bias, product.shape));
  },
);

/**
 * A vision transformer for any patch size: image [batch, height, width, channels] to `[logits, out]`. The patch size
 * is a constant of a program, so each one that is used is compiled once.
 *
 * @example
 * const model = flexivit({ variant: "S", numClasses: 1000 });
 * const at = (seqhw: number) =>
 *   jit(engine, (params: Params, image: Tensor) =>
 *     apply((scope, x: Tensor) => model(scope, x, seqhw), { params }, image).result[0]);
 */
export function flexivit({
  posembSize = POSEMB_SIZE,
  seqhw: usual,
  ...given
}: FlexivitOptions = {}): FlexibleModel {
  const options = settleVit({ patchSize: [32, 32], ...given });
  const { width, posemb, patchSize, dtypeMm } = options;
  return layer((scope, image: Tensor, seqhw: number | undefined = usual): ModelOutput => {
    const size = seqhw === undefined ? patchSize : patchSizeOf(image.shape, seqhw);
    const stem = stemLayer(scope.at("embedding"), convert(image, dtypeMm), width, patchSize, size);
    const positions = positionEmbedding(scope, posemb, posembSize, width);
    const grid = [stem.shape[1], stem.shape[2]] as const;
    return encodeGrid(scope, stem, resizePositions(positions, posembSize, grid), options);
  });
}

/** FlexiViT in a configuration. */
export const flexivitModel = defineModel({
  name: "flexivit",
  schema: flexivitSchema,
  sizes: patched(VIT_VARIANTS),
  weightsOf: VIT_WEIGHTS,
  create({ flexi: _, ...options }) {
    const model = flexivit(options);
    return (scope, image) => model(scope, image);
  },
  settle: settleVit,
  positions: ({ posembSize }) => posembSize ?? POSEMB_SIZE,
  resizesPatches: true,
  forms: ({ flexi }, seed) => flexi && drawnSizes(flexi, seed),
});
