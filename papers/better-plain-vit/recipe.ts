/**
 * A plain ViT-S/16 on ImageNet-1k in 90 epochs: small changes that make the original recipe better.
 *
 * Paper: Beyer, Zhai, Kolesnikov 2022, "Better plain ViT baselines for ImageNet-1k", arXiv:2205.01580.
 * Command: npx ocelli train better-plain-vit --data DIR
 * Expected: 76.5 % on ImageNet's validation images; 80.0 % with --duration.epochs 300
 * Time: 111,500 steps of 1,024 images; 6 to 7 hours on 8 TPU v3 cores in the paper
 *
 * Against the original ViT: batches of 1,024 for 4,096, averaged tokens for a class token, fixed sines for learned
 * positions, and RandAugment and mixup at a low strength. DIR holds `train` and `validation`.
 *
 * Left out here: evaluation on ImageNet-v2 and ReaL.
 */

import type { Recipe } from "ocelli";

export default {
  name: "better-plain-vit",
  split: "train[:99%]",
  preprocess: {
    train: "decode(alpha=drop)|inception_crop(224)|flip_lr|randaug(2,10)|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 1024,
  duration: { epochs: 90 },
  model: {
    name: "vit",
    variant: "S/16",
    repSize: true,
    poolType: "gap",
    posemb: "sincos2d",
    headZeroinit: true,
  },
  objective: { name: "classification", loss: "softmax", mixup: { p: 0.2 } },
  optimizer: {
    name: "adam",
    lr: 1e-3,
    wd: 1e-4,
    muDtype: "bfloat16",
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 10_000 } },
  },
  evals: {
    val: { split: "validation", every: { steps: 2500 } },
    minival: { split: "train[99%:]", every: { steps: 2500 } },
    train: { split: "train[:2%]", every: { steps: 2500 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
