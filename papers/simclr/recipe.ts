/**
 * SimCLR on ImageNet-1k: a ResNet-50 for 1,000 epochs; the published settings.
 *
 * Paper: Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", arXiv:2002.05709.
 * Command: npx ocelli train simclr --data DIR
 * Expected: 69.3 % on ImageNet's validation images by a linear probe on frozen features (paper, table 6)
 * Time: 312,800 steps of 4,096 images in two views; 128 TPU v3 cores in the paper's words
 *
 * DIR holds `train` and `validation`; no labels are needed. Statistics of batch normalisation are of both views on all devices.
 *
 * Not stated in the source: how often it evaluates, logs and saves.
 */

import type { Recipe } from "ocelli";
import { AUGMENTATIONS, withViews } from "ocelli/preprocess";

export default {
  name: "simclr",
  preprocess: {
    train: withViews(AUGMENTATIONS.simclr(224)),
    eval: "decode|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 4096,
  duration: { epochs: 1000 },
  model: { name: "resnet", depth: 50 },
  objective: { name: "simclr", temperature: 0.1, layers: 2, hidden: 2048, outputs: 128 },
  optimizer: {
    name: "lars",
    lr: (0.3 * 4096) / 256,
    wd: 1e-6,
    schedule: { decayType: "cosine", warmup: { epochs: 10 } },
  },
  evals: { val: { type: "objective", split: "validation", every: { epochs: 10 } } },
  log: { steps: 50 },
  checkpoint: { every: { epochs: 1 }, keep: 2 },
} satisfies Recipe;
