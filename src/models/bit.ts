/**
 * @file BiT as a ResNet v1: group normalisation and standardised weights in place of batch normalisation.
 *
 * Paper: Kolesnikov et al. 2020, "Big Transfer (BiT)", arXiv:1912.11370, over He et al. 2016, arXiv:1512.03385.
 * Matches big_vision/models/bit.py: names, layouts, numbers. Largest difference measured in float32
 * (`npm run parity -- tests/golden/bit`): outputs 1.9e-6, gradients 1.7e-6 of an array's maximum.
 */

import { z } from "zod";
import { type Tensor, add } from "../graph/index.ts";
import {
  type ConvLayerOptions,
  type Scope,
  conv,
  groupNorm,
  layer,
  maxPool,
  relu,
  standardiseByDeviation,
  zerosInit,
} from "../nn/index.ts";
import { BIT_SIZES, type BitOptions, bitHead, bitKeys, settleBit } from "./bit-options.ts";
import { defineModel } from "./define.ts";
import type { ImageModel, ModelOutput } from "./model.ts";

const stdConv = (scope: Scope, x: Tensor, features: number, options: ConvLayerOptions): Tensor =>
  conv(scope, x, features, { ...options, bias: false, reparametrise: standardiseByDeviation });

/** A bottleneck around a residual. x [batch, height, width, in] → [batch, height / stride, …, 4 · middle]. */
const residualUnit = layer((scope, x: Tensor, middle: number, stride: number): Tensor => {
  const features = 4 * middle;
  const strides = [stride, stride] as const;
  const project = x.shape[3] !== features || stride !== 1;
  const residual = project
    ? groupNorm(
        scope.at("gn_proj"),
        stdConv(scope.at("conv_proj"), x, features, { kernel: [1, 1], strides }),
      )
    : x;
  const reduced = stdConv(scope.at("conv1"), x, middle, { kernel: [1, 1] });
  const mixed = stdConv(scope.at("conv2"), relu(groupNorm(scope.at("gn1"), reduced)), middle, {
    kernel: [3, 3],
    strides,
  });
  const widened = stdConv(scope.at("conv3"), relu(groupNorm(scope.at("gn2"), mixed)), features, {
    kernel: [1, 1],
  });
  const branch = groupNorm(scope.at("gn3"), widened, { scaleInit: zerosInit });
  return relu(add(residual, branch));
});

/**
 * BiT, ResNet v1: image [batch, height, width, channels] to `[logits, out]`, logits [batch, classes].
 *
 * @example
 * const model = bit({ variant: "R50x1", numClasses: 1000 });
 */
export function bit(options: BitOptions = {}): ImageModel {
  const shape = settleBit(options);
  return layer((scope, image: Tensor): ModelOutput => {
    const root = stdConv(scope.at("conv_root"), image, shape.channels, {
      kernel: [7, 7],
      strides: [2, 2],
    });
    const stem = maxPool(relu(groupNorm(scope.at("gn_root"), root)), {
      window: [3, 3],
      strides: [2, 2],
      padding: "SAME",
    }); // [batch, height / 4, width / 4, channels]
    const out: Record<string, Tensor> = { stem };
    let x = stem;
    shape.units.forEach((units, stage) => {
      const block = scope.at(`block${stage + 1}`);
      for (let unit = 0; unit < units; unit++) {
        const stride = stage > 0 && unit === 0 ? 2 : 1;
        x = residualUnit(block.at(`unit${unit + 1}`), x, shape.channels * 2 ** stage, stride);
      }
      out[`stage${stage + 1}`] = x;
    });
    const [output, ends] = bitHead(scope, x, shape);
    return [output, { ...out, ...ends }];
  });
}

/** BiT, ResNet v1, in a configuration. */
export const bitModel = defineModel({
  name: "bit",
  schema: z.strictObject(bitKeys),
  sizes: BIT_SIZES,
  create: bit,
});
