/**
 * A student of noisy student training: a ResNet-50 that learns a teacher's soft labels under noise; the published settings where known.
 * Before it runs: fetch teacher.npz, the weights of a ResNet-50 trained on the labels, into the folder where you run it.
 *
 * Paper: Xie et al. 2020, "Self-training with Noisy Student improves ImageNet classification", arXiv:1911.04252.
 * Command: npx ocelli train noisy-student --data DIR
 * Expected: not comparable; the paper's EfficientNet-L2 reaches 88.4 % on ImageNet's validation images, with 300 million further images
 * Time: 218,750 steps of 2,048 images for the 1.28 million of ImageNet; more for more images
 *
 * DIR holds `train`, images with or without labels, and `validation`. The teacher answers on the picture without noise.
 *
 * Not stated in the source: the settings of a ResNet-50's decay and warm-up; how often it evaluates, logs and saves.
 *
 * Left out here: EfficientNets; dropout of 0.5 and stochastic depth of 0.8, which this network has none of; the choice of 130,000
 * confident pictures of each class; batches of labelled images beside them; repeated rounds with larger students.
 */

import type { Recipe } from "ocelli";

export default {
  name: "noisy-student",
  preprocess: {
    train:
      "decode|inception_crop(224)|flip_lr|copy(image, theirs)|randaug(2,27)|value_range(-1,1)|value_range(-1,1, key=theirs)",
    eval: "decode|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 2048,
  duration: { epochs: 350 },
  model: { name: "resnet", depth: 50 },
  objective: {
    name: "distillation",
    teacher: { model: { name: "resnet", depth: 50 }, weights: "teacher.npz" },
    teacherImage: "theirs",
    targets: "soft",
  },
  optimizer: {
    name: "momentum",
    lr: 0.128,
    momentum: 0.9,
    schedule: { decayType: "cosine", warmup: { epochs: 5 } },
  },
  evals: { val: { split: "validation", every: { epochs: 1 } } },
  log: { steps: 50 },
  checkpoint: { every: { epochs: 1 }, keep: 2 },
} satisfies Recipe;
