/** @file The classifier at a model's end, the same for every family. */

import { z } from "zod";
import type { Tensor } from "../graph/index.ts";
import { type Scope, constantValue, dense, lecunNormal, zerosInit } from "../nn/index.ts";

/** Keys of a family's schema that decide its classifier. */
export const classifierKeys = {
  /** How many classes there are; a model without classes ends with `pre_logits`. Default: from the data. */
  numClasses: z.int().min(1).max(1_000_000).nullable().optional(),
  /** The classifier's kernel begins at zero. Default: as the family's source has it. */
  headZeroinit: z.boolean().optional(),
  /** The classifier's first bias, such as −10 under a sigmoid loss with many classes. Default: 0. */
  headBiasInit: z.number().optional(),
  /** Whether the classifier has a bias. Default: true. */
  headBias: z.boolean().optional(),
};

/** What decides a model's classifier. */
export type ClassifierOptions = z.output<z.ZodObject<typeof classifierKeys>>;

/**
 * Logits [..., classes] of features x [..., features] by the dense layer `head`; undefined without classes.
 *
 * @param zeroinit whether the kernel begins at zero where the options do not say
 */
export function classify(
  scope: Scope,
  x: Tensor,
  { numClasses, headZeroinit, headBiasInit = 0, headBias }: ClassifierOptions,
  zeroinit: boolean,
): Tensor | undefined {
  if (!numClasses) return undefined;
  return dense(scope.at("head"), x, numClasses, {
    kernelInit: (headZeroinit ?? zeroinit) ? zerosInit : lecunNormal,
    biasInit: constantValue(headBiasInit),
    bias: headBias,
  });
}
