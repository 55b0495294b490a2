/** @file Every registered model at a tiny size with random leaves: what its contract suite and its export's test share. */

import { type HostArray, type Spec, fromNumbers, hostArray, sizeOf } from "../graph/index.ts";
import { type Tree, toFlat } from "../tree.ts";

/** Classes of every row. */
export const CLASSES = 5;
/** The images of a batch of two. */
export const IMAGE: Spec = { shape: [2, 24, 24, 3], dtype: "float32" };
/** Arrays by flat name. */
export type Named = Readonly<Record<string, HostArray>>;

/** The fields of a row. */
export const fieldsOfRow = ({ fields }: ModelRow): Named =>
  fields ?? { image: noise("image", IMAGE) };

/** One model at a tiny size. */
export interface ModelRow {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Arrays of what it takes, where that is not {@link IMAGE} alone. */
  readonly fields?: Named;
  /** Shape of its output. Default: logits, one row an image. */
  readonly logits?: readonly number[];
  /** Its features among the intermediates, one row an example. Default: `pre_logits`. */
  readonly features?: string;
  /** Parameters whose gradient is zero in exact arithmetic, and why. */
  readonly zero?: { readonly names: RegExp; readonly reason: string };
  /** Where stacked blocks are an option. */
  readonly scans?: boolean;
}

const keyBias = {
  names: /key\/bias$/,
  reason: "a softmax does not change when all scores of a query move together",
};
const encoder = { width: 32, depth: 2, numHeads: 2, mlpDim: 40, numClasses: CLASSES };

const whole = (values: readonly number[], shape: readonly number[]): HostArray =>
  fromNumbers(values, shape, "int32");
/** Two texts of six tokens: of unlike length, with an end and padding, and no two alike. */
const TEXT = whole([3, 7, 1, 9, 8, 0, 4, 4, 6, 8, 0, 0], [2, 6]);
const text = { width: 24, depth: 2, numHeads: 2, mlpDim: 40, vocabSize: 11 };
const tower = { ...{ width: 24, depth: 1, numHeads: 2, mlpDim: 40 }, patchSize: [8, 8] };
const image = noise("image", IMAGE);
/** A picture of two by three patches and one of three by two, the last three places padding. */
const PATCHES = {
  image: noise("patches", { shape: [2, 9, 12], dtype: "float32" }),
  type: whole([1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0], [2, 9]),
  yidx: whole([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 2, 2, 0, 0, 0], [2, 9]),
  xidx: whole([0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0], [2, 9]),
};

