/**
 * A small vision transformer that learns from pictures without labels, by telling in which of four rotations it sees them.
 *
 * Command: npx ocelli train rotation --data DIR
 * Expected: depends on the pictures, and has not been measured at this size; tests/e2e/rotation.test.ts asks a smaller model
 *   on drawn figures for a kNN above that on random features. To judge yours so, name labelled pictures, such as --evals.near.type knn --evals.near.split test
 *   --evals.near.from train --evals.near.data.name folder --evals.near.data.dir LABELLED
 * Time: not measured
 *
 * DIR is a folder of images, flat or nested, a .tar, or a table of paths; no labels are needed, and none are used. Then
 * `ocelli transfer --model RUN --data PETS` teaches a classifier on its features, and `ocelli embed RUN DIR` writes them.
 */

import type { Recipe } from "ocelli";

export default {
  name: "rotation",
  preprocess: {
    train: "decode|inception_crop(32, 30)|flip_lr|value_range(-1,1)",
    eval: "decode|resize_small(36)|central_crop(32)|value_range(-1,1)",
  },
  onBadImage: "skip",
  batchSize: 64,
  duration: { epochs: 30 },
  model: {
    name: "vit",
    patchSize: [4, 4],
    width: 192,
    depth: 3,
    mlpDim: 576,
    numHeads: 6,
    posemb: "sincos2d",
    poolType: "gap",
  },
  objective: { name: "rotation" },
  evals: { test: { type: "objective", split: "test", every: { percent: 10 } } },
  optimizer: {
    name: "adamw",
    lr: 1e-3,
    b2: 0.99,
    weightDecay: 0.05,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { percent: 10 } },
  },
} satisfies Recipe;
