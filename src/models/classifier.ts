/** @file The classifier at a model's end, the same for every family. */

import type { Tensor } from "../graph/index.ts";
import { type Scope, constantValue, dense, lecunNormal, zerosInit } from "../nn/index.ts";

/** What every model may be told of its classifier. */
export interface ClassifierOptions {
  /** Without classes the model ends with `pre_logits`. */
  readonly numClasses?: number | null;
  /** Whether the classifier's kernel begins at zero; as the family's source has it unless given. */
  readonly headZeroinit?: boolean;
  /** The classifier's first bias, such as −10 under a sigmoid loss with many classes; 0 unless given. */
  readonly headBiasInit?: number;
}

/**
 * Logits [..., classes] of features x [..., features] by the dense layer `head`; undefined without classes.
 *
 * @param zeroinit whether the kernel begins at zero where the options do not say
 */
export function classify(
  scope: Scope,
  x: Tensor,
  { numClasses, headZeroinit, headBiasInit = 0 }: ClassifierOptions,
  zeroinit: boolean,
): Tensor | undefined {
  if (!numClasses) return undefined;
  return dense(scope.at("head"), x, numClasses, {
    kernelInit: (headZeroinit ?? zeroinit) ? zerosInit : lecunNormal,
    biasInit: constantValue(headBiasInit),
  });
}
