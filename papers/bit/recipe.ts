/**
 * ResNet-50 v1 with group normalisation and standardised weights, from scratch on ImageNet-1k in 90 epochs.
 *
 * Paper: Kolesnikov et al. 2020, "Big Transfer (BiT): General Visual Representation Learning", arXiv:1912.11370.
 * Command: npx ocelli train bit --data DIR
 * Expected: not stated in the source
 * Time: 32 minutes on 128 TPU v3 cores (big_vision); not measured here
 *
 * This is big_vision's `bit`: a ResNet v1 at a rate of 0.1 · batch / 256. BiT-S, the paper's model on ImageNet-1k, is a
 * ResNet v2 at 0.03 · batch / 256: `--model.name bit-paper --optimizer.lr 0.48`. The decay is 1e-4 · batch / 256, not
 * multiplied by the rate; momentum is kept in bfloat16. DIR holds `train` and `validation`.
 *
 * Left out here: evaluation on ImageNet-v2 and ReaL.
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
