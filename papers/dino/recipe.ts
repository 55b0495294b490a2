/**
 * DINO on ImageNet-1k: a ViT-S/16 for 800 epochs; the published settings.
 *
 * Paper: Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", arXiv:2104.14294.
 * Command: npx ocelli train dino --data DIR
 * Expected: less than 74.5 % by kNN and 77.0 % by a linear probe on ImageNet's validation images, for what is left out
 * Time: 1,000,800 steps of 1,024 images in ten views; not for one machine
 *
 * DIR holds `train` and `validation`; no labels are needed.
 *
 * Not stated in the source: how often it evaluates, logs and saves.
 *
 * Left out here: positions are learned and resized for small views in the source, and sines here; the decay rises from 0.04 to 0.4
 * along a cosine there; each array's gradient is clipped to 3.0 by itself, not all of them together; the last layer of the head stays as it
 * is in the first epoch.
 */

import type { Recipe } from "ocelli";
import { AUGMENTATIONS, withViews } from "ocelli/preprocess";

export default {
  name: "dino",
  preprocess: {
    train: withViews(AUGMENTATIONS.dino(224, 8)),
    eval: "decode|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 1024,
  duration: { epochs: 800 },
  model: { name: "vit", variant: "S/16", posemb: "sincos2d", poolType: "tok" },
  objective: {
    name: "dino",
    outputs: 65_536,
    hidden: 2048,
    bottleneck: 256,
    studentTemperature: 0.1,
    firstTemperature: 0.04,
    teacherTemperature: 0.07,
    temperatureWarmup: 30 / 800,
    momentum: 0.996,
    centreMomentum: 0.9,
  },
  optimizer: {
    name: "adamw",
    lr: (5e-4 * 1024) / 256,
    weightDecay: 0.04,
    gradClipNorm: 3,
    schedule: { decayType: "cosine", warmup: { epochs: 10 } },
  },
  evals: { val: { type: "objective", split: "validation", every: { epochs: 10 } } },
  log: { steps: 50 },
  checkpoint: { every: { epochs: 1 }, keep: 2 },
} satisfies Recipe;
