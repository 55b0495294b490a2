/**
 * @file What the table of self-supervised systems is made by: data, network, budget, and every system's own settings. All of it was
 * written down before the first full run.
 *
 * Data: CIFAR-10 at 32 pixels, or Fashion-MNIST where that is not here. Split: systems learn from nine tenths of `train`, drawn by
 * hashing ids; nothing is tuned, so that the other tenth is not used; `test` judges, once for each system. One network and one
 * optimiser for all; sizes are chosen for ten minutes on two cores, and are the papers' defaults elsewhere.
 */

import type { ConfigInput } from "../../src/config/config.ts";
import type { DataConfig } from "../../src/data/config.ts";
import { AUGMENTATIONS, withViews } from "../../src/preprocess/index.ts";

/** How long a system may train, and what judges it. */
export interface Budget {
  /** Minutes of training, of steps as they are measured before; judging comes on top of it. */
  readonly minutes: number;
  /** More epochs than this are not trained. */
  readonly mostEpochs: number;
  /** So many steps in place of `minutes`. */
  readonly steps?: number;
  /** Epochs of fine-tuning on the labelled tenth. */
  readonly fineTuneEpochs: number;
}

/** Ten minutes of training; judging takes three to five more on two quiet cores. */
export const BUDGET: Budget = { minutes: 10, mostEpochs: 200, fineTuneEpochs: 10 };

/** Which images are for what. */
export const SPLITS = {
  /** For training without labels. */
  train: "train~[10%:]",
  /** What kNN and the linear probe learn from, 10,000 images. */
  known: "train~[10%:30%]",
  /** A tenth of the labels. */
  tenth: "train~[10%:20%]",
  test: "test",
} as const;

const SIDE = 32;

/** The one network: 0.45 million parameters, 64 patches, no parameter of a position. */
export const NETWORK: ConfigInput["model"] = {
  ...{ name: "vit", patchSize: [4, 4], width: 96, depth: 4, mlpDim: 384, numHeads: 3 },
  ...{ posemb: "sincos2d", poolType: "gap" },
};

const OPTIMIZER: ConfigInput["optimizer"] = {
  ...{ name: "adamw", lr: 1e-3, weightDecay: 0.05, gradClipNorm: 1 },
  schedule: { decayType: "cosine", warmup: { percent: 10 } },
};

const CROP = `random_resized_crop(${SIDE},20)|flip_lr`;
/** SimCLR's view for pictures of 32 pixels: without its blur (its Appendix B.9). */
const VIEW = `${CROP}|color_jitter(0.4,0.4,0.4,0.1,probability=0.8)|random_grayscale(0.2)`;
const PAIR = [VIEW, VIEW];
/** Two large views, and two of 16 pixels. */
const LARGE_AND_SMALL = AUGMENTATIONS.dino(SIDE, 2).map((text) =>
  text
    .replace(/\|gaussian_blur\([^)]*\)/, "")
    .replace("random_resized_crop(12,", "random_resized_crop(16,"),
);

/** A system of the table. */
export interface SystemSettings {
  readonly objective: ConfigInput["objective"];
  /** The views of an image in training; of the unlabelled images where there are two streams. */
  readonly views: readonly string[];
  /** Images of a step. Default: 128. */
  readonly batchSize?: number;
  /** Which labels it learns from. Default: none. */
  readonly labels?: "all" | "tenth";
  /** In place of the shared optimiser. */
  readonly optimizer?: ConfigInput["optimizer"];
}

const head = { hidden: 512 } as const;
const prototypes = { ...head, bottleneck: 128, outputs: 1024 } as const;

/** The row that all others are compared with: the network as it is drawn, after one step of no length. */
export const RANDOM = "random features";

