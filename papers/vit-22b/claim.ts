/**
 * Normalised queries and keys train at a learning rate where the plain model fails, and the parallel block is faster.
 *
 * Metric: accuracy on the test split, read once by each run. Split: nine tenths of `train`, drawn by hash; nothing is
 * tuned, so that the other tenth is not used. Budget: none for either side. The ladder of learning rates, the sizes and
 * the margins were written down before the first full run.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";

/** Peak learning rates of Adam, from a usual one to a hundred times that. */
const LADDER = [1e-3, 1e-2, 3e-2, 1e-1] as const;

/** Below this a model of ten classes counts as not trained. */
const TRAINED = 0.5;

const STEPS = { quick: 300, full: 1000 };

const recipe = (
  { scale }: ArmContext,
  lr: number,
  model: Omit<Extract<ClaimRecipe["model"], { name: "vit" }>, "name">,
): ClaimRecipe => ({
  preprocess: {
    train: "decode|resize(28)|value_range(-1,1)",
    eval: "decode|resize(28)|value_range(-1,1)",
  },
  batchSize: 128,
  duration: { steps: STEPS[scale] },
  model: {
    name: "vit",
    patchSize: [7, 7],
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
    schedule: { decayType: "cosine", warmup: { percent: 10 } },
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

export default defineClaim({
  name: "vit-22b",
  headline:
    "With normalised queries and keys a ViT trains where the plain one diverges; parallel blocks are faster.",
  data: { name: "mnist" },
  columns: ["loss", "msPerStep"],
  arms: {
    ...Object.fromEntries(ladder),
    "serial blocks": (context) => context.train(recipe(context, LADDER[0], blocks)),
    "parallel blocks": (context) =>
      context.train(recipe(context, LADDER[0], { ...blocks, parallel: true })),
  },
  checks: [
    {
      text: "at the first rate where the plain model stays below 50 %, QK-norm is more accurate",
      difference(of) {
        const failed = LADDER.find((lr) => of(plain(lr)) < TRAINED);
        return failed === undefined ? 0 : of(normalised(failed)) - of(plain(failed));
      },
      margin: 0.3,
    },
    {
      text: "mean gain of QK-norm over the whole ladder",
      difference: (of) =>
        LADDER.reduce((sum, lr) => sum + of(normalised(lr)) - of(plain(lr)), 0) / LADDER.length,
      margin: 0.05,
    },
    {
      text: "a serial step takes longer than a parallel one (share)",
      difference: (of) => of("serial blocks", "msPerStep") / of("parallel blocks", "msPerStep") - 1,
      margin: 0.05,
    },
    {
      text: "parallel blocks are as accurate as serial ones",
      difference: (of) => of("parallel blocks") - of("serial blocks"),
      margin: -0.02,
    },
  ],
});
