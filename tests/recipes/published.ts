/**
 * @file What is published of every recipe in `papers/`: its values by their path in the configuration, as the source has
 * them, and beside them the values of which the source says nothing or something else.
 */

/** A value of a configuration: a leaf, or a list, such as of schedules by name. */
export type Leaf =
  string | number | boolean | null | readonly Leaf[] | { readonly [key: string]: Leaf };

/** The few-shot evaluations that a source has and its recipe leaves out. */
export interface FewShot {
  readonly everySteps: number;
}

/** The data sets of big_vision's few-shot evaluations (`common_fewshot.py`), and the images of each class. */
export const FEW_SHOT_SETS = ["caltech101", "cars196", "cifar100", "dtd", "pets", "uc_merced"];
export const FEW_SHOT_SHOTS = [1, 5, 10, 25];

/** What is published of a recipe. */
export interface Published {
  /** The paper, or the configuration in big_vision (`big_vision/configs/…`). */
  readonly source: string;
  readonly values: Readonly<Record<string, Leaf>>;
  /** Not in the source, or changed; the recipe's head comment says so where it changes results. */
  readonly ours?: Readonly<Record<string, Leaf>>;
  /** Evaluations on the data's own splits: how often in steps or percent, by split. */
  readonly evals: Readonly<Record<string, number>>;
  readonly fewShot?: FewShot;
}

const CROPS = "decode(alpha=drop)|inception_crop(224)|flip_lr";
const EVAL_224 = "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)";
const I1K = { validation: 2500, "train[99%:]": 2500, "train[:2%]": 2500 };
const I1K_OFTEN = { validation: 1000, "train[99%:]": 1000, "train[:2%]": 1000 };
/** `full[25600:51200]`, `full[:25600]` and `full[51200:76800]` are splits of their own here. */
const I21K = { validation: 1000, test: 1000, "train[:25600]": 1000 };
const SEQHW = [5, 6, 8, 10, 12, 15, 16, 20, 24, 30];

const SAVED = { "log.steps": 50, "checkpoint.every.steps": 1000 };
/** The source keeps no more than its newest checkpoint. */
const KEPT = { "checkpoint.keep": 1 };

const ADAM = {
  "optimizer.name": "adam",
  "optimizer.lr": 0.001,
  "optimizer.wd": 0.0001,
  "optimizer.gradClipNorm": 1,
  "optimizer.schedule.warmup.steps": 10_000,
};
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

/** SigLIP's text and pictures, its optimiser but for the warm-up; the chunk changes memory alone. */
const SIGLIP = {
  "task.name": "contrastive",
  "task.tokenizer.kind": "sentencepiece",
  "task.tokenizer.lower": "ascii",
  "task.tokenizer.bos": "no",
  "task.tokenizer.eos": "sticky",
  "task.tokenizer.length": 64,
  batchSize: 32_768,
  "model.name": "two-towers",
  "model.image.name": "vit",
  "model.image.variant": "B/16",
  "model.image.poolType": "map",
  "model.text.name": "text-transformer",
  "model.text.variant": "B",
  "model.outDim": [null, 768],
  "model.temperatureInit": 10,
  "model.biasInit": -10,
  "objective.name": "contrastive",
  "objective.loss": "sigmoid",
  ...ADAM,
  "optimizer.name": "adafactor",
  "optimizer.schedule.decayType": "cosine",
};
const squash = (side: number) => `decode(alpha=drop)|resize(${side})|value_range(-1,1)`;
const squashed = (side: number) => ({
  "preprocess.train": squash(side),
  "preprocess.eval": squash(side),
});
const PAIRS = { validation: 20_000 };

/** By the recipe's name. */
export const PUBLISHED: Readonly<Record<string, Published>> = {
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
  siglip: {
    source: "arXiv:2303.15343, and big_vision's models",
    values: {
      ...SIGLIP,
      ...squashed(224),
      "task.tokenizer.pad": 1,
      "task.tokenizer.vocabulary": 32_000,
      "optimizer.beta2Cap": 0.95,
    },
    ours: {
      "task.tokenizer.file": "cc_en.32000.model",
      "duration.examples": 40e9,
      "objective.chunk": 1024,
      ...SAVED,
      ...KEPT,
    },
    evals: PAIRS,
  },
  siglip2: {
    source: "arXiv:2502.14786, and big_vision's models",
    values: {
      ...SIGLIP,
      ...squashed(256),
      "task.tokenizer.pad": 0,
      "task.tokenizer.vocabulary": 256_000,
      "duration.examples": 40e9,
      "optimizer.schedule.warmup.steps": 20_000,
    },
    ours: {
      "task.tokenizer.file": "gemma.model",
      "objective.chunk": 1024,
      "optimizer.beta2Cap": 0.95,
      ...SAVED,
      ...KEPT,
    },
    evals: PAIRS,
  },
  lit: {
    source: "arXiv:2111.07991, and big_vision's LiT B16B_2",
    values: {
      "task.name": "contrastive",
      "task.tokenizer.kind": "wordpiece",
      "task.tokenizer.lower": "unicode",
      "task.tokenizer.bos": "yes",
      "task.tokenizer.eos": "none",
      "task.tokenizer.pad": 0,
      "task.tokenizer.length": 16,
      batchSize: 16_384,
      "duration.examples": 18e9,
      "model.name": "two-towers",
      "model.image.name": "vit",
      "model.image.variant": "B/16",
      "model.image.poolType": "tok",
      "model.text.name": "text-transformer",
      "model.text.variant": "B",
      "model.text.poolType": "first",
      "model.text.padId": 0,
      "model.outDim": [null, 768],
      "objective.name": "contrastive",
      "objective.loss": "softmax",
      "init.parts.img.head": "drop",
      "optimizer.name": "adafactor",
      "optimizer.lr": 1e-3,
      "optimizer.wd": 1e-4,
      "optimizer.gradClipNorm": 1,
      "optimizer.schedule": [
        ["img/.*", null],
        [".*", { decayType: "cosine", warmup: { steps: 10_000 } }],
      ],
    },
    ours: {
      ...squashed(224),
      "task.tokenizer.file": "vocab.txt",
      "model.temperatureInit": 10,
      "init.parts.img.weights": "hf:google/vit-base-patch16-224-in21k",
      ...SAVED,
      ...KEPT,
    },
    evals: PAIRS,
  },
  cappa: {
    source: "arXiv:2306.07915, and big_vision's cappa",
    values: {
      "task.name": "captioning",
      "task.tokenizer.kind": "sentencepiece",
      "task.tokenizer.lower": "ascii",
      "task.tokenizer.bos": "no",
      "task.tokenizer.eos": "sticky",
      "task.tokenizer.pad": 0,
      "task.tokenizer.length": 64,
      "task.tokenizer.vocabulary": 32_000,
      ...squashed(224),
      batchSize: 8192,
      "duration.steps": 366_500,
      "model.name": "cappa",
      "model.encoder.variant": "B/16",
      "model.decoder.depth": 6,
      "model.vocabSize": 32_000,
      "model.seqLen": 64,
      "model.maskedPredProb": 0.75,
      "model.maskingRatio": 1,
      "objective.name": "captioning",
      ...ADAM,
      "optimizer.name": "adafactor",
      "optimizer.beta2Cap": 0.999,
      "optimizer.schedule.decayType": "cosine",
    },
    ours: { "task.tokenizer.file": "cc_en.32000.model", ...SAVED, ...KEPT },
    evals: { validation: 5000 },
  },
};
