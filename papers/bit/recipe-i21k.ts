/**
 * BiT-M: R50x1 with group normalisation and standardised weights, pre-trained on ImageNet-21k in 90 epochs.
 *
 * Paper: Kolesnikov et al. 2020, "Big Transfer (BiT): General Visual Representation Learning", arXiv:1912.11370.
 * Command: npx ocelli train bit-i21k --data DIR
 * Expected: not stated in the source; a backbone for transfer
 * Time: 90 epochs of 14 million images; not for one machine
 *
 * DIR holds ImageNet-21k with its 21,843 classes and splits `train`, `validation` and `test`: the published code trains
 * on `full[51200:]`, validates on `full[25600:51200]` and tests on `full[:25600]`. Momentum is kept in bfloat16.
 *
 * Left out here: few-shot evaluation every 25,000 steps with 1, 5, 10 and 25 images of each class, on caltech101,
 * cars196, cifar100, dtd, pets and uc_merced.
 */

import type { Recipe } from "ocelli";

const BATCH = 4096;

export default {
  name: "bit-i21k",
  preprocess: {
    train: "decode(alpha=drop)|inception_crop(224)|flip_lr|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: BATCH,
  duration: { epochs: 90 },
  model: { name: "bit-paper", variant: "R50x1", headBiasInit: -10 },
  objective: { name: "classification", loss: "sigmoid" },
  optimizer: {
    name: "momentum",
    momentum: 0.9,
    dtype: "bfloat16",
    lr: (0.03 * BATCH) / 256,
    wd: (3e-5 * BATCH) / 256,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 5000 } },
  },
  evals: {
    val: { split: "validation", every: { steps: 1000 } },
    test: { split: "test", every: { steps: 1000 } },
    train: { split: "train[:25600]", every: { steps: 1000 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
