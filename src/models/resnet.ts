/**
 * @file ResNet with batch normalisation, the stride in the 3×3 convolution of a bottleneck (v1.5).
 *
 * Paper: He et al. 2016, "Deep Residual Learning", arXiv:1512.03385. Matches timm's resnet50, resnet101 and resnet152
 * (and torchvision's): names by a table in weights/layouts.ts, numbers in tests/golden/weights.
 */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { type Tensor, add, mean } from "../graph/index.ts";
import {
  type BatchNormOptions,
  type ConvLayerOptions,
  type Initialiser,
  type Scope,
  batchNorm,
  conv,
  heNormal,
  layer,
  maxPool,
  onesInit,
  relu,
  zerosInit,
} from "../nn/index.ts";
import { classifierKeys, classify } from "./classifier.ts";
import { defineModel } from "./define.ts";
import type { ImageModel, ModelOutput } from "./model.ts";
import { frozenNorm, layers, multiplier, rate, stages } from "./option-kinds.ts";

const resnetSchema = z.strictObject({
  ...classifierKeys,
  /** The number of layers, one of 26, 50, 101, 152, or the blocks of each stage. Default: 50. */
  depth: z.union([layers, stages]).optional(),
  /** Times 64 channels. Default: 1. */
  width: multiplier.optional(),
  /** How much of the running statistics stays at a training step. Default: 0.9. */
  normMomentum: rate.optional(),
  ...frozenNorm,
  /** Each block's last normalisation begins with a scale of 0, so that blocks begin as identities. Default: false. */
  zeroInitLast: z.boolean().optional(),
});

/** Options of {@link resnet}. */
export type ResnetOptions = Readonly<z.output<typeof resnetSchema>>;

const BLOCKS: Readonly<Record<number, readonly number[]>> = {
  26: [2, 2, 2, 2],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};

/** A square convolution, and how its result is normalised. */
interface Filter {
  readonly side: number;
  readonly stride?: number;
  readonly norm: BatchNormOptions;
}

/** A convolution and its normalisation, which are `NAME/conv` and `NAME/norm`; padded evenly, as PyTorch does. */
const convNorm = (
  scope: Scope,
  x: Tensor,
  features: number,
  { side, stride = 1, norm }: Filter,
): Tensor => {
  const edge = (side - 1) / 2;
  const options: ConvLayerOptions = {
    kernel: [side, side],
    strides: [stride, stride],
    padding: [
      [edge, edge],
      [edge, edge],
    ],
    bias: false,
    kernelInit: heNormal,
  };
  return batchNorm(scope.at("norm"), conv(scope.at("conv"), x, features, options), norm);
};

/** How a block moves, and how it normalises. */
interface Moving extends Required<Pick<Filter, "stride" | "norm">> {
  /** How the last normalisation's scale begins. */
  readonly last: Initialiser;
}

/** A bottleneck around a residual. x [batch, height, width, in] → [batch, height / stride, …, 4 · middle]. */
const bottleneck = layer((scope, x: Tensor, middle: number, moving: Moving): Tensor => {
  const { stride, norm, last: scaleInit } = moving;
  const features = 4 * middle;
  const point = { side: 1, norm };
  const project = x.shape[3] !== features || stride !== 1;
  const residual = project ? convNorm(scope.at("project"), x, features, { ...point, stride }) : x;
  const reduced = relu(convNorm(scope.at("reduce"), x, middle, point));
  const mixed = relu(convNorm(scope.at("mix"), reduced, middle, { side: 3, stride, norm }));
  const widen = { side: 1, norm: { ...norm, scaleInit } };
  return relu(add(residual, convNorm(scope.at("widen"), mixed, features, widen)));
});

function blocksOf(depth: number | readonly number[]): readonly number[] {
  if (typeof depth !== "number") return depth;
  if (Object.hasOwn(BLOCKS, depth)) return BLOCKS[depth];
  const valid = Object.keys(BLOCKS);
  throw new OcelliError("config", `no ResNet has ${depth} layers; valid: ${valid.join(", ")}.`, {
    given: depth,
    valid,
  });
}

/**
 * ResNet: image [batch, height, width, channels] to `[logits, out]`, logits [batch, classes].
 *
 * @example
 * const model = resnet({ depth: 50, numClasses: 1000 });
 */
export function resnet({
  depth = 50,
  width = 1,
  normMomentum: momentum,
  frozenNorm: frozen,
  zeroInitLast = false,
  ...classes
}: ResnetOptions = {}): ImageModel {
  const blocks = blocksOf(depth);
  const channels = Math.floor(64 * width);
  const norm = { momentum, frozen };
  const last = zeroInitLast ? zerosInit : onesInit;
  return layer((scope, image: Tensor): ModelOutput => {
    const root = relu(convNorm(scope.at("stem"), image, channels, { side: 7, stride: 2, norm }));
    const stem = maxPool(root, {
      window: [3, 3],
      strides: [2, 2],
      padding: [
        [1, 1],
        [1, 1],
      ],
    }); // [batch, height / 4, width / 4, channels]
    const out: Record<string, Tensor> = { stem };
    let x = stem;
    blocks.forEach((count, stage) => {
      for (let i = 0; i < count; i++) {
        const stride = stage > 0 && i === 0 ? 2 : 1;
        const at = scope.at(`stage${stage + 1}`).at("block", i);
        x = bottleneck(at, x, channels * 2 ** stage, { stride, norm, last });
      }
      out[`stage${stage + 1}`] = x;
    });
    const pooled = mean(x, [1, 2]); // [batch, channels]
    out["pre_logits_2d"] = x;
    out["pre_logits"] = pooled;
    const logits = classify(scope, pooled, classes, false);
    return logits ? [logits, { ...out, logits }] : [pooled, out];
  });
}

/** ResNet in a configuration. */
export const resnetModel = defineModel({
  name: "resnet",
  schema: resnetSchema,
  weightsOf: ["timm", "torchvision", "transformers"],
  create: resnet,
});
