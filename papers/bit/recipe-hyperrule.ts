/**
 * BiT-HyperRule for a task of 20,000 to 500,000 pictures larger than 96 × 96: fine-tuning a pre-trained BiT.
 *
 * Paper: Kolesnikov et al. 2020, "Big Transfer (BiT): General Visual Representation Learning", arXiv:1912.11370.
 * Command: npx ocelli train bit-hyperrule --data DIR
 * Expected: depends on the task
 * Time: 10,000 steps of 512 pictures at 384
 *
 * Smaller tasks take 500 steps and no mixup, larger ones 20,000; the rate falls at 30, 60 and 90 % of them. Smaller pictures
 * are resized to 160 and cut to 128. The command begins with BiT-M's published weights, gs://bit_models/BiT-M-R50x1.npz, which
 * it looks for where it is run and which pool over zeros beyond the edge; `--init.weights RUN` takes a run of yours. `ocelli transfer --method hyperrule` chooses all of
 * this by the task's size.
 *
 * Gap: the source gives no clipping; there is none.
 */

import type { Recipe } from "ocelli";

export default {
  name: "bit-hyperrule",
  preprocess: {
    train: "decode(alpha=drop)|resize(448)|random_crop(384)|flip_lr|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize(384)|value_range(-1,1)",
  },
  batchSize: 512,
  duration: { steps: 10_000 },
  model: { name: "bit-paper", variant: "R50x1", zeroPool: true },
  init: { weights: "BiT-M-R50x1.npz", head: "drop" },
  objective: { name: "classification", mixup: { p: 0.1 } },
  optimizer: {
    name: "momentum",
    momentum: 0.9,
    lr: 3e-3,
    schedule: {
      decayType: "stair",
      steps: [3000, 6000, 9000],
      mults: [0.1, 0.01, 0.001],
      warmup: { steps: 500 },
    },
  },
} satisfies Recipe;
