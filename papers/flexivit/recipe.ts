/**
 * FlexiViT-B pre-trained on ImageNet-21k: one set of weights for patches from 48 to 8 pixels.
 *
 * Paper: Beyer et al. 2023, "FlexiViT: One Model for All Patch Sizes", arXiv:2212.08013.
 * Command: npx ocelli train flexivit --data DIR
 * Expected: not stated in the source for ImageNet-21k itself; the paper's tables are of transfers, for each patch size
 * Time: 90 epochs of 13 million images in batches of 4,096; for a pod of accelerators
 *
 * DIR holds ImageNet-21k with its 21,843 classes and splits `train`, `validation` and `test`: the published code trains
 * on `full[51200:]`, validates on `full[25600:51200]` and tests on `full[:25600]`. The published code's stored kernel is
 * 8 × 8; the paper's, and ours, 32 × 32. The paper's models begin with a teacher's weights and are distilled
 * (`flexivit-i21k`, `flexivit-i1k`); this is the published configuration that needs none.
 *
 * Left out here: evaluation on ImageNet-1k, -v2, -A, -R and ReaL by a map of labels.
 */

import type { Recipe } from "ocelli";

/** Patches along each side of 240 pixels: patches of 48, 40, 30, 24, 20, 16, 15, 12, 10 and 8 pixels. */
const SEQHW = [5, 6, 8, 10, 12, 15, 16, 20, 24, 30] as const;

const every = { steps: 5000 };

export default {
  name: "flexivit",
  preprocess: {
    train: "decode(alpha=drop)|inception_crop(240)|flip_lr|randaug(2,10)|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize_small(272)|central_crop(240)|value_range(-1,1)",
  },
  batchSize: 4096,
  duration: { epochs: 90 },
  model: {
    name: "flexivit",
    variant: "B",
    patchSize: [32, 32],
    posembSize: [7, 7],
    posemb: "learn",
    poolType: "tok",
    headBiasInit: -10,
    seqhw: 15, // of the model when it predicts
    flexi: { seqhw: [...SEQHW] }, // in training
  },
  objective: {
    name: "classification",
    loss: "sigmoid",
    mixup: { p: 0.2 },
  },
  optimizer: {
    name: "adam",
    lr: 1e-3,
    wd: 1e-4,
    muDtype: "bfloat16",
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 10_000 } },
  },
  evals: Object.fromEntries(
    SEQHW.flatMap((seqhw) => [
      [`val${seqhw}`, { split: "validation", model: { seqhw }, every }],
      [`test${seqhw}`, { split: "test", model: { seqhw }, every }],
      [`train${seqhw}`, { split: "train[:25600]", model: { seqhw }, every }],
    ]),
  ),
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
