/** @file What a training without labels is to be: method, size and length, from the pictures, the time, and measured steps. */

import type { ConfigInput } from "../config/config.ts";
import { OcelliError } from "../errors.ts";
import { AUGMENTATIONS, withViews } from "../preprocess/index.ts";

/** Ways to learn without labels that are chosen among, or can be asked for. */
export const PRETRAIN_METHODS = ["simclr", "rotation", "mae"] as const;
export type PretrainMethod = (typeof PRETRAIN_METHODS)[number];

/** What a choice goes by. */
export interface Facts {
  /** Pictures to train on. */
  readonly pictures: number;
  /** The shorter side of a picture of median area, in pixels. */
  readonly side: number;
}

/** One way to train. */
export interface Candidate {
  readonly method: PretrainMethod;
  /** Pixels of a side. */
  readonly size: number;
  readonly batchSize: number;
}

/** What was chosen, and why. */
export interface Choice extends Candidate {
  /** Measured seconds of a step. */
  readonly stepSeconds: number;
  readonly steps: number;
  readonly epochs: number;
  /** The reasons, a line each. */
  readonly why: readonly string[];
}

const SIZES = [32, 48, 64, 96, 128] as const;
/** A larger size is taken only where the time gives so many epochs of it. */
const ENOUGH = 50;
/** Contrastive learning is taken only where the time gives so many epochs; rotation learns in fewer. */
const LEAST = 10;
/** More epochs than in the papers are not trained. */
const MOST = 800;
const BATCH = 128;
/** Fewer pictures than this hold nothing to learn from. */
const FEWEST = 32;

/** The batch for so many pictures: 128, or the power of two that fits in at least two batches. */
export const batchFor = (pictures: number): number =>
  Math.min(BATCH, 2 ** Math.floor(Math.log2(pictures / 2)));

/**
 * Chooses the largest size that the time allows, then the method, then the length.
 *
 * @param secondsLeft the time for training, asked after every measurement
 * @param measure gives the seconds of a step
 * @param asked the method that is asked for
 * @throws a data error for too few pictures
 */
export async function choose(
  { pictures, side }: Facts,
  secondsLeft: () => number,
  measure: (candidate: Candidate) => Promise<number>,
  asked?: PretrainMethod,
): Promise<Choice> {
  if (pictures < FEWEST) {
    throw new OcelliError(
      "data",
      `${pictures} pictures are too few to learn from without labels.`,
      {
        hint: `Give at least ${FEWEST}, or begin with published weights: ocelli transfer --data PATH.`,
      },
    );
  }
  const batchSize = batchFor(pictures);
  const epochsAt = (seconds: number): number => (secondsLeft() / seconds) * (batchSize / pictures);
  const sizes = SIZES.filter((size) => size <= Math.max(side, SIZES[0]));
  const why: string[] = [];
  let candidate: Candidate = { method: asked ?? "simclr", size: sizes[0], batchSize };
  let stepSeconds = await measure(candidate);
  const smallest = stepSeconds;
  let tried = sizes.findLast((size) => epochsAt(smallest * (size / sizes[0]) ** 2) >= ENOUGH);
  while (tried !== undefined && tried > sizes[0]) {
    const larger = { ...candidate, size: tried };
    const seconds = await measure(larger);
    if (epochsAt(seconds) >= ENOUGH) {
      [candidate, stepSeconds] = [larger, seconds];
      break;
    }
    const limit: number = tried;
    tried = sizes.findLast((size) => size < limit);
  }
  const { size } = candidate;
  why.push(
    size === sizes.at(-1)
      ? `size    ${size} pixels: of ${SIZES.join(", ")} the largest that the pictures, of ${side}, fill`
      : `size    ${size} pixels: a larger one would leave fewer than ${ENOUGH} epochs`,
  );
  const epochs = epochsAt(stepSeconds);
  if (asked !== undefined) why.push(`method  ${asked}, as asked`);
  else if (epochs >= LEAST) {
    why.push(`method  simclr: telling views of a picture from all others; there is time for it`);
  } else {
    candidate = { ...candidate, method: "rotation" };
    if (secondsLeft() > 0) stepSeconds = await measure(candidate);
    why.push(
      `method  rotation: it learns in few epochs, and simclr would have ${epochs.toFixed(1)} of at least ${LEAST}`,
    );
  }
  const given = Math.min(MOST, epochsAt(stepSeconds));
  const steps = Math.max(1, Math.floor((given * pictures) / batchSize));
  const trained = (steps * batchSize) / pictures;
  why.push(
    `length  ${trained.toFixed(1)} epochs of ${pictures} pictures, ${steps} steps of ${batchSize}, ` +
      `${stepSeconds.toFixed(3)} s each as measured` +
      (given === MOST ? `: more than ${MOST} epochs add little` : ""),
  );
  return { ...candidate, stepSeconds, steps, epochs: trained, why };
}

/** The configuration of a candidate, without its data and its length. */
export function configOf({
  method,
  size,
  batchSize,
}: Candidate): Omit<ConfigInput, "data" | "duration"> {
  const margin = Math.round(size / 8);
  const crop = `random_resized_crop(${size},20)|flip_lr`;
  const views = size <= 48 ? [SMALL_VIEW(size), SMALL_VIEW(size)] : AUGMENTATIONS.simclr(size);
  const small = {
    name: "resnet" as const,
    depth: size < 64 ? [1, 1, 1] : [1, 1, 1, 1],
    width: 0.5,
  };
  const schedule = { decayType: "cosine", warmup: { percent: 10 } } as const;
  const shared = {
    name: "pretrain",
    onBadImage: "skip",
    batchSize,
    evals: { test: { type: "objective", split: "test", every: { percent: 20 } } },
    checkpoint: { every: { percent: 5 } },
  } as const;
  const evaluated = `decode|resize_small(${size + margin})|central_crop(${size})|value_range(-1,1)`;
  if (method === "simclr") {
    return {
      ...shared,
      preprocess: { train: withViews(views), eval: evaluated },
      model: small,
      objective: { name: "simclr", temperature: 0.5, outputs: 64 },
      // the square-root rule of arXiv:2002.05709, Appendix B.1
      optimizer: { name: "lars", lr: 0.075 * Math.sqrt(batchSize), wd: 1e-6, schedule },
    };
  }
  const preprocess = { train: `decode|${crop}|value_range(-1,1)`, eval: evaluated };
  if (method === "rotation") {
    return {
      ...{ ...shared, preprocess, model: small, objective: { name: "rotation" } },
      optimizer: { name: "adamw", lr: 1e-3, wd: 1e-4, schedule },
    };
  }
  return {
    ...{ ...shared, preprocess },
    model: {
      ...{ name: "vit", patchSize: [size / 8, size / 8], width: 192, depth: 4, mlpDim: 576 },
      ...{ numHeads: 6, posemb: "sincos2d", poolType: "gap" },
    },
    objective: { name: "mae", decoder: { width: 192, depth: 2, numHeads: 6 } },
    optimizer: { name: "adamw", lr: 1e-3, b2: 0.95, wd: 5e-5, schedule },
  };
}

/** SimCLR's view without its blur, as its paper has it for pictures of 32 pixels (Appendix B.9). */
const SMALL_VIEW = (size: number): string =>
  `random_resized_crop(${size},20)|flip_lr|color_jitter(0.4,0.4,0.4,0.1,probability=0.8)|random_grayscale(0.2)`;
