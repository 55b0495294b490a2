/** @file What is published of the recipes in `papers/` that learn from few labels or none; see published.ts. */

import type { Leaf, Published } from "./published-values.ts";

const EVAL_224 = "decode|resize_small(256)|central_crop(224)|value_range(-1,1)";
const INCEPTION_224 = "decode|inception_crop(224)|flip_lr|value_range(-1,1)";

/** How often the sources log, save and evaluate is not known. */
const OURS = { "preprocess.eval": EVAL_224, "log.steps": 50, "checkpoint.keep": 2 };
const EVERY_EPOCH = { ...OURS, "checkpoint.every.epochs": 1 };

const COSINE = { "optimizer.schedule.decayType": "cosine" };
const RESNET_50 = { "model.name": "resnet", "model.depth": 50 };
const MOMENTUM = { "optimizer.name": "momentum", "optimizer.momentum": 0.9 };

/** A view as withViews writes it: the calls, each for the view of that number. */
const view = (calls: readonly string[], number: number): string =>
  calls
    .map((call) =>
      number === 0 ? call : call.replace(/(\()?\)?$/, (end) => keyed(call, end, number)),
    )
    .join("|");

function keyed(call: string, end: string, number: number): string {
  const key = `key="view${number}")`;
  if (!call.includes("(")) return `(${key}`;
  return end === ")" ? `,${key}` : key;
}

/** Several views in one text. */
const viewsOf = (views: readonly (readonly string[])[]): string =>
  [
    "decode",
    ...views.slice(1).map((_, i) => `copy("image","view${i + 1}")`),
    ...views.map(view),
    ...views.map((_, i) => view(["value_range(-1,1)"], i)),
  ].join("|");

const crop = (size: number, least: number, most: number): string[] => [
  `random_resized_crop(${size},${least},${most},method="pil_bicubic")`,
  "flip_lr",
];
const coloured = (jitter: string): string[] => [
  `color_jitter(${jitter},probability=0.8)`,
  "random_grayscale(0.2)",
];
const blur = (probability: number): string => `gaussian_blur(probability=${probability})`;

const SIMCLR_VIEW = [...crop(224, 8, 100), ...coloured("0.8,0.8,0.8,0.2"), blur(0.5)];
const DINO_COLOURS = coloured("0.4,0.4,0.2,0.1");
const DINO_VIEWS = [
  [...crop(224, 40, 100), ...DINO_COLOURS, blur(1)],
  [...crop(224, 40, 100), ...DINO_COLOURS, blur(0.1), "random_solarize(128,0.2)"],
  ...Array.from({ length: 8 }, () => [...crop(96, 5, 40), ...DINO_COLOURS, blur(0.5)]),
];

const STAIR = { "optimizer.schedule.decayType": "stair" };

