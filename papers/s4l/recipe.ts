/**
 * S4L-Rotation on 10 % of ImageNet-1k's labels: the published settings.
 *
 * Paper: Zhai et al. 2019, "S4L: Self-Supervised Semi-Supervised Learning", arXiv:1905.03670.
 * Command: npx ocelli train s4l --data DIR
 * Expected: 61.37 % top-1 and 83.85 % top-5 on ImageNet's validation images (released code); 56.36 % and 80.42 % of the labels alone
 * Time: 1,000,800 steps of 256 labelled and 256 unlabelled images in four rotations; not for one machine
 *
 * DIR holds `train` and `validation`. Of `train` a tenth has labels that are used, drawn by hashing ids; the source has a fixed list of
 * file names, as many of each class. Epochs are those of the unlabelled images: an epoch has 5,004 steps, 200 of them in all, counted
 * in steps; the rate falls to a tenth at 140, 160 and 180. The decay of 1e-3 is times the rate here, and apart from the momentum.
 *
 * Not stated in the source: how often it evaluates, logs and saves.
 *
 * Left out here: ResNet-50 v2 (v1.5 is here); evaluation by the mean over four rotations.
 */

import type { Recipe } from "ocelli";

const EPOCH = 5004;
const LR = 0.03;

export default {
  name: "s4l",
  split: "train~[:10%]",
  preprocess: {
    train: "decode|inception_crop(224)|flip_lr|value_range(-1,1)",
    eval: "decode|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  unlabelled: { split: "train", batchSize: 256 },
  batchSize: 256,
  duration: { steps: 200 * EPOCH },
  model: { name: "resnet", depth: 50 },
  objective: { name: "s4l-rotation", weight: 1 },
  optimizer: {
    name: "momentum",
    lr: LR,
    momentum: 0.9,
    wd: 1e-3 * LR,
    schedule: {
      decayType: "stair",
      steps: [140 * EPOCH, 160 * EPOCH, 180 * EPOCH],
      mults: [0.1, 0.01, 0.001],
      warmup: { steps: 5 * EPOCH },
    },
  },
  evals: { val: { split: "validation", every: { steps: EPOCH } } },
  log: { steps: 50 },
  checkpoint: { every: { steps: EPOCH }, keep: 2 },
} satisfies Recipe;
