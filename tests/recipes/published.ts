/**
 * @file What is published of every recipe in `papers/`: its values by their path in the configuration, as the source has
 * them, and beside them the values of which the source says nothing or something else.
 */

import { FEW_LABELS } from "./published-few-labels.ts";
import { PUBLISHED_PAIRS } from "./published-pairs.ts";
import { ADAM, KEPT, type Published, SAVED } from "./published-values.ts";

/** The data sets of big_vision's few-shot evaluations (`common_fewshot.py`), and the images of each class. */
export const FEW_SHOT_SETS = ["caltech101", "cars196", "cifar100", "dtd", "pets", "uc_merced"];
export const FEW_SHOT_SHOTS = [1, 5, 10, 25];

const CROPS = "decode(alpha=drop)|inception_crop(224)|flip_lr";
const EVAL_224 = "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)";
const I1K = { validation: 2500, "train[99%:]": 2500, "train[:2%]": 2500 };
const I1K_OFTEN = { validation: 1000, "train[99%:]": 1000, "train[:2%]": 1000 };
/** `full[25600:51200]`, `full[:25600]` and `full[51200:76800]` are splits of their own here. */
const I21K = { validation: 1000, test: 1000, "train[:25600]": 1000 };
const SEQHW = [5, 6, 8, 10, 12, 15, 16, 20, 24, 30];

const COSINE = {
  ...ADAM,
  "optimizer.muDtype": "bfloat16",
  "optimizer.schedule.decayType": "cosine",
};
const DISTILLED = {
  "objective.name": "distillation",
  "objective.temperature": 1,
  "objective.mixup.p": 1,
};
const FLEXIBLE_DISTILLED = {
  ...DISTILLED,
  ...COSINE,
  "optimizer.lr": 1e-4,
  "optimizer.wd": 1e-5,
  "optimizer.schedule.warmup.steps": 5000,
  "duration.epochs": 90,
  "model.name": "flexivit",
  "model.variant": "B",
  "model.posembSize": [7, 7],
  "model.posemb": "learn",
  "model.poolType": "tok",
  "objective.teacher.model.name": "vit",
  "objective.teacher.model.poolType": "tok",
  "objective.teacherImage": "prof",
  "model.flexi.seqhw": SEQHW,
  "preprocess.eval": "decode(alpha=drop)|resize(272)|central_crop(240)|value_range(-1,1)",
  ...SAVED,
};
const SERVED_AT_15 = { "model.seqhw": 15, ...KEPT };

const GIANT = {
  "preprocess.train": `${CROPS}|value_range(-1,1)`,
  "preprocess.eval": EVAL_224,
  "model.name": "vit",
  "model.poolType": "map",
  "objective.name": "classification",
  "objective.loss": "sigmoid",
};
const GIANT_OPTIMIZER = {
  "optimizer.name": "adafactor",
  "optimizer.wdMults": [
    ["^head/kernel$", 100],
    [".*/kernel$", 1],
  ],
  "optimizer.schedule.decayType": "rsqrt",
  "optimizer.schedule.timescale": 10_000,
  "optimizer.schedule.warmup.steps": 10_000,
};
const GIANT_CONSTANTS = {
  "model.posemb": "learn",
  "model.headBiasInit": -10,
  "optimizer.gradClipNorm": 1,
};

const MOMENTUM = {
  "optimizer.name": "momentum",
  "optimizer.momentum": 0.9,
  "optimizer.dtype": "bfloat16",
  "optimizer.gradClipNorm": 1,
  "optimizer.schedule.decayType": "cosine",
};

