/**
 * @file EfficientNet-Lite: inverted bottlenecks with ReLU6 and no squeeze-and-excitation, for small devices.
 *
 * Paper: Tan & Le 2019, "EfficientNet", arXiv:1905.11946; the Lite form is that of the TensorFlow implementation
 * (efficientnet/lite). Matches the PyTorch port `efficientnet-lite-pytorch` 0.1.0, in which the published weights come.
 * Largest difference measured in float32 with Lite0's weights (tests/e2e/efficientnet-lite.test.ts): logits 1.1e-6 of their
 * maximum. Pictures of 224, 240 and 260 pixels (Lite0, 1, 2) as (x − 127) / 128.
 */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  customGradient,
  greater,
  less,
  logicalAnd,
  maximum,
  mean,
  minimum,
  mul,
  select,
  zerosLike,
} from "../graph/index.ts";
import {
  type BatchNormOptions,
  type ConvLayerOptions,
  type Scope,
  batchNorm,
  conv,
  dropout,
  heNormal,
  layer,
  stochasticDepth,
} from "../nn/index.ts";
import { classifierKeys, classify } from "./classifier.ts";
import { defineModel } from "./define.ts";
import type { ImageModel, ModelOutput } from "./model.ts";
import { frozenNorm, multiplier, rate } from "./option-kinds.ts";

/** How a size differs from Lite0. */
interface LiteShape {
  readonly width: number;
  readonly depth: number;
  readonly dropout: number;
}

/** The named sizes. */
const EFFICIENTNET_LITE_VARIANTS: Readonly<Record<string, LiteShape>> = {
  lite0: { width: 1, depth: 1, dropout: 0.2 },
  lite1: { width: 1, depth: 1.1, dropout: 0.2 },
  lite2: { width: 1.1, depth: 1.2, dropout: 0.3 },
};

/** Blocks of one kernel and number of features; the first has the stride. */
interface Stage {
  readonly repeats: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expand: number;
  readonly features: number;
}

const stage = (
  repeats: number,
  kernel: number,
  stride: number,
  expand: number,
  features: number,
): Stage => ({ repeats, kernel, stride, expand, features });

const STAGES: readonly Stage[] = [
  stage(1, 3, 1, 1, 16),
  stage(2, 3, 2, 6, 24),
  stage(2, 5, 2, 6, 40),
  stage(3, 3, 2, 6, 80),
  stage(3, 5, 1, 6, 112),
  stage(4, 5, 2, 6, 192),
  stage(1, 3, 1, 6, 320),
];
const STEM = 32;
const HEAD = 1280;
const DIVISOR = 8;

const liteSchema = z.strictObject({
  ...classifierKeys,
  /** Times the features of the blocks. Default: 1; of efficientnet-lite2 1.1. */
  width: multiplier.optional(),
  /**
   * Times the blocks of each stage, rounded up; the first and the last stage keep theirs. Default: 1; of
   * efficientnet-lite1 1.1, of efficientnet-lite2 1.2.
   */
  depth: multiplier.optional(),
  /** The rate at which features are dropped before the classifier. Default: 0.2; of efficientnet-lite2 0.3. */
  dropout: rate.optional(),
  /** The largest rate at which a residual branch is dropped in training, reached at the last block. Default: 0.2. */
  stochDepth: rate.optional(),
  /** How much of the running statistics stays at a training step. Default: 0.99. */
  normMomentum: rate.optional(),
  ...frozenNorm,
});

/** Options of {@link efficientnetLite}. */
export type EfficientnetLiteOptions = Readonly<z.output<typeof liteSchema>> & {
  /** A named size. Options given beside it take precedence. Default: "lite0". */
  readonly variant?: string;
};

const NORM = { epsilon: 1e-3, momentum: 0.99 } as const;

/** x limited to [0, 6]. Its gradient is one choice by the result, where a maximum and a minimum each share out ties. */
const relu6 = (x: Tensor): Tensor =>
  customGradient(
    (z) => {
      const y = minimum(maximum(z, 0), 6);
      return { outputs: [y], residuals: [y] };
    },
    ([y], [d]) => [select(logicalAnd(greater(y, 0), less(y, 6)), d, zerosLike(d))],
  )(x)[0];

/** Features times a width, to a multiple of eight that is no less than nine tenths of it. */
function scaled(features: number, width: number): number {
  if (width === 1) return features;
  const exact = features * width;
  const rounded = Math.max(DIVISOR, Math.floor((exact + DIVISOR / 2) / DIVISOR) * DIVISOR);
  return rounded < 0.9 * exact ? rounded + DIVISOR : rounded;
}

