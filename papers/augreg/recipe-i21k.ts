/**
 * ViT-B/16 pre-trained on ImageNet-21k with augmentation and regularisation ("AugReg").
 *
 * Paper: Steiner et al. 2021, "How to train your ViT? Data, Augmentation, and Regularization in Vision Transformers",
 * arXiv:2106.10270.
 * Command: npx ocelli train augreg-i21k --data DIR
 * Expected: not stated in the source for ImageNet-21k itself; the paper's figures are of transfers
 * Time: 300 epochs of 13 million images in batches of 4,096; for a pod of accelerators
 *
 * DIR holds ImageNet-21k with its 21,843 classes, each image with all of its labels, and splits `train`, `validation` and
 * `test`: the published code trains on `full[51200:]`, validates on `full[25600:51200]` and tests on `full[:25600]`. By
 * size it takes these strengths (`augmentation.ts`): Ti/16 and S/32 none, S/16 light1, B/32 and B/16 light2, L/16 medium2.
 *
 * Left out here: few-shot evaluation every 25,000 steps with 1, 5, 10 and 25 images of each class, on caltech101,
 * cars196, cifar100, dtd, pets and uc_merced.
 */

import type { Recipe } from "ocelli";
import { STRENGTHS, augmented } from "./augmentation.ts";

const strength = STRENGTHS.light2;

export default {
  name: "augreg-i21k",
  preprocess: {
    train: augmented(strength),
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 4096,
  duration: { epochs: 300 },
  model: { name: "vit", variant: "B/16", posemb: "learn", poolType: "gap", headBiasInit: -10 },
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
    val: { split: "validation", every: { steps: 1000 } },
    test: { split: "test", every: { steps: 1000 } },
    train: { split: "train[:25600]", every: { steps: 1000 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
