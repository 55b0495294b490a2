/**
 * ViT-g/14, pre-trained with sigmoid labels: the published settings; needs hundreds of accelerators.
 *
 * Paper: Zhai et al. 2022, "Scaling Vision Transformers", arXiv:2106.04560.
 * Command: npx ocelli train vit-g --data DIR
 * Expected: the paper's JFT-3B is not public; ViT-G/14, the next size, has 90.45 % on ImageNet after fine-tuning
 * Time: a million steps of 16,384 images; not for one machine
 *
 * DIR holds JFT-3B with its 29,593 classes, or data of yours, and splits `train` and `validation`. Two settings are ours:
 * `scan` compiles one block for all 40 and changes no number, the optimiser's included; `dtypeMm: "bfloat16"` multiplies
 * matrices in bfloat16 where the published configuration says float32.
 *
 * Left out here: few-shot evaluation every 10,000 steps with 1, 5, 10 and 25 images of each class, on caltech101,
 * cars196, cifar100, dtd, pets and uc_merced.
 */

import type { Recipe } from "ocelli";

export default {
  name: "vit-g",
  preprocess: {
    train: "decode(alpha=drop)|inception_crop(224)|flip_lr|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 16_384,
  duration: { steps: 1_000_000 },
  model: {
    name: "vit",
    variant: "g/14",
    posemb: "learn",
    poolType: "map",
    headBiasInit: -10,
    scan: true,
    dtypeMm: "bfloat16",
  },
  objective: { name: "classification", loss: "sigmoid" },
  optimizer: {
    name: "adafactor",
    lr: 8e-4,
    // 0.03 · lr, and on the head 3.0 · lr.
    wd: 2.4e-5,
    wdMults: [
      ["^head/kernel$", 100],
      [".*/kernel$", 1],
    ],
    gradClipNorm: 1,
    schedule: {
      decayType: "rsqrt",
      timescale: 10_000,
      warmup: { steps: 10_000 },
      cooldown: { steps: 50_000 },
    },
  },
  evals: { val: { split: "validation", every: { steps: 1000 } } },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1, keepEvery: { steps: 10_000 } },
} satisfies Recipe;