/** A convolution and its normalisation: `NAME/conv` and `NAME/norm`. */
const convNorm = (
  scope: Scope,
  x: Tensor,
  features: number,
  { norm, ...options }: ConvLayerOptions & { readonly norm: BatchNormOptions },
): Tensor => {
  const y = conv(scope.at("conv"), x, features, { ...options, bias: false, kernelInit: heNormal });
  return batchNorm(scope.at("norm"), y, norm);
};

const square = (side: number) => [side, side] as const;
const POINT = square(1);

/** One block as the options come to. */
interface Block extends Stage {
  readonly dropRate: number;
  readonly norm: BatchNormOptions;
}

/** Widen, filter each feature alone, narrow; around a residual where the shape stays. x [batch, height, width, in]. */
const invertedBottleneck = layer((scope, x: Tensor, block: Block): Tensor => {
  const { kernel, stride, expand, features, dropRate, norm } = block;
  const inputs = x.shape[3];
  const wide = inputs * expand;
  const expanded =
    expand === 1 ? x : relu6(convNorm(scope.at("expand"), x, wide, { norm, kernel: POINT }));
  const filtered = relu6(
    convNorm(scope.at("depthwise"), expanded, wide, {
      norm,
      kernel: square(kernel),
      strides: square(stride),
      groups: wide,
    }),
  );
  const narrow = convNorm(scope.at("project"), filtered, features, { norm, kernel: POINT });
  if (stride !== 1 || inputs !== features) return narrow;
  const kept = scope.train && dropRate > 0 ? mul(narrow, 1 / (1 - dropRate)) : narrow;
  return add(stochasticDepth(scope, kept, dropRate), x);
});

/** The blocks in order. */
function blocksOf(
  { width, depth }: LiteShape,
  stochDepth: number,
  norm: BatchNormOptions,
): Block[] {
  const stages = STAGES.flatMap((it, i) => {
    const fixed = i === 0 || i === STAGES.length - 1;
    const repeats = fixed ? it.repeats : Math.ceil(it.repeats * depth);
    const features = scaled(it.features, width);
    return Array.from({ length: repeats }, (_, k) => ({
      ...it,
      features,
      stride: k === 0 ? it.stride : 1,
    }));
  });
  return stages.map((block, i) => ({ ...block, norm, dropRate: (stochDepth * i) / stages.length }));
}

/**
 * EfficientNet-Lite: image [batch, height, width, channels] to `[logits, out]`, logits [batch, classes].
 *
 * @example
 * const model = efficientnetLite({ variant: "lite0", numClasses: 1000 });
 */
export function efficientnetLite({
  variant = "lite0",
  stochDepth = 0.2,
  normMomentum = NORM.momentum,
  frozenNorm = false,
  ...given
}: EfficientnetLiteOptions = {}): ImageModel {
  if (!Object.hasOwn(EFFICIENTNET_LITE_VARIANTS, variant)) {
    const valid = Object.keys(EFFICIENTNET_LITE_VARIANTS);
    throw new OcelliError(
      "config",
      `there is no EfficientNet-Lite "${variant}"; valid: ${valid.join(", ")}.`,
      { given: variant, valid },
    );
  }
  const named = EFFICIENTNET_LITE_VARIANTS[variant];
  const { width = named.width, depth = named.depth, dropout: rate = named.dropout } = given;
  const norm = { ...NORM, momentum: normMomentum, frozen: frozenNorm };
  const blocks = blocksOf({ width, depth, dropout: rate }, stochDepth, norm);
  return layer((scope, image: Tensor): ModelOutput => {
    const stem = relu6(
      convNorm(scope.at("stem"), image, STEM, { norm, kernel: square(3), strides: square(2) }),
    ); // [batch, height / 2, width / 2, 32]
    const out: Record<string, Tensor> = { stem };
    let x = stem;
    blocks.forEach((block, i) => {
      const name = `block${String(i).padStart(2, "0")}`;
      x = invertedBottleneck(scope.at(name), x, block);
      out[name] = x;
    });
    const features = relu6(convNorm(scope.at("top"), x, HEAD, { norm, kernel: POINT }));
    const pooled = mean(features, [1, 2]); // [batch, 1280]
    out["pre_logits_2d"] = features;
    out["pre_logits"] = pooled;
    const logits = classify(scope, dropout(scope.at("Dropout_0"), pooled, rate), given, false);
    return logits ? [logits, { ...out, logits }] : [pooled, out];
  });
}

const lite = <Name extends string>(name: Name, variant: string) =>
  defineModel({
    name,
    schema: liteSchema,
    weightsOf: ["efficientnet-lite-pytorch"],
    create: (options) => efficientnetLite({ ...options, variant }),
  });

/** EfficientNet-Lite in a configuration. */
export const efficientnetLite0 = lite("efficientnet-lite0", "lite0");
export const efficientnetLite1 = lite("efficientnet-lite1", "lite1");
export const efficientnetLite2 = lite("efficientnet-lite2", "lite2");
