/**
 * Each of the four changes to the original ViT recipe has its share in the gain, at equal epochs.
 *
 * Metric: accuracy on the test split, read once by each run. Split: a tenth of `train` by hash; another tenth chooses
 * settings. Budget: three learning rates for every arm. Every arm sees each training image equally often. Arms, sizes and
 * margins were written down before the first full run.
 *
 * RandAugment shifts by up to 100 pixels and is meant for pictures of 224; here random crops of at least half of the
 * picture stand for it. Mirroring is left out: digits have a direction.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";

/** A tenth of the training split. */
const DATA = "train~[10%:20%]";

const EPOCHS = { quick: 8, full: 25 };

/** The changes of the paper. */
const CHANGES = ["augmentation", "fixed positions", "averaged tokens", "smaller batches"] as const;
type Change = (typeof CHANGES)[number];

type Context = ArmContext<{ lr: readonly number[] }>;

/** A training with some of the changes; without all of them it is the original recipe. */
const trained = ({ scale, tuned, train }: Context, changes: readonly Change[]) => {
  const has = (change: Change): boolean => changes.includes(change);
  const augment = has("augmentation");
  const recipe: ClaimRecipe = {
    split: DATA,
    preprocess: {
      train: `decode|${augment ? "inception_crop(28,50)" : "resize(28)"}|value_range(-1,1)`,
      eval: "decode|resize(28)|value_range(-1,1)",
    },
    batchSize: has("smaller batches") ? 64 : 256,
    duration: { epochs: EPOCHS[scale] },
    model: {
      name: "vit",
      patchSize: [7, 7],
      width: 64,
      depth: 4,
      mlpDim: 256,
      numHeads: 4,
      posemb: has("fixed positions") ? "sincos2d" : "learn",
      poolType: has("averaged tokens") ? "gap" : "tok",
    },
    objective: { name: "classification", ...(augment && { mixup: { p: 0.2 } }) },
    optimizer: {
      name: "adamw",
      lr: tuned.lr,
      weightDecay: 0.05,
      gradClipNorm: 1,
      schedule: { decayType: "cosine", warmup: { percent: 10 } },
    },
  };
  return train(recipe);
};

const ALL = "all changes";
const ORIGINAL = "original";
const without = (change: Change): string => `without ${change}`;

export default defineClaim({
  name: "better-plain-vit",
  headline: "Four small changes make the plain ViT better, and each has its share.",
  data: { name: "mnist" },
  columns: ["loss", "steps"],
  tune: { lr: [2e-3, 1e-3, 4e-3] },
  arms: {
    [ALL]: (context) => trained(context, CHANGES),
    [ORIGINAL]: (context) => trained(context, []),
    ...Object.fromEntries(
      CHANGES.map((left) => [
        without(left),
        (context: Context) =>
          trained(
            context,
            CHANGES.filter((change) => change !== left),
          ),
      ]),
    ),
  },
  checks: [
    {
      text: "all changes over the original recipe",
      difference: (of) => of(ALL) - of(ORIGINAL),
      margin: 0.01,
    },
    ...CHANGES.map((change) => ({
      text: `share of ${change}: what is lost without it`,
      difference: (of: (arm: string) => number) => of(ALL) - of(without(change)),
      margin: 0.001,
    })),
  ],
});
