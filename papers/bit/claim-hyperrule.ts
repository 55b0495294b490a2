/**
 * BiT-HyperRule, which tunes nothing, comes within 2 points of a sweep of learning rates, on tasks of three sizes.
 *
 * Metric: accuracy on the test split in negative, read once by each run. Tasks: 60 training images in negative, a
 * hundredth of them, and a tenth. Backbone: a small BiT trained on another half of them as they are. Split: the first
 * tenth of `train` by hash chooses the sweep's rate. Budget: the sweep tries a tenth of the rule's rate, the rule's, ten
 * and thirty times it, on each task; the rule tries nothing. All else is the rule's: 500 steps of 512 images, a tenth of
 * the rate from 30, 60 and 90 % of them, no mixup; a quick claim takes a fifth of the steps. The sides are 30 and 24 pixels
 * where the rule's are 160 and 128. Written down before the first full run.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";

const RULE = { batchSize: 512, lr: 0.003, momentum: 0.9 };
const STEPS = { quick: 100, full: 500 };
const PRETRAINING = { quick: 300, full: 3000 };
const TUNE = { lr: [0.03, 0.003, 0.0003, 0.1] };
type Context = ArmContext<typeof TUNE>;

const BACKBONE = "train~[50%:]";
const TASKS = {
  small: "train~[6000:6060]",
  medium: "train~[10%:11%]",
  large: "train~[10%:20%]",
} as const;
type Task = keyof typeof TASKS;

const model: ClaimRecipe["model"] = { name: "bit", width: 0.5, depth: [1, 1] };

const backbone = (scale: keyof typeof STEPS): ClaimRecipe => ({
  split: BACKBONE,
  preprocess: {
    train: "decode|resize(30)|random_crop(24)|value_range(-1,1)",
    eval: "decode|resize(24)|value_range(-1,1)",
  },
  batchSize: 64,
  duration: { steps: PRETRAINING[scale] },
  model,
  objective: { name: "classification" },
  optimizer: {
    name: "adam",
    lr: 1e-3,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { percent: 10 } },
  },
});

const tuneTo = async ({ stage, train, scale }: Context, task: Task, lr: number) => {
  const { folder } = await stage("backbone", backbone(scale));
  const steps = STEPS[scale];
  return train({
    split: TASKS[task],
    preprocess: {
      train: "decode|resize(30)|random_crop(24)|value_range(1,-1)",
      eval: "decode|resize(24)|value_range(1,-1)",
    },
    batchSize: RULE.batchSize,
    duration: { steps },
    model,
    init: folder,
    objective: { name: "classification" },
    optimizer: {
      name: "momentum",
      lr,
      momentum: RULE.momentum,
      schedule: {
        decayType: "stair",
        steps: [0.3, 0.6, 0.9].map((part) => Math.round(part * steps)),
        mults: [0.1, 0.01, 0.001],
      },
    },
  });
};

const rule = (task: Task): string => `HyperRule, ${task} task`;
const sweep = (task: Task): string => `sweep, ${task} task`;
const tasks = Object.keys(TASKS) as Task[];

export default defineClaim({
  name: "bit-hyperrule",
  headline: "One rule without tuning does as well as a tuned sweep, whatever the task's size.",
  data: { name: "mnist" },
  columns: ["loss"],
  tune: TUNE,
  arms: Object.fromEntries(
    tasks.flatMap((task) => [
      [rule(task), (context: Context) => tuneTo(context, task, RULE.lr)] as const,
      [sweep(task), (context: Context) => tuneTo(context, task, context.tuned.lr)] as const,
    ]),
  ),
  checks: tasks.map((task) => ({
    text: `${task} task: the rule is within 2 points of the sweep`,
    difference: (of: (arm: string) => number) => of(rule(task)) - of(sweep(task)),
    margin: -0.02,
  })),
});
