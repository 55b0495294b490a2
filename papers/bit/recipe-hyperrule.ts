/**
 * BiT-HyperRule as the paper states it, for a task of 20,000 to 500,000 images larger than 96 × 96.
 * Before it runs: fetch BiT-M-R50x1.npz (gs://bit_models/BiT-M-R50x1.npz) into the folder where you run it.
 *
 * Paper: Kolesnikov et al. 2020, "Big Transfer (BiT): General Visual Representation Learning", arXiv:1912.11370,
 * section 3.3.
 * Command: npx ocelli train bit-hyperrule --data DIR
 * Expected: depends on the task
 * Time: 10,000 steps of 512 images at 384 pixels
 *
 * Three rules are published. The paper's, here, in `ocelli transfer --method hyperrule` and in the claim: images resized to
 * 448 and cut to 384, the rate a tenth from 30, 60 and 90 % of the steps. The code beside the paper differs: 512 and 480
 * pixels, a warm-up of 500 steps (100 for small tasks), and for small tasks a tenth of the rate from 200, 300 and 400 of 500
 * steps. big_vision's `transfer.py` has a cosine from a rate of 0.01, a warm-up, clipping at 1 and no mixup.
 *
 * Smaller tasks take 500 steps and no mixup, larger ones 20,000 steps. Smaller images are resized to 160 and cut to 128.
 * BiT-M's published weights pool over zeros beyond the edge. `--init.weights RUN` takes a run of yours instead;
 * `ocelli transfer --method hyperrule` chooses all of this by the task's size.
 *
 * Not stated in the source: clipping (here none).
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
    },
  },
} satisfies Recipe;
