/**
 * On a fifth of the data, augmentation and longer training reach what five times the data gives.
 *
 * Metric: accuracy on the test split, read once by each run. Split: a tenth of `train` by hash is the large set, a fifth
 * of it the small one; another tenth chooses settings. Budget: three learning rates for every arm. Arms, sizes and
 * margins were written down before the first full run.
 *
 * RandAugment shifts by up to 100 pixels and is meant for pictures of 224; here random crops of at least half of the
 * picture, and mixup, augment. Mirroring is left out: digits have a direction.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";

/** 2 % and 10 % of the training split, the small set inside the large one. */
const SMALL = "train~[10%:12%]";
const LARGE = "train~[10%:20%]";

const STEPS = { quick: 600, full: 1200 };
/** How many times longer a long training is. */
const LONGER = 3;

type Context = ArmContext<{ lr: readonly number[] }>;

const trained = (
  { scale, tuned, train }: Context,
  { split, longer = 1, augment = false }: { split: string; longer?: number; augment?: boolean },
) => {
  const recipe: ClaimRecipe = {
    split,
    preprocess: {
      train: `decode|${augment ? "inception_crop(28,50)" : "resize(28)"}|value_range(-1,1)`,
      eval: "decode|resize(28)|value_range(-1,1)",
    },
    batchSize: 64,
    duration: { steps: STEPS[scale] * longer },
    model: { name: "vit", patchSize: [7, 7], width: 64, depth: 4, mlpDim: 256, numHeads: 4 },
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

const PLAIN = "a fifth";
const LONG = "a fifth, longer";
const AUGMENTED = "a fifth, augmented";
const BOTH = "a fifth, augmented, longer";
const MORE = "five times the data";

export default defineClaim({
  name: "augreg",
  headline: "Augmentation and longer training make up for five times the data.",
  data: { name: "mnist" },
  columns: ["loss", "steps"],
  tune: { lr: [2e-3, 1e-3, 4e-3] },
  arms: {
    [PLAIN]: (context) => trained(context, { split: SMALL }),
    [LONG]: (context) => trained(context, { split: SMALL, longer: LONGER }),
    [AUGMENTED]: (context) => trained(context, { split: SMALL, augment: true }),
    [BOTH]: (context) => trained(context, { split: SMALL, augment: true, longer: LONGER }),
    [MORE]: (context) => trained(context, { split: LARGE }),
  },
  checks: [
    {
      text: "augmented and longer gains more than four fifths of what five times the data gains",
      difference: (of) => of(BOTH) - of(PLAIN) - 0.8 * (of(MORE) - of(PLAIN)),
      margin: 0,
    },
    {
      text: "longer training gains more with augmentation than without it",
      difference: (of) => of(BOTH) - of(AUGMENTED) - (of(LONG) - of(PLAIN)),
      margin: 0.002,
    },
    {
      text: "augmented and longer over the same set, plain",
      difference: (of) => of(BOTH) - of(PLAIN),
      margin: 0.01,
    },
  ],
});
