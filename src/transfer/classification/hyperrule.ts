/**
 * @file BiT-HyperRule: the settings of fine-tuning, from the size of a data set and of its images alone.
 *
 * Paper: Kolesnikov et al. 2020, "Big Transfer", arXiv:1912.11370, section 3.3. The code published with it differs: a
 * warm-up of 100 or 500 steps, a small data set's rate lowered at 200, 300 and 400 of its 500 steps, and large images
 * resized to 512 and cropped to 480.
 */

import type { ConfigInput } from "../../config/config.ts";

/** What the rule looks at. */
export interface HyperRuleTask {
  /** How many images there are to learn from. */
  readonly examples: number;
  /** Of an image, in pixels. */
  readonly height: number;
  readonly width: number;
}

/** What the rule says. */
export interface HyperRule {
  readonly steps: number;
  /** The steps at which the learning rate falls to a tenth. */
  readonly decayAt: readonly number[];
  /** Mixup's parameter; 0 for none. */
  readonly mixup: number;
  /** The side to which images are resized for training, and of the random crop; judged are images resized to the crop. */
  readonly resize: number;
  readonly crop: number;
}

/** What the rule sets alike for every data set. */
export const HYPER_RULE = { batchSize: 512, lr: 0.003, momentum: 0.9 } as const;

/** Sizes of data sets: images up to which the steps hold. */
const SCHEDULES = [
  { below: 20_000, steps: 500, mixup: 0 },
  { below: 500_000, steps: 10_000, mixup: 0.1 },
  { below: Infinity, steps: 20_000, mixup: 0.1 },
] as const;

const SMALL_AREA = 96 * 96;
const DECAYS = [0.3, 0.6, 0.9];

/**
 * The rule for a data set.
 *
 * @param budget the part of the rule's steps to take, above 0 and up to 1; the rate falls at the same parts of them
 * @example
 * hyperRule({ examples: 50_000, height: 32, width: 32 }).steps; // 10000
 */
export function hyperRule({ examples, height, width }: HyperRuleTask, budget = 1): HyperRule {
  const { steps: published, mixup } = SCHEDULES.find(({ below }) => examples < below)!;
  const steps = Math.max(1, Math.round(published * budget));
  const [resize, crop] = height * width < SMALL_AREA ? [160, 128] : [448, 384];
  return { steps, decayAt: DECAYS.map((part) => Math.round(part * steps)), mixup, resize, crop };
}

/** The rule as a part of a training's configuration; `parts` of a batch are computed one after another. */
export function hyperRuleSettings({ steps, decayAt, mixup }: HyperRule, parts: number) {
  return {
    batchSize: HYPER_RULE.batchSize,
    accumulate: parts,
    duration: { steps },
    objective: { name: "classification", ...(mixup > 0 && { mixup: { p: mixup } }) },
    optimizer: {
      name: "momentum",
      lr: HYPER_RULE.lr,
      momentum: HYPER_RULE.momentum,
      schedule: { decayType: "stair", steps: decayAt, mults: [0.1, 0.01, 0.001] },
    },
  } satisfies Partial<ConfigInput>;
}

/** The rule in a line; `budget` is that of {@link hyperRule}. */
export function describeHyperRule(task: HyperRuleTask, budget = 1): string {
  const { steps, decayAt, mixup, resize, crop } = hyperRule(task, budget);
  const all = hyperRule(task).steps;
  const length =
    steps === all
      ? `${steps} steps`
      : `${steps} of its ${all} steps (--budget), not the whole rule`;
  const mixing = mixup > 0 ? `mixup ${mixup}` : "no mixup";
  const rate = `rate ${HYPER_RULE.lr}, a tenth of it from ${decayAt.join(", ")}`;
  return `${length} of ${HYPER_RULE.batchSize} images; ${rate}; ${resize} → ${crop} pixels; ${mixing}`;
}
