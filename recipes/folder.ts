/**
 * Your own images, a folder with a folder per class: a small vision transformer from scratch.
 *
 * Command: npx ocelli train folder --data DIR
 * Expected: depends on the images; on CIFAR-10's 50,000 pictures see the recipe cifar10
 * Time: about 4 ms for an image and epoch on 2 cores
 *
 * DIR may also be a .tar, .tfrecord, .parquet, .jsonl or .csv. Where there is no test split, 10 % of the images of each
 * class are held out for it and 10 % for validation, by hashing their names; --data.splitBy id keeps every image where it
 * is when others are added. Images that cannot be read are left out, and reported.
 */

import type { Recipe } from "ocelli";

export default {
  name: "folder",
  preprocess: {
    train: "decode|inception_crop(64, 30)|flip_lr|value_range(-1,1)",
    eval: "decode|resize_small(72)|central_crop(64)|value_range(-1,1)",
  },
  onBadImage: "skip",
  batchSize: 64,
  duration: { epochs: 30 },
  model: {
    name: "vit",
    patchSize: [8, 8],
    width: 128,
    depth: 6,
    mlpDim: 512,
    numHeads: 4,
    poolType: "gap",
  },
  objective: { name: "classification", labelSmoothing: 0.1 },
  optimizer: {
    name: "adamw",
    lr: 1e-3,
    weightDecay: 0.05,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { percent: 10 } },
  },
} satisfies Recipe;