/** The systems, in the order of the table. */
export const SYSTEMS: Readonly<Record<string, SystemSettings>> = {
  [RANDOM]: {
    objective: { name: "rotation" },
    views: [CROP],
    optimizer: { name: "sgd", lr: 0 },
  },
  rotation: { objective: { name: "rotation" }, views: [CROP], batchSize: 64 },
  exemplar: {
    objective: { name: "exemplar", outputs: 128 },
    views: [VIEW, VIEW, VIEW, VIEW],
    batchSize: 64,
  },
  "relative-patch": {
    objective: { name: "relative-patch", patch: 8, outputs: 128, hidden: 512 },
    views: [`${CROP}|random_grayscale(0.66)`],
  },
  jigsaw: {
    objective: { name: "jigsaw", patch: 8, outputs: 128, hidden: 512 },
    views: [`${CROP}|random_grayscale(0.66)`],
  },
  simclr: {
    objective: { name: "simclr", temperature: 0.5, hidden: 512, outputs: 64 },
    views: PAIR,
  },
  "simclr v2": {
    objective: { name: "simclr", temperature: 0.5, hidden: 512, outputs: 64, layers: 3 },
    views: PAIR,
  },
  "moco v1": {
    objective: { name: "moco", version: 1, momentum: 0.99, queue: 4096 },
    views: PAIR,
  },
  "moco v2": {
    objective: { name: "moco", version: 2, momentum: 0.99, queue: 4096, ...head },
    views: PAIR,
  },
  "moco v3": {
    objective: { name: "moco", version: 3, momentum: 0.99, ...head },
    views: PAIR,
  },
  byol: { objective: { name: "byol", momentum: 0.99, ...head }, views: PAIR },
  simsiam: { objective: { name: "simsiam", outputs: 512, hidden: 128 }, views: PAIR },
  swav: {
    objective: {
      ...{ name: "swav", prototypes: 100, ...head, outputs: 64, frozenSteps: 100, queue: 1024 },
    },
    views: LARGE_AND_SMALL,
  },
  "barlow-twins": { objective: { name: "barlow-twins", outputs: 512 }, views: PAIR },
  vicreg: { objective: { name: "vicreg", outputs: 512 }, views: PAIR },
  dino: { objective: { name: "dino", ...prototypes, outputs: 4096 }, views: LARGE_AND_SMALL },
  ibot: { objective: { name: "ibot", ...prototypes }, views: LARGE_AND_SMALL, batchSize: 64 },
  dinov2: {
    objective: { name: "ibot", ...prototypes, koLeo: 0.1, sinkhorn: true },
    views: LARGE_AND_SMALL,
    batchSize: 64,
  },
  msn: {
    objective: { name: "msn", prototypes: 128, ...head, outputs: 64 },
    views: [VIEW, ...LARGE_AND_SMALL.slice(1)],
  },
  mae: { objective: { name: "mae", decoder: { width: 96, depth: 2, numHeads: 3 } }, views: [CROP] },
  simmim: { objective: { name: "simmim", block: 2 }, views: [CROP] },
  supcon: {
    objective: { name: "supcon", ...head, outputs: 64 },
    views: PAIR,
    labels: "all",
  },
  "labels alone": {
    objective: { name: "classification" },
    views: [CROP],
    labels: "tenth",
    batchSize: 64,
  },
  "s4l-rotation": {
    objective: { name: "s4l-rotation" },
    views: [CROP],
    labels: "tenth",
    batchSize: 32,
  },
  "s4l-exemplar": {
    objective: { name: "s4l-exemplar", outputs: 128 },
    views: PAIR,
    labels: "tenth",
    batchSize: 64,
  },
  vat: { objective: { name: "vat" }, views: [CROP], labels: "tenth", batchSize: 64 },
  "vat, entropy": {
    objective: { name: "vat", entropy: 0.3 },
    views: [CROP],
    labels: "tenth",
    batchSize: 64,
  },
  "entropy-minimisation": {
    objective: { name: "entropy-minimisation" },
    views: [CROP],
    labels: "tenth",
    batchSize: 64,
  },
  "pseudo-labels": {
    objective: { name: "pseudo-labels" },
    views: [CROP],
    labels: "tenth",
    batchSize: 64,
  },
  fixmatch: {
    objective: { name: "pseudo-labels" },
    views: [CROP, VIEW],
    labels: "tenth",
    batchSize: 64,
  },
};

const EVAL = `decode|resize(${SIDE})|value_range(-1,1)`;

/** The objectives whose labelled images have as many views as the others. */
const SHARED_VIEWS = ["s4l-exemplar"];

/** The training of a system, but for its length. */
export function configOf(
  name: string,
  system: SystemSettings,
  data: DataConfig,
  splits: Readonly<Record<keyof typeof SPLITS, string>> = SPLITS,
): Omit<ConfigInput, "duration"> {
  const { objective, views, labels, batchSize = 128, optimizer = OPTIMIZER } = system;
  const text = withViews(views, { before: "decode|rgb" });
  const isClassifier = labels === "tenth";
  const twoStreams = isClassifier && objective.name !== "classification";
  const ofLabelled = SHARED_VIEWS.includes(objective.name) ? views : views.slice(0, 1);
  return {
    name: name.replaceAll(/[^\w.-]+/g, "-"),
    data,
    split: isClassifier ? splits.tenth : splits.train,
    preprocess: {
      train: isClassifier ? withViews(ofLabelled, { before: "decode|rgb" }) : text,
      eval: EVAL.replace("decode", "decode|rgb"),
    },
    ...(twoStreams && { unlabelled: { split: splits.train, preprocess: text, batchSize } }),
    batchSize,
    model: NETWORK,
    objective,
    optimizer,
    evals: isClassifier ? { test: { split: splits.test } } : {},
    log: { percent: 5 },
    checkpoint: { every: { percent: 10 }, keep: 1 },
  };
}
