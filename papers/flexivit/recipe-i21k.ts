/**
 * FlexiViT-B distilled on ImageNet-21k from ViT-B/8.
 * Before it runs: fetch B_8-i21k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.0-sd_0.0.npz
 * (gs://vit_models/augreg/ before its name) into the folder where you run it.
 *
 * Paper: Beyer et al. 2023, "FlexiViT: One Model for All Patch Sizes", arXiv:2212.08013; the teacher is Steiner et al.
 * 2021, "How to train your ViT?", arXiv:2106.10270.
 * Command: npx ocelli train flexivit-i21k --data DIR
 * Expected: not stated in the source for ImageNet-21k itself; the paper's tables are of transfers, for each patch size
 * Time: 90 epochs of 13 million images in batches of 4,096; for a pod of accelerators
 *
 * The student begins with its teacher's weights, its positions resized from 28 × 28 to 7 × 7. Teacher and student see the
 * same crop, each at its own resolution. DIR holds ImageNet-21k with its 21,843 classes and splits `train`, `validation` and
 * `test`: the published code trains on `full[51200:]`, validates on `full[25600:51200]` and tests on `full[:25600]`. It
 * resizes the student's image once more for the teacher, scaled to −1 to 1 twice; here the teacher has the crop itself, as
 * in the published evaluation.
 *
 * Left out here: the teacher's own evaluations and those of the distance between the two; evaluation on ImageNet-1k, -v2,
 * -A, -R and ReaL by a map of labels.
 */

import type { Recipe } from "ocelli";

/** Both models' beginning. */
const WEIGHTS = "B_8-i21k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.0-sd_0.0.npz";

/** Patches along each side of 240 pixels. */
const SEQHW = [5, 6, 8, 10, 12, 15, 16, 20, 24, 30] as const;

const every = { steps: 5000 };

export default {
  name: "flexivit-i21k",
  preprocess: {
    train:
      "decode(alpha=drop)|inception_crop|flip_lr|copy(image, prof)|resize(240)|resize(224, key=prof)" +
      "|value_range(-1,1)|value_range(-1,1, key=prof)",
    eval: "decode(alpha=drop)|resize(272)|central_crop(240)|value_range(-1,1)",
  },
  batchSize: 4096,
  duration: { epochs: 90 },
  model: {
    name: "flexivit",
    variant: "B",
    patchSize: [8, 8],
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
      model: { name: "vit", variant: "B/8", poolType: "tok" },
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
      [`val${seqhw}`, { split: "validation", model: { seqhw }, every }],
      [`test${seqhw}`, { split: "test", model: { seqhw }, every }],
      [`train${seqhw}`, { split: "train[:25600]", model: { seqhw }, every }],
    ]),
  ),
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
