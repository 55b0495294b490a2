/**
 * The masked autoencoder on ImageNet-1k: a ViT-B/16 for 800 epochs; the published settings.
 *
 * Paper: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377.
 * Command: npx ocelli train mae --data DIR
 * Expected: 67.8 % by a linear probe and 83.66 % after fine-tuning on ImageNet's validation images (authors' code, 1,600 epochs)
 * Time: 250,200 steps of 4,096 images; 64 GPUs in the authors' code
 *
 * DIR holds `train` and `validation`; no labels are needed.
 *
 * Not stated in the source: how often it evaluates and logs.
 */

import type { Recipe } from "ocelli";
import { AUGMENTATIONS, withViews } from "ocelli/preprocess";

export default {
  name: "mae",
  preprocess: {
    train: withViews(AUGMENTATIONS.mae(224)),
    eval: "decode|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 4096,
  duration: { epochs: 800 },
  model: { name: "vit", variant: "B/16", posemb: "sincos2d", poolType: "tok" },
  objective: {
    name: "mae",
    maskRatio: 0.75,
    normPix: true,
    decoder: { width: 512, depth: 8, numHeads: 16 },
  },
  optimizer: {
    name: "adamw",
    lr: (1.5e-4 * 4096) / 256,
    b2: 0.95,
    weightDecay: 0.05,
    schedule: { decayType: "cosine", warmup: { epochs: 40 } },
  },
  evals: { val: { type: "objective", split: "validation", every: { epochs: 10 } } },
  log: { steps: 50 },
  checkpoint: { every: { epochs: 20 }, keep: 2 },
} satisfies Recipe;
