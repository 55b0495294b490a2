/**
 * ViT-22B, pre-trained with sigmoid labels: the published settings; needs thousands of accelerators.
 *
 * Paper: Dehghani et al. 2023, "Scaling Vision Transformers to 22 Billion Parameters", arXiv:2302.05442.
 * Command: npx ocelli train vit-22b --data DIR
 * Expected: the paper's JFT-4B is not public; on ImageNet, 89.5 % by a linear probe on frozen features (paper, table 1)
 * Time: 177,000 steps of 65,536 images; not for one machine
 *
 * Normalisations have neither bias nor centring, queries, keys and values no biases. DIR holds `train` and `validation`;
 * JFT has 29,593 classes. `scan` is ours: it compiles one block for all 48 and changes no number, the optimiser's included.
 *
 * Not stated in the source: the head's first bias, the optimiser's constants and the clipping; how often it evaluates, logs
 * and saves. All of these are those of ViT-G (Zhai et al. 2022), to which the paper refers. `dtypeMm: "bfloat16"` multiplies
 * matrices in bfloat16, as is usual at this size.
 */

import type { Recipe } from "ocelli";

export default {
  name: "vit-22b",
  preprocess: {
    train: "decode(alpha=drop)|inception_crop(224)|flip_lr|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 65_536,
  duration: { steps: 177_000 },
  model: {
    name: "vit",
    variant: "22B/14",
    posemb: "learn",
    poolType: "map",
    parallel: true,
    qkNorm: true,
    norm: "rmsNorm",
    qkvBias: false,
    headBiasInit: -10,
    scan: true,
    dtypeMm: "bfloat16",
  },
  objective: { name: "classification", loss: "sigmoid" },
  optimizer: {
    name: "adafactor",
    lr: 1e-3,
    // 0.03 · lr, and on the head 3.0 · lr.
    wd: 3e-5,
    wdMults: [
      ["^head/kernel$", 100],
      [".*/kernel$", 1],
    ],
    gradClipNorm: 1,
    schedule: {
      decayType: "rsqrt",
      timescale: 10_000,
      warmup: { steps: 10_000 },
      cooldown: { steps: 30_000 },
    },
  },
  evals: { val: { split: "validation", every: { steps: 1000 } } },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1, keepEvery: { steps: 10_000 } },
} satisfies Recipe;