/** By the recipe's name. */
export const PUBLISHED: Readonly<Record<string, Published>> = {
  ...FEW_LABELS,
  augreg: {
    source: "vit_i1k.py",
    values: {
      split: "train[:99%]",
      "preprocess.train": `${CROPS}|randaug(2,15)|value_range(-1,1)`, // medium2
      "preprocess.eval": EVAL_224,
      batchSize: 4096,
      "duration.epochs": 300,
      "model.name": "vit",
      "model.variant": "B/16",
      "model.posemb": "learn",
      "model.repSize": true,
      "model.poolType": "tok",
      "model.headBiasInit": -6.9,
      "objective.name": "classification",
      "objective.loss": "sigmoid",
      "objective.mixup.p": 0.5,
      ...COSINE,
      ...SAVED,
    },
    ours: KEPT,
    evals: I1K,
    fewShot: { everySteps: 10_000 },
  },
  "augreg-i21k": {
    source: "vit_i21k.py",
    values: {
      "preprocess.train": `${CROPS}|randaug(2,10)|value_range(-1,1)`, // light2
      "preprocess.eval": EVAL_224,
      batchSize: 4096,
      "duration.epochs": 300,
      "model.name": "vit",
      "model.variant": "B/16",
      "model.posemb": "learn",
      "model.poolType": "gap",
      "model.headBiasInit": -10,
      "objective.name": "classification",
      "objective.loss": "sigmoid",
      "objective.mixup.p": 0.2,
      ...COSINE,
      ...SAVED,
    },
    ours: KEPT,
    evals: I21K,
    fewShot: { everySteps: 25_000 },
  },
  "better-plain-vit": {
    source: "vit_s16_i1k.py",
    values: {
      split: "train[:99%]",
      "preprocess.train": `${CROPS}|randaug(2,10)|value_range(-1,1)`,
      "preprocess.eval": EVAL_224,
      batchSize: 1024,
      "duration.epochs": 90,
      "model.name": "vit",
      "model.variant": "S/16",
      "model.repSize": true,
      "model.poolType": "gap",
      "model.posemb": "sincos2d",
      "model.headZeroinit": true, // the model's default there
      "objective.name": "classification",
      "objective.loss": "softmax",
      "objective.mixup.p": 0.2,
      ...COSINE,
      ...SAVED,
    },
    ours: KEPT,
    evals: I1K,
  },
  bit: {
    source: "bit_i1k.py",
    values: {
      split: "train[:99%]",
      "preprocess.train": `${CROPS}|value_range(-1,1)`,
      "preprocess.eval": EVAL_224,
      batchSize: 4096,
      "duration.epochs": 90,
      "model.name": "bit",
      "model.variant": "R50x1",
      "objective.name": "classification",
      "objective.loss": "softmax",
      ...MOMENTUM,
      "optimizer.lr": 1.6, // 0.1 · 4096 / 256
      "optimizer.wd": 0.0016, // 1e-4 · 4096 / 256
      "optimizer.schedule.warmup.steps": 1000,
      ...SAVED,
    },
    ours: KEPT,
    evals: I1K_OFTEN,
  },
  "bit-hyperrule": {
    source: "arXiv:1912.11370, section 3.3",
    values: {
      "preprocess.train":
        "decode(alpha=drop)|resize(448)|random_crop(384)|flip_lr|value_range(-1,1)",
      "preprocess.eval": "decode(alpha=drop)|resize(384)|value_range(-1,1)",
      batchSize: 512,
      "duration.steps": 10_000,
      "model.name": "bit-paper",
      "model.variant": "R50x1",
      "model.zeroPool": true,
      "init.weights": "BiT-M-R50x1.npz",
      "init.head": "drop",
      "objective.name": "classification",
      "objective.mixup.p": 0.1,
      "optimizer.name": "momentum",
      "optimizer.momentum": 0.9,
      "optimizer.lr": 0.003,
      "optimizer.schedule.decayType": "stair",
      "optimizer.schedule.steps": [3000, 6000, 9000], // 30, 60 and 90 %
      "optimizer.schedule.mults": [0.1, 0.01, 0.001],
    },
    evals: {},
  },
  "bit-i21k": {
    source: "bit_i21k.py",
    values: {
      "preprocess.train": `${CROPS}|value_range(-1,1)`,
      "preprocess.eval": EVAL_224,
      batchSize: 4096,
      "duration.epochs": 90,
      "model.name": "bit-paper",
      "model.variant": "R50x1",
      "model.headBiasInit": -10,
      "objective.name": "classification",
      "objective.loss": "sigmoid",
      ...MOMENTUM,
      "optimizer.lr": 0.48, // 0.03 · 4096 / 256
      "optimizer.wd": 0.00048, // 3e-5 · 4096 / 256
      "optimizer.schedule.warmup.steps": 5000,
      ...SAVED,
    },
    ours: KEPT,
    evals: I21K,
    fewShot: { everySteps: 25_000 },
  },
  distillation: {
    source: "proj/distill/bit_i1k.py",
    values: {
      split: "train[:98%]",
      "preprocess.train": `${CROPS}|value_range(-1,1)`,
      "preprocess.eval": EVAL_224,
      batchSize: 4096,
      "duration.epochs": 1200,
      "model.name": "bit-paper",
      "model.depth": 50,
      "model.width": 1,
      ...DISTILLED,
      "objective.teacher.model.name": "bit-paper",
      "objective.teacher.model.depth": 152,
      "objective.teacher.model.width": 2,
      "objective.teacher.weights": "R152x2_T_224.npz",
      ...COSINE,
      "optimizer.lr": 0.03,
      "optimizer.wd": 0.0003,
      "optimizer.schedule.warmup.steps": 5000,
      ...SAVED,
      "checkpoint.keepEvery.steps": 20_000,
    },
    ours: KEPT,
    evals: I1K_OFTEN,
    fewShot: { everySteps: 10_000 },
  },
  flexivit: {
    source: "proj/flexivit/i21k_sup.py",
    values: {
      "preprocess.train":
        "decode(alpha=drop)|inception_crop(240)|flip_lr|randaug(2,10)|value_range(-1,1)",
      "preprocess.eval": "decode(alpha=drop)|resize_small(272)|central_crop(240)|value_range(-1,1)",
      batchSize: 4096,
      "duration.epochs": 90,
      "model.name": "flexivit",
      "model.variant": "B",
      "model.posembSize": [7, 7],
      "model.posemb": "learn",
      "model.poolType": "tok",
      "objective.name": "classification",
      "objective.loss": "sigmoid",
      "objective.mixup.p": 0.2,
      "model.flexi.seqhw": SEQHW,
      "model.headBiasInit": -10,
      ...COSINE,
      ...SAVED,
    },
    ours: { "model.patchSize": [32, 32], ...SERVED_AT_15 }, // the paper's; 8 × 8 in the code
    evals: { validation: 5000, test: 5000, "train[:25600]": 5000 },
  },
  "flexivit-i1k": {
    source: "proj/flexivit/i1k_deit3_distill.py",
    values: {
      split: "train[:99%]",
      ...FLEXIBLE_DISTILLED,
      "preprocess.train":
        "decode(alpha=drop)|inception_crop|flip_lr|copy(image, prof)|resize(240)|resize(384, key=prof)" +
        "|value_range(-1,1)|value_range(-1,1, key=prof)",
      batchSize: 1024,
      "model.patchSize": [16, 16],
      "init.weights": "bv_deit_3_base_384_1k.npz",
      "objective.teacher.model.variant": "B/16",
      "objective.teacher.weights": "bv_deit_3_base_384_1k.npz",
    },
    ours: SERVED_AT_15,
    evals: { validation: 5, "train[99%:]": 5, "train[:2%]": 5 },
  },
  "flexivit-i21k": {
    source: "proj/flexivit/i21k_distill.py",
    values: {
      ...FLEXIBLE_DISTILLED,
      batchSize: 4096,
      "model.patchSize": [8, 8],
      "init.weights": "B_8-i21k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.0-sd_0.0.npz",
      "objective.teacher.model.variant": "B/8",
      "objective.teacher.weights": "B_8-i21k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.0-sd_0.0.npz",
    },
    ours: {
      "preprocess.train":
        "decode(alpha=drop)|inception_crop|flip_lr|copy(image, prof)|resize(240)|resize(224, key=prof)" +
        "|value_range(-1,1)|value_range(-1,1, key=prof)",
      ...SERVED_AT_15,
    },
    evals: { validation: 5000, test: 5000, "train[:25600]": 5000 },
  },
  "mlp-mixer": {
    source: "mlp_mixer_i1k.py",
    values: {
      split: "train[:99%]",
      "preprocess.train": `${CROPS}|randaug(2,15)|value_range(-1,1)`,
      "preprocess.eval": EVAL_224,
      batchSize: 4096,
      "duration.epochs": 300,
      "model.name": "mlp-mixer",
      "model.variant": "B/16",
      "model.stochDepth": 0.1,
      "model.headBiasInit": -6.9,
      "objective.name": "classification",
      "objective.loss": "sigmoid",
      "objective.mixup.p": 0.5,
      ...ADAM,
      "optimizer.schedule.decayType": "linear",
      "optimizer.schedule.end": 1e-5,
      ...SAVED,
    },
    ours: KEPT,
    evals: I1K,
    fewShot: { everySteps: 25_000 },
  },
  vit: {
    source: "arXiv:2010.11929, table 3",
    values: {
      batchSize: 4096,
      "duration.epochs": 300,
      "model.name": "vit",
      "model.variant": "B/16",
      "model.posemb": "learn",
      "model.poolType": "tok",
      "model.repSize": true,
      "model.dropout": 0.1,
      "objective.name": "classification",
      "objective.loss": "softmax",
      "optimizer.name": "adamw",
      "optimizer.lr": 0.003,
      "optimizer.weightDecay": 0.3,
      "optimizer.gradClipNorm": 1,
      "optimizer.schedule.decayType": "cosine",
      "optimizer.schedule.warmup.steps": 10_000,
    },
    ours: {
      split: "train[:99%]",
      "preprocess.train": `${CROPS}|value_range(-1,1)`,
      "preprocess.eval": EVAL_224,
      ...SAVED,
      ...KEPT,
    },
    evals: I1K,
  },
  "vit-g": {
    source: "proj/scaling_laws/train_vit_g.py",
    values: {
      ...GIANT,
      ...GIANT_OPTIMIZER,
      ...GIANT_CONSTANTS,
      batchSize: 16_384,
      "duration.steps": 1_000_000,
      "model.variant": "g/14",
      "optimizer.lr": 8e-4,
      "optimizer.wd": 2.4e-5, // 0.03 · 8e-4
      "optimizer.schedule.cooldown.steps": 50_000,
      ...SAVED,
      "checkpoint.keepEvery.steps": 10_000,
    },
    ours: { "model.scan": true, "model.dtypeMm": "bfloat16", ...KEPT },
    evals: { validation: 1000 },
    fewShot: { everySteps: 10_000 },
  },
  "vit-22b": {
    source: "arXiv:2302.05442",
    values: {
      ...GIANT,
      ...GIANT_OPTIMIZER,
      batchSize: 65_536,
      "duration.steps": 177_000,
      "model.variant": "22B/14",
      "model.parallel": true,
      "model.qkNorm": true,
      "model.norm": "rmsNorm",
      "model.qkvBias": false,
      "optimizer.lr": 1e-3,
      "optimizer.wd": 3e-5, // 0.03 · 1e-3
      "optimizer.schedule.cooldown.steps": 30_000,
    },
    ours: {
      ...GIANT_CONSTANTS,
      "model.scan": true,
      "model.dtypeMm": "bfloat16",
      ...SAVED,
      ...KEPT,
      "checkpoint.keepEvery.steps": 10_000,
    },
    evals: { validation: 1000 },
  },
  ...PUBLISHED_PAIRS,
};
