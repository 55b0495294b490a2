/**
 * Normalised queries and keys train at learning rates where the plain model fails, and the parallel block is faster.
 *
 * Metric: accuracy on the test split of photographs, read once by each run. Split: nine tenths of `train`, drawn by hash;
 * nothing is tuned, so that the other tenth is not used. Budget: none for either side. The rate stays constant after its
 * warm-up, so that a high one is not healed at the end. A side's fall is its best accuracy over the ladder less its mean
 * over it. Blocks are timed in turns within one process, five times each, and the median of the five ratios counts. The
 * ladder, the sizes and the margins are written down before the first full run on photographs.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";
import { EVAL, PHOTOGRAPHS, TRAIN } from "../photographs.ts";

/** Learning rates of Adam, from a usual one to three hundred times that. */
const LADDER = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1] as const;

const STEPS = { quick: 300, full: 1000 };
/** How often the two blocks are timed, for so many steps and one more each time. */
const TURNS = 5;
const TIMED = { quick: 20, full: 60 };

const recipe = (
  { scale }: ArmContext,
  lr: number,
  model: Omit<Extract<ClaimRecipe["model"], { name: "vit" }>, "name">,
): ClaimRecipe => ({
  preprocess: { train: TRAIN, eval: EVAL },
  batchSize: 128,
  duration: { steps: STEPS[scale] },
  model: {
    name: "vit",
    patchSize: [8, 8],
    width: 64,
    depth: 4,
    mlpDim: 256,
    numHeads: 4,
    ...model,
  },
  objective: { name: "classification" },
  optimizer: {
    name: "adam",
    lr,
    gradClipNorm: 1,
    schedule: { decayType: "constant", warmup: { percent: 10 } },
  },
});

const plain = (lr: number): string => `plain, lr ${lr}`;
const normalised = (lr: number): string => `QK-norm, lr ${lr}`;

const ladder = LADDER.flatMap((lr) => [
  [plain(lr), (context: ArmContext) => context.train(recipe(context, lr, {}))] as const,
  [
    normalised(lr),
    (context: ArmContext) => context.train(recipe(context, lr, { qkNorm: true })),
  ] as const,
]);

/** For the block's time: wide enough that products, not single calls, take the time. */
const blocks = { width: 192, depth: 6, mlpDim: 768, numHeads: 3, qkNorm: true, qkvBias: false };

/** Trainings with both blocks in turns: by how much a serial step is longer, as a share. */
async function inTurns(context: ArmContext) {
  const ratios: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const duration = { steps: TIMED[context.scale] + turn };
    const log = { steps: 5 };
    const [serial, parallel] = [
      await context.stage(`serial-${turn}`, { ...recipe(context, 1e-3, blocks), duration, log }),
      await context.stage(`parallel-${turn}`, {
        ...recipe(context, 1e-3, { ...blocks, parallel: true }),
        ...{ duration, log },
      }),
    ];
    ratios.push(serial.values.msPerStep / parallel.values.msPerStep - 1);
  }
  const [median] = ratios.sort((a, b) => a - b).slice(Math.floor(TURNS / 2));
  return { values: { accuracy: NaN, longer: median } };
}

const SERIAL = "serial blocks";
const PARALLEL = "parallel blocks";
const TIMES = "blocks timed in turns";

/** A side's best accuracy over the ladder less its mean over it. */
function fall(of: (arm: string) => number, side: (lr: number) => string): number {
  const found = LADDER.map((lr) => of(side(lr)));
  return Math.max(...found) - found.reduce((a, b) => a + b, 0) / found.length;
}

export default defineClaim({
  name: "vit-22b",
  headline:
    "With normalised queries and keys a ViT trains where the plain one diverges; parallel blocks are faster.",
  data: PHOTOGRAPHS,
  columns: ["loss", "longer"],
  arms: {
    ...Object.fromEntries(ladder),
    [SERIAL]: (context) => context.train(recipe(context, LADDER[0], blocks)),
    [PARALLEL]: (context) =>
      context.train(recipe(context, LADDER[0], { ...blocks, parallel: true })),
    [TIMES]: inTurns,
  },
  checks: [
    {
      text: "over the ladder the plain model falls further below its best than the one with QK-norm",
      difference: (of) => fall(of, plain) - fall(of, normalised),
      margin: 0.1,
    },
    {
      text: "a serial step takes longer than a parallel one (share)",
      difference: (of) => of(TIMES, "longer"),
      margin: 0.05,
    },
    {
      text: "parallel blocks are as accurate as serial ones",
      difference: (of) => of(PARALLEL) - of(SERIAL),
      margin: -0.02,
    },
  ],
  plots: [
    {
      title: "Accuracy over the learning rate",
      axis: "learning rate",
      log: true,
      lines: Object.fromEntries(
        (
          [
            ["plain", plain],
            ["QK-norm", normalised],
          ] as const
        ).map(([name, side]) => [name, LADDER.map((lr) => ({ x: lr, arm: side(lr) }))]),
      ),
    },
  ],
});
