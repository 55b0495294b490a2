/**
 * A vision transformer of 1.2 million parameters on CIFAR-10, patch 4, from scratch.
 *
 * Command: npx ocelli train cifar10 --data DIR
 * Expected: at least 65 % test accuracy at the last step
 * Time: within 60 minutes on 2 cores
 *
 * DIR holds train.tar and test.tar, or folders, with a folder per class. The settings were chosen on the last 5,000
 * training images, shuffled, and never on the test images.
 */

import type { Recipe } from "ocelli";

export default {
  name: "cifar10",
  preprocess: {
    train: "decode|random_shift(4)|flip_lr|value_range(-1,1)",
    eval: "decode|value_range(-1,1)",
  },
  batchSize: 128,
  duration: { epochs: 15 },
  model: {
    name: "vit",
    patchSize: [4, 4],
    width: 128,
    depth: 6,
    mlpDim: 512,
    numHeads: 4,
    poolType: "gap",
  },
  objective: { name: "classification" },
  optimizer: {
    name: "adamw",
    lr: 1e-3,
    b2: 0.99,
    weightDecay: 0.05,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { percent: 10 } },
  },
} satisfies Recipe;