/** At least one row for each registered model. */
export const MODEL_ROWS: readonly ModelRow[] = [
  { name: "vit", options: { ...encoder, patchSize: [8, 8] }, zero: keyBias, scans: true },
  {
    name: "vit",
    options: { ...encoder, patchSize: [8, 8], poolType: "map", repSize: true, posemb: "sincos2d" },
    zero: keyBias,
    scans: true,
  },
  {
    name: "vit",
    options: { ...encoder, patchSize: [8, 8], parallel: true, qkNorm: true, qkvBias: false },
    scans: true,
  },
  {
    name: "vit",
    options: {
      ...{ ...encoder, patchSize: [8, 8], poolType: "map" },
      ...{ parallel: true, qkNorm: true, norm: "rmsNorm" },
    },
    zero: { ...keyBias, names: /MAPHead_0\/.*key\/bias$/ },
    scans: true,
  },
  {
    name: "vit",
    options: {
      ...{ ...encoder, patchSize: [8, 8], poolType: "tok+gap", registers: 2 },
      ...{ layerScale: 0.5, feedForward: "swiglu", activation: "gelu", dropPath: 0.2 },
    },
    zero: keyBias,
  },
  {
    name: "vit",
    options: { ...encoder, patchSize: [8, 8], poolType: "tok", distilled: true, layerScale: 1 },
    zero: keyBias,
    scans: true,
  },
  {
    name: "beit",
    options: { ...encoder, patchSize: [8, 8] },
    scans: true,
  },
  {
    name: "beit",
    options: { ...encoder, patchSize: [8, 8], relativePositions: "shared", posemb: "learn" },
  },
  {
    name: "flexivit",
    options: { ...encoder, patchSize: [6, 6], posembSize: [5, 5], seqhw: 3, poolType: "tok" },
    zero: keyBias,
    scans: true,
  },
  {
    name: "mlp-mixer",
    options: {
      patchSize: [8, 8],
      numBlocks: 2,
      hiddenDim: 32,
      tokensMlpDim: 12,
      channelsMlpDim: 40,
      numClasses: CLASSES,
    },
    zero: {
      names: /token_mixing\/Dense_1\/bias$/,
      reason: "what every channel of a token gains, the normalisations of that token take away",
    },
  },
  { name: "bit", options: { width: 0.5, depth: [1, 1], numClasses: CLASSES } },
  { name: "bit-paper", options: { width: 0.5, depth: [1, 1], numClasses: CLASSES } },
  ...[0, 1, 2].map((size) => ({
    name: `efficientnet-lite${size}`,
    options: { width: 0.1, depth: 0.1, numClasses: CLASSES },
  })),
  { name: "resnet", options: { width: 0.25, depth: [1, 2], numClasses: CLASSES } },
  { name: "convnext", options: { depths: [1, 1], widths: [8, 12], numClasses: CLASSES } },
  {
    name: "segmenter",
    options: {
      backbone: { name: "resnet", width: 0.25, depth: [1, 1] },
      ...{ layers: ["stage1", "stage2"], decoder: [12], numClasses: CLASSES },
    },
    logits: [2, 24, 24, CLASSES],
  },
  {
    name: "vit",
    options: { ...encoder, patchSize: [8, 8], poolType: "map", activation: "gelu", epsilon: 1e-3 },
    zero: keyBias,
  },
  {
    name: "vit",
    options: {
      ...{ ...encoder, patchSize: [8, 8], poolType: "tok", activation: "quick-gelu" },
      ...{ preNorm: true, patchBias: false, headBias: false },
    },
    zero: keyBias,
  },
  ...(["last", "max", "map", "eos"] as const).map((poolType) => ({
    name: "text-transformer",
    options: { ...text, poolType, numClasses: CLASSES, causal: poolType === "eos", maxLength: 8 },
    fields: { text: TEXT },
    zero: keyBias,
    scans: poolType === "last",
  })),
  {
    name: "text-transformer",
    options: { ...text, poolType: "mean", numClasses: CLASSES, causal: true, padId: 0 },
    fields: { text: TEXT, textMask: whole([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0], [2, 6]) },
    zero: keyBias,
  },
  ...(["gap", "map", "max"] as const).map((poolType) => ({
    name: "naflex-vit",
    options: {
      ...{ ...encoder, poolType, nposemb: 3, repSize: poolType === "map" },
      ...{ patchlnPre: poolType === "max", patchlnPost: poolType === "gap" },
    },
    fields: PATCHES,
    zero: keyBias,
    scans: poolType === "gap",
  })),
  {
    name: "two-towers",
    options: {
      image: { ...tower, poolType: "map" },
      text,
      ...{ outDim: [null, 24], temperatureInit: 10, biasInit: -2 },
    },
    fields: { image, text: TEXT },
    logits: [2, 2],
    features: "zimg",
    zero: keyBias,
  },
  {
    name: "two-towers",
    options: {
      image: { name: "resnet", width: 0.25, depth: [1, 1] },
      ...{ text: { ...text, poolType: "eos" }, outDim: 8 },
    },
    fields: { image, text: TEXT },
    logits: [2, 2],
    features: "ztxt",
    zero: keyBias,
  },
  ...[true, false].map((bias) => ({
    name: "cappa",
    options: {
      encoder: tower,
      decoder: { width: 32, depth: 2, bias },
      ...{ vocabSize: 11, seqLen: 7, maskedPredProb: bias ? 0 : 0.75 },
    },
    fields: { image, text: TEXT },
    logits: [2, 6, 11],
    zero: keyBias,
  })),
];

/** Numbers that look random, the same for a name everywhere. */
export function noise(name: string, { shape }: Spec): HostArray {
  let state = [...name].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 0x01000193), 1) >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1; // [−1, 1)
  };
  const values = Float32Array.from({ length: sizeOf(shape) }, () => {
    if (/(scale|var)$/.test(name)) return 1 + 0.2 * next();
    return (name.endsWith("kernel") ? 0.25 : 0.15) * (next() + next());
  });
  return hostArray(shape, "float32", values);
}

/** Random leaves for every name. */
export const randomised = (specs: Tree<Spec>): Named =>
  Object.fromEntries(
    Object.entries(toFlat<Spec>(specs)).map(([name, spec]) => [name, noise(name, spec)]),
  );
