/**
 * Rotation prediction on ImageNet-1k, the best pretext task of "Revisiting self-supervised learning": the published settings.
 *
 * Paper: Kolesnikov et al. 2019, "Revisiting Self-Supervised Visual Representation Learning", arXiv:1901.09005.
 * Command: npx ocelli train revisiting-ssl --data DIR
 * Expected: less than 55.4 % by a linear probe on ImageNet's validation images, which takes a RevNet-50 16 times as wide
 * Time: 700,650 steps of 64 images in four rotations; not for one machine
 *
 * DIR holds `train` and `validation`; no labels are needed. An epoch has 20,018 steps: the rate falls to a tenth at 15 and at 25 of
 * 35 epochs. The decay of 1e-4 is times the rate here, and apart from the momentum.
 *
 * Not stated in the source: how often it evaluates, logs and saves.
 *
 * Left out here: ResNet-50 v2, RevNet-50 and VGG-19, and widths of 4 to 16 (4 is the usual ResNet-50, which is here).
 */

import type { Recipe } from "ocelli";

const EPOCH = 20_018;

export default {
  name: "revisiting-ssl",
  preprocess: {
    train: "decode|inception_crop(224)|flip_lr|value_range(-1,1)",
    eval: "decode|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 64,
  duration: { epochs: 35 },
  model: { name: "resnet", depth: 50 },
  objective: { name: "rotation" },
  optimizer: {
    name: "momentum",
    lr: (0.1 * 64) / 256,
    momentum: 0.9,
    wd: 1e-4 * ((0.1 * 64) / 256),
    schedule: {
      decayType: "stair",
      steps: [15 * EPOCH, 25 * EPOCH],
      mults: [0.1, 0.01],
      warmup: { epochs: 5 },
    },
  },
  evals: { val: { type: "objective", split: "validation", every: { epochs: 1 } } },
  log: { steps: 50 },
  checkpoint: { every: { epochs: 1 }, keep: 2 },
} satisfies Recipe;
