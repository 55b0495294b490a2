/**
 * A small vision transformer on MNIST, all 60,000 training and 10,000 test digits, from scratch.
 *
 * Command: npx ocelli train quickstart
 * Expected: 99.18 % test accuracy at the last step; 99.10 % on the validation images below
 * Time: 3 minutes on 2 cores
 *
 * The settings were chosen on the last 5,000 training images:
 *   npx ocelli train quickstart --split "train[:55000]" --evals.test.split "train[55000:]"
 */

import { defineConfig } from "ocelli";

export default defineConfig({
  name: "quickstart",
  data: { name: "mnist" },
  preprocess: {
    train: "random_shift(2)|value_range(-1,1)",
    eval: "resize(28)|grayscale|value_range(-1,1)",
  },
  batchSize: 128,
  duration: { epochs: 8 },
  model: { name: "vit", patchSize: [7, 7], width: 96, depth: 4, mlpDim: 192, numHeads: 4 },
  objective: { name: "classification" },
  optimizer: {
    name: "adamw",
    lr: 2e-3,
    weightDecay: 0.05,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { percent: 5 } },
  },
});
