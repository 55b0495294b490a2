/**
 * @file BiT as published: a ResNet v2 (normalisation before each convolution) with standardised weights.
 *
 * Paper: Kolesnikov et al. 2020, "Big Transfer (BiT)", arXiv:1912.11370, over He et al. 2016, arXiv:1603.05027.
 * Matches big_vision/models/bit_paper.py and so the published weights: names, layouts, numbers. Largest difference
 * measured in float32 (`npm run parity -- tests/golden/bit_paper`): outputs 2.5e-6, gradients 1.6e-6 of an array's maximum.
 */

import { z } from "zod";
import { type Tensor, add, groupNorm as normaliseGroups, pad, reshape } from "../graph/index.ts";
import {
  type ConvLayerOptions,
  type Scope,
  conv,
  layer,
  maxPool,
  onesInit,
  relu,
  standardiseByVariance,
  zerosInit,
} from "../nn/index.ts";
import type { Tree } from "../tree.ts";
import { BIT_SIZES, bitHead, bitKeys, settleBit } from "./bit-options.ts";
import { defineModel } from "./define.ts";
import type { ImageModel, ModelOutput } from "./model.ts";

const bitPaperSchema = z.strictObject({
  ...bitKeys,
  /** The root's pooling sees zeros beyond the edge, as in PyTorch's versions. Default: false. */
  zeroPool: z.boolean().optional(),
});

/** Options of {@link bitPaper}. */
export type BitPaperOptions = Readonly<z.output<typeof bitPaperSchema>>;

const GROUPS = 32;
const EPSILON = 1e-5;

const stdConv = (scope: Scope, x: Tensor, features: number, options: ConvLayerOptions): Tensor =>
  conv(scope, x, features, { ...options, bias: false, reparametrise: standardiseByVariance });

/** Group normalisation whose `scale` and `bias` are [1, 1, 1, features]. */
const groupNorm = layer((scope, x: Tensor): Tensor => {
  const features = x.shape[3];
  const parameter = (name: string, init: typeof onesInit): Tensor =>
    reshape(scope.param(name, init, [1, 1, 1, features]), [features]);
  const [scale, bias] = [parameter("scale", onesInit), parameter("bias", zerosInit)];
  return normaliseGroups(x, scale, bias, GROUPS, EPSILON);
});

const EDGE = [1, 1] as const;
const POOL = { window: [3, 3], strides: [2, 2] } as const;

/** A bottleneck around a residual. x [batch, height, width, in] → [batch, height / stride, …, 4 · middle]. */
const residualUnit = layer((scope, x: Tensor, middle: number, stride: number): Tensor => {
  const features = 4 * middle;
  const strides = [stride, stride] as const;
  const active = relu(groupNorm(scope.at("gn1"), x));
  const project = x.shape[3] !== features || stride !== 1;
  const residual = project
    ? stdConv(scope.at("conv_proj"), active, features, { kernel: [1, 1], strides })
    : x;
  const reduced = stdConv(scope.at("conv1"), active, middle, { kernel: [1, 1] });
  const mixed = stdConv(scope.at("conv2"), relu(groupNorm(scope.at("gn2"), reduced)), middle, {
    kernel: [3, 3],
    strides,
    padding: [EDGE, EDGE],
  });
  const widened = stdConv(scope.at("conv3"), relu(groupNorm(scope.at("gn3"), mixed)), features, {
    kernel: [1, 1],
  });
  return add(widened, residual);
});

/**
 * BiT as published: image [batch, height, width, channels] to `[logits, out]`, logits [batch, classes].
 *
 * @example
 * const model = bitPaper({ variant: "R152x4", numClasses: 1000 });
 */
export function bitPaper(options: BitPaperOptions = {}): ImageModel {
  const shape = settleBit(options);
  return layer((scope, image: Tensor): ModelOutput => {
    const root = stdConv(scope.at("root_block").at("conv_root"), image, shape.channels, {
      kernel: [7, 7],
      strides: [2, 2],
      padding: [
        [3, 3],
        [3, 3],
      ],
    });
    const stem = options.zeroPool
      ? maxPool(pad(root, [[0, 0], EDGE, EDGE, [0, 0]]), POOL)
      : maxPool(root, { ...POOL, padding: [EDGE, EDGE] });
    const out: Record<string, Tree<Tensor>> = { stem };
    let x = stem; // [batch, height / 4, width / 4, channels]
    shape.units.forEach((units, stage) => {
      const block = scope.at(`block${stage + 1}`);
      const stageOut: Record<string, Tensor> = {};
      for (let unit = 0; unit < units; unit++) {
        const name = `unit${String(unit + 1).padStart(2, "0")}`;
        const stride = stage > 0 && unit === 0 ? 2 : 1;
        x = residualUnit(block.at(name), x, shape.channels * 2 ** stage, stride);
        stageOut[name] = x;
      }
      out[`stage${stage + 1}`] = stageOut;
    });
    const normal = groupNorm(scope.at("norm-pre-head"), x);
    const [output, ends] = bitHead(scope, relu(normal), shape);
    return [output, { ...out, norm_pre_head: normal, ...ends }];
  });
}

/** BiT as published, in a configuration. */
export const bitPaperModel = defineModel({
  name: "bit-paper",
  schema: bitPaperSchema,
  sizes: BIT_SIZES,
  weightsOf: ["the paper's TensorFlow", "timm", "transformers"],
  create: bitPaper,
});
