/**
 * BiT-R152x2 distilled into a ResNet-50 on ImageNet-1k by function matching ("FunMatch").
 * Before it runs: fetch R152x2_T_224.npz (gs://bit_models/distill/R152x2_T_224.npz) into the folder where you run it.
 *
 * Paper: Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent", arXiv:2106.05237.
 * Command: npx ocelli train distillation --data DIR
 * Expected: less than 82.8 % on ImageNet's validation images at 224 pixels, which takes 9,600 epochs in place of these
 * 1,200; for 1,200 the paper draws a curve (Figure 5, left). The teacher has 83.0 %
 * Time: 367,800 steps of 4,096 images; 300 epochs take 15 hours on 32 TPU v3 cores in the published code's words
 *
 * The teacher's weights are the paper's own. Student and teacher see the same crop, mirrored and mixed alike, and nothing
 * but the divergence of their answers is minimised. DIR holds `train` and `validation`.
 *
 * Left out here: the teacher's own evaluations and those of the distance between the two (divergence, agreement, CKA);
 * evaluation on ImageNet-v2 and ReaL; few-shot evaluation every 10,000 steps with 1, 5, 10 and 25 images of each class, on
 * caltech101, cars196, cifar100, dtd, pets and uc_merced.
 */

import type { Recipe } from "ocelli";

export default {
  name: "distillation",
  split: "train[:98%]",
  preprocess: {
    train: "decode(alpha=drop)|inception_crop(224)|flip_lr|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 4096,
  duration: { epochs: 1200 },
  model: { name: "bit-paper", depth: 50, width: 1 },
  objective: {
    name: "distillation",
    teacher: {
      model: { name: "bit-paper", depth: 152, width: 2 },
      weights: "R152x2_T_224.npz",
    },
    temperature: 1,
    mixup: { p: 1 },
  },
  optimizer: {
    name: "adam",
    lr: 0.03,
    wd: 3e-4,
    muDtype: "bfloat16",
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 5000 } },
  },
  evals: {
    val: { split: "validation", every: { steps: 1000 } },
    minival: { split: "train[99%:]", every: { steps: 1000 } },
    train: { split: "train[:2%]", every: { steps: 1000 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1, keepEvery: { steps: 20_000 } },
} satisfies Recipe;
