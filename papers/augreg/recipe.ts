/**
 * ViT-B/16 on ImageNet-1k from scratch with augmentation and regularisation ("AugReg").
 *
 * Paper: Steiner et al. 2021, "How to train your ViT? Data, Augmentation, and Regularization in Vision Transformers",
 * arXiv:2106.10270.
 * Command: npx ocelli train augreg --data DIR
 * Expected: not stated in the source as a number; the paper shows it as a colour in Figure 4
 * Time: 92,900 steps of 4,096 images; for a pod of accelerators
 *
 * The published code takes these strengths (`augmentation.ts`) by size: Ti/16 light1, S/32 medium1, S/16, B/32, B/16 and
 * L/16 medium2. DIR holds `train` and `validation`. The published configuration has neither dropout nor stochastic depth;
 * the paper also tries 0.1 of each.
 *
 * Left out here: evaluation on ImageNet-v2 and ReaL; few-shot evaluation every 10,000 steps with 1, 5, 10 and 25 images of
 * each class, on caltech101, cars196, cifar100, dtd, pets and uc_merced.
 */

import type { Recipe } from "ocelli";
import { STRENGTHS, augmented } from "./augmentation.ts";

const strength = STRENGTHS.medium2;

export default {
  name: "augreg",
  split: "train[:99%]",
  preprocess: {
    train: augmented(strength),
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 4096,
  duration: { epochs: 300 },
  model: {
    name: "vit",
    variant: "B/16",
    posemb: "learn",
    repSize: true,
    poolType: "tok",
    headBiasInit: -6.9,
  },
  objective: { name: "classification", loss: "sigmoid", mixup: { p: strength.mixup } },
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
