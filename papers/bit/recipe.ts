/**
 * BiT-S: R50x1 with group normalisation and standardised weights, from scratch on ImageNet-1k in 90 epochs.
 *
 * Paper: Kolesnikov et al. 2020, "Big Transfer (BiT): General Visual Representation Learning", arXiv:1912.11370.
 * Command: npx ocelli train bit --data DIR
 * Expected: the source states no figure
 * Time: 32 minutes on 128 TPU v3 cores (big_vision); not measured here
 *
 * big_vision writes the rate as 0.1 · batch / 256 and the decay as 1e-4 · batch / 256, not multiplied by the rate; momentum is
 * kept in bfloat16. DIR holds `train` and `validation`.
 *
 * Gaps: evaluations on ImageNet-v2 and ReaL need data sets of their own.
 */

import type { Recipe } from "ocelli";

const BATCH = 4096;

export default {
  name: "bit",
  split: "train[:99%]",
  preprocess: {
    train: "decode(alpha=drop)|inception_crop(224)|flip_lr|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: BATCH,
  duration: { epochs: 90 },
  model: { name: "bit", variant: "R50x1" },
  objective: { name: "classification", loss: "softmax" },
  optimizer: {
    name: "momentum",
    momentum: 0.9,
    dtype: "bfloat16",
    lr: (0.1 * BATCH) / 256,
    wd: (1e-4 * BATCH) / 256,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 1000 } },
  },
  evals: {
    val: { split: "validation", every: { steps: 1000 } },
    minival: { split: "train[99%:]", every: { steps: 1000 } },
    train: { split: "train[:2%]", every: { steps: 1000 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
