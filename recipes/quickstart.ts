/**
 * A small vision transformer on MNIST: 60,000 handwritten digits for training, 10,000 for the test.
 *
 * Command: npx ocelli train quickstart
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
  duration: { epochs: 10 },
  model: {
    name: "vit",
    patchSize: [7, 7],
    width: 64,
    depth: 6,
    mlpDim: 128,
    numHeads: 4,
    posemb: "learn",
    poolType: "gap",
  },
  objective: { name: "classification" },
  optimizer: {
    name: "adamw",
    lr: 2e-3,
    weightDecay: 0.05,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { percent: 5 } },
  },
});
