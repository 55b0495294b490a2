/**
 * A small vision transformer that learns from pictures without labels, by predicting the three quarters that it does not see.
 *
 * Command: npx ocelli train mae-small --data DIR
 * Expected: depends on the pictures, and has not been measured at this size. To judge yours, name labelled pictures, such as
 *   --evals.near.type knn --evals.near.split test --evals.near.from train --evals.near.data.name folder --evals.near.data.dir LABELLED
 * Time: not measured
 *
 * DIR is a folder of images, flat or nested, a .tar, or a table of paths; no labels are needed, and none are used.
 */

import type { Recipe } from "ocelli";

export default {
  name: "mae-small",
  preprocess: {
    train: "decode|random_resized_crop(32, 20)|flip_lr|value_range(-1,1)",
    eval: "decode|resize_small(36)|central_crop(32)|value_range(-1,1)",
  },
  onBadImage: "skip",
  batchSize: 64,
  duration: { epochs: 30 },
  model: {
    name: "vit",
    patchSize: [4, 4],
    width: 192,
    depth: 4,
    mlpDim: 576,
    numHeads: 6,
    posemb: "sincos2d",
    poolType: "gap",
  },
  objective: { name: "mae", decoder: { width: 192, depth: 2, numHeads: 6 } },
  evals: { test: { type: "objective", split: "test", every: { percent: 10 } } },
  optimizer: {
    name: "adamw",
    lr: 1e-3,
    b2: 0.95,
    wd: 5e-5,
    schedule: { decayType: "cosine", warmup: { percent: 10 } },
  },
} satisfies Recipe;
