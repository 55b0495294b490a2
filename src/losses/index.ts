/** @file Losses: one value for each example, and means over them. */

export {
  type SoftmaxXentOptions,
  type WeightedXentOptions,
  smoothLabels,
  softmaxXent,
  weightedSoftmaxXent,
} from "./softmax.ts";
export { sigmoidXent } from "./sigmoid.ts";
export { CLASS_LOSSES } from "./class-loss.ts";
export { correctness, hotLabels } from "./labels.ts";
export { type ContrastiveResult, bidirectionalContrastive } from "./contrastive.ts";
export { type SigmoidContrastiveOptions, sigmoidContrastive } from "./sigmoid-contrastive.ts";
export { mix, mixupCoefficient } from "./mixup.ts";
export { type CutBox, cut, cutmixBox } from "./cutmix.ts";
export { labelledPixels, pixelScores, pixelXent } from "./pixels.ts";
export { maskedMean } from "./reduce.ts";
export * from "./self-supervised/index.ts";
