/**
 * Mixer-B/16 from scratch on ImageNet-1k: 76.3 % top-1 in big_vision.
 *
 * Paper: Tolstikhin et al. 2021, "MLP-Mixer: An all-MLP Architecture for Vision", arXiv:2105.01601.
 * Command: npx ocelli train mlp-mixer --data DIR
 * Expected: 76.3 % on the validation images at 224; 70.5 % after 60 epochs in place of 300
 * Time: 131 minutes on 128 TPU v3 cores (big_vision); not measured here
 *
 * DIR holds `train` and `validation`.
 *
 * Left out here: evaluation on ImageNet-v2 and ReaL; few-shot evaluation every 25,000 steps with 1, 5, 10 and 25 images of
 * each class, on caltech101, cars196, cifar100, dtd, pets and uc_merced.
 */

import type { Recipe } from "ocelli";

export default {
  name: "mlp-mixer",
  split: "train[:99%]",
  preprocess: {
    train: "decode(alpha=drop)|inception_crop(224)|flip_lr|randaug(2,15)|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 4096,
  duration: { epochs: 300 },
  model: { name: "mlp-mixer", variant: "B/16", stochDepth: 0.1, headBiasInit: -6.9 },
  objective: { name: "classification", loss: "sigmoid", mixup: { p: 0.5 } },
  optimizer: {
    name: "adam",
    lr: 1e-3,
    wd: 1e-4,
    gradClipNorm: 1,
    schedule: { decayType: "linear", end: 1e-5, warmup: { steps: 10_000 } },
  },
  evals: {
    val: { split: "validation", every: { steps: 2500 } },
    minival: { split: "train[99%:]", every: { steps: 2500 } },
    train: { split: "train[:2%]", every: { steps: 2500 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
