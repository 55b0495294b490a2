/**
 * FlexiViT-B distilled on ImageNet-1k from DeiT III-B/16 at 384 pixels.
 * Before it runs: fetch bv_deit_3_base_384_1k.npz (gs://big_vision/zoo/deit3/bv_deit_3_base_384_1k.npz) into the folder where
 * you run it.
 *
 * Paper: Beyer et al. 2023, "FlexiViT: One Model for All Patch Sizes", arXiv:2212.08013; the teacher is Touvron et al.
 * 2022, "DeiT III: Revenge of the ViT", arXiv:2204.07118.
 * Command: npx ocelli train flexivit-i1k --data DIR
 * Expected: a figure for each patch size, in the tables of the paper's appendix; for 90, 300, 600 and 1,200 epochs
 * Time: 111,477 steps of 1,024 images; about 16 hours on 32 TPU v3 cores in the published code's words
 *
 * The teacher's weights are those of big_vision, in which DeiT III's LayerScale is folded into the kernels. The student
 * begins with them, its positions resized from 24 × 24 to 7 × 7. Teacher and student see the same crop, each at its own
 * resolution. DIR holds `train` and `validation`.
 *
 * Left out here: the teacher's own evaluations and those of the distance between the two; evaluation on ImageNet-v2, -A, -R
 * and ReaL.
 */

import type { Recipe } from "ocelli";

/** Both models' beginning. */
const WEIGHTS = "bv_deit_3_base_384_1k.npz";

/** Patches along each side of 240 pixels. */
const SEQHW = [5, 6, 8, 10, 12, 15, 16, 20, 24, 30] as const;

export default {
  name: "flexivit-i1k",
  split: "train[:99%]",
  preprocess: {
    train:
      "decode(alpha=drop)|inception_crop|flip_lr|copy(image, prof)|resize(240)|resize(384, key=prof)" +
      "|value_range(-1,1)|value_range(-1,1, key=prof)",
    eval: "decode(alpha=drop)|resize(272)|central_crop(240)|value_range(-1,1)",
  },
  batchSize: 1024,
  duration: { epochs: 90 },
  model: {
    name: "flexivit",
    variant: "B",
    patchSize: [16, 16],
    posembSize: [7, 7],
    posemb: "learn",
    poolType: "tok",
    seqhw: 15, // of the model when it predicts
    flexi: { seqhw: [...SEQHW] }, // in training
  },
  init: { weights: WEIGHTS },
  objective: {
    name: "distillation",
    teacher: {
      model: { name: "vit", variant: "B/16", poolType: "tok" },
      weights: WEIGHTS,
    },
    teacherImage: "prof",
    temperature: 1,
    mixup: { p: 1 },
  },
  optimizer: {
    name: "adam",
    lr: 1e-4,
    wd: 1e-5,
    muDtype: "bfloat16",
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 5000 } },
  },
  evals: Object.fromEntries(
    SEQHW.flatMap((seqhw) => [
      [`val${seqhw}`, { split: "validation", model: { seqhw }, every: { percent: 5 } }],
      [`minival${seqhw}`, { split: "train[99%:]", model: { seqhw }, every: { percent: 5 } }],
      [`train${seqhw}`, { split: "train[:2%]", model: { seqhw }, every: { percent: 5 } }],
    ]),
  ),
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