/** By the recipe's name. */
export const FEW_LABELS: Readonly<Record<string, Published>> = {
  simclr: {
    source: "simclr, run.py and its README (ImageNet, 4,096 images a step)",
    values: {
      "preprocess.train": viewsOf([SIMCLR_VIEW, SIMCLR_VIEW]),
      batchSize: 4096,
      "duration.epochs": 1000,
      ...RESNET_50,
      "objective.name": "simclr",
      "objective.temperature": 0.1,
      "objective.layers": 2,
      "objective.hidden": 2048,
      "objective.outputs": 128,
      "optimizer.name": "lars",
      "optimizer.lr": 4.8, // 0.3 · 4096 / 256
      "optimizer.wd": 1e-6,
      ...COSINE,
      "optimizer.schedule.warmup.epochs": 10,
    },
    ours: EVERY_EPOCH,
    evals: { validation: 10 },
  },
  dino: {
    source: "dino, main_dino.py (ViT-S/16)",
    values: {
      "preprocess.train": viewsOf(DINO_VIEWS),
      batchSize: 1024,
      "duration.epochs": 800,
      "model.name": "vit",
      "model.variant": "S/16",
      "model.poolType": "tok",
      "objective.name": "dino",
      "objective.outputs": 65_536,
      "objective.hidden": 2048,
      "objective.bottleneck": 256,
      "objective.studentTemperature": 0.1,
      "objective.firstTemperature": 0.04,
      "objective.teacherTemperature": 0.07,
      "objective.temperatureWarmup": 0.0375, // 30 of 800 epochs
      "objective.momentum": 0.996,
      "objective.centreMomentum": 0.9,
      "optimizer.name": "adamw",
      "optimizer.lr": 0.002, // 5e-4 · 1024 / 256
      "optimizer.weightDecay": 0.04,
      ...COSINE,
      "optimizer.schedule.warmup.epochs": 10,
    },
    ours: { ...EVERY_EPOCH, "model.posemb": "sincos2d", "optimizer.gradClipNorm": 3 },
    evals: { validation: 10 },
  },
  mae: {
    source: "mae, main_pretrain.py and PRETRAIN.md (ViT-B/16)",
    values: {
      "preprocess.train": viewsOf([crop(224, 20, 100)]),
      batchSize: 4096,
      "duration.epochs": 800,
      "model.name": "vit",
      "model.variant": "B/16",
      "model.posemb": "sincos2d",
      "model.poolType": "tok",
      "objective.name": "mae",
      "objective.maskRatio": 0.75,
      "objective.normPix": true,
      "objective.decoder.width": 512,
      "objective.decoder.depth": 8,
      "objective.decoder.numHeads": 16,
      "optimizer.name": "adamw",
      "optimizer.lr": 0.0024, // 1.5e-4 · 4096 / 256
      "optimizer.b2": 0.95,
      "optimizer.weightDecay": 0.05,
      ...COSINE,
      "optimizer.schedule.warmup.epochs": 40,
    },
    ours: { ...OURS, "checkpoint.every.epochs": 20 },
    evals: { validation: 10 },
  },
  "revisiting-ssl": {
    source: "revisiting-self-supervised, config/supervised and unsupervised (rotation)",
    values: {
      "preprocess.train": INCEPTION_224,
      batchSize: 64,
      "duration.epochs": 35,
      "objective.name": "rotation",
      ...MOMENTUM,
      "optimizer.lr": 0.025, // 0.1 · 64 / 256
      "optimizer.wd": 2.5e-6, // 1e-4 times the rate
      ...STAIR,
      "optimizer.schedule.steps": [300_270, 500_450], // 15 and 25 epochs of 20,018 steps
      "optimizer.schedule.mults": [0.1, 0.01],
      "optimizer.schedule.warmup.epochs": 5,
    },
    ours: { ...EVERY_EPOCH, ...RESNET_50 },
    evals: { validation: 1 },
  },
  s4l: {
    source: "s4l, config/s4l (rotation, 10 %)",
    values: {
      "preprocess.train": INCEPTION_224,
      "unlabelled.split": "train",
      "unlabelled.batchSize": 256,
      batchSize: 256,
      "duration.steps": 1_000_800, // 200 epochs of 5,004 steps
      "objective.name": "s4l-rotation",
      "objective.weight": 1,
      ...MOMENTUM,
      "optimizer.lr": 0.03,
      "optimizer.wd": 3e-5, // 1e-3 times the rate
      ...STAIR,
      "optimizer.schedule.steps": [700_560, 800_640, 900_720], // 140, 160 and 180 epochs
      "optimizer.schedule.mults": [0.1, 0.01, 0.001],
      "optimizer.schedule.warmup.steps": 25_020, // 5 epochs
    },
    ours: {
      ...OURS,
      ...RESNET_50,
      split: "train~[:10%]",
      "checkpoint.every.steps": 5004,
    },
    evals: { validation: 5004 },
  },
  "noisy-student": {
    source: "arXiv:1911.04252, section 3.1",
    values: {
      "preprocess.train":
        "decode|inception_crop(224)|flip_lr|copy(image, theirs)|randaug(2,27)|value_range(-1,1)|value_range(-1,1, key=theirs)",
      batchSize: 2048,
      "duration.epochs": 350,
      "objective.name": "distillation",
      "objective.teacherImage": "theirs",
      "objective.targets": "soft",
      "optimizer.lr": 0.128,
    },
    ours: {
      ...EVERY_EPOCH,
      ...RESNET_50,
      ...MOMENTUM,
      ...COSINE,
      "objective.teacher.model.name": "resnet",
      "objective.teacher.model.depth": 50,
      "objective.teacher.weights": "teacher.npz",
      "optimizer.schedule.warmup.epochs": 5,
    },
    evals: { validation: 1 },
  },
  "random-labels": {
    source: "arXiv:2006.10455",
    values: {
      "preprocess.train": "decode|resize(32)|value_range(-1,1)",
      "objective.name": "random-labels",
    },
    ours: {
      ...OURS,
      "preprocess.eval": "decode|resize(32)|value_range(-1,1)",
      "checkpoint.every.epochs": 10,
      batchSize: 256,
      "duration.epochs": 120,
      "model.name": "resnet",
      "model.depth": [1, 1, 1],
      "model.width": 1,
      ...MOMENTUM,
      ...COSINE,
      "optimizer.lr": 0.1,
      "optimizer.schedule.warmup.epochs": 1,
    } satisfies Readonly<Record<string, Leaf>>,
    evals: { test: 10 },
  },
};
