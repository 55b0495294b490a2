/**
 * One set of weights matches specialists at every patch size, where a model of one patch size fails at the others.
 *
 * Metric: accuracy on the test split of photographs, mean over four patch sizes; each model reads the split once at each
 * size. Split: `train` without the tenth that chooses settings. Budget: three learning rates for every arm; each model,
 * flexible or specialist, trains for the same number of steps. As published, all begin with the weights of one teacher, its
 * patches resized by the pseudo-inverse, and learn from its answers on mixed images. Sizes, rates and margins are written
 * down before the first full run on photographs.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";
import { COSINE, PHOTOGRAPHS } from "../photographs.ts";

/** Patches along each side of 24 pixels: patches of 12, 8, 6 and 4 pixels. */
const SEQHW = [2, 3, 4, 6] as const;
/** Of the specialist that is taken to every size. */
const MIDDLE = 4;

const STEPS = { quick: 500, full: 3000 };

type Context = ArmContext<{ lr: readonly number[] }>;

const SIZE = { width: 64, depth: 4, mlpDim: 256, numHeads: 4 } as const;

const common = (lr: number, steps: number) =>
  ({
    preprocess: {
      train: "decode|resize(24)|random_shift(2)|flip_lr|value_range(-1,1)",
      eval: "decode|resize(24)|value_range(-1,1)",
    },
    batchSize: 64,
    duration: { steps },
    optimizer: { name: "adamw", lr, weightDecay: 0.05, gradClipNorm: 1, schedule: COSINE },
  }) satisfies Partial<ClaimRecipe>;

/** The teacher: a plain ViT with the smallest patches. */
const teacher = (scale: keyof typeof STEPS): ClaimRecipe => ({
  ...common(2e-3, STEPS[scale]),
  model: { name: "vit", patchSize: [4, 4], ...SIZE },
  objective: { name: "classification" },
});

/** A student that begins with its teacher and is trained at some grids; `own` is its grid when it predicts. */
async function recipeAt(
  { scale, tuned, stage }: Context,
  own: number,
  grids: readonly number[] = [own],
): Promise<ClaimRecipe> {
  const { folder } = await stage("teacher", teacher(scale));
  return {
    ...common(tuned.lr, STEPS[scale]),
    model: {
      name: "flexivit",
      patchSize: [8, 8],
      posembSize: [4, 4],
      ...SIZE,
      seqhw: own,
      flexi: { seqhw: [...grids] },
    },
    init: { weights: folder },
    objective: {
      name: "distillation",
      teacher: folder,
      mixup: { p: 1 },
    },
  };
}

/** Accuracies by patches along a side, and their mean. */
const summary = (byGrid: Readonly<Record<string, number>>) => {
  const all = Object.values(byGrid);
  return { values: { ...byGrid, accuracy: all.reduce((a, b) => a + b, 0) / all.length } };
};

const grid = (seqhw: number): string => `${seqhw}×${seqhw}`;

/** One model, trained by a recipe at one grid, then taken to the others as it is: by a training of no steps. */
async function everywhere(context: Context, recipe: ClaimRecipe, own: number) {
  const { folder, values } = await context.train(recipe);
  const found: Record<string, number> = {};
  for (const seqhw of SEQHW) {
    if (seqhw === own) found[grid(seqhw)] = values.accuracy;
    else {
      const recipe = await recipeAt(context, seqhw);
      const untouched = { ...recipe, duration: { steps: 0 }, init: folder };
      found[grid(seqhw)] = (await context.train(untouched, `at-${seqhw}`)).values.accuracy;
    }
  }
  return summary(found);
}

const FLEXIBLE = "one flexible model";
const SPECIALISTS = "a specialist for each size";
const TAKEN = "one specialist, at every size";

export default defineClaim({
  name: "flexivit",
  headline: "One set of weights is as good as specialists at every patch size.",
  data: PHOTOGRAPHS,
  columns: SEQHW.map(grid),
  tune: { lr: [1e-3, 3e-4, 3e-3] },
  arms: {
    [FLEXIBLE]: async (context) =>
      everywhere(context, await recipeAt(context, MIDDLE, SEQHW), MIDDLE),
    [SPECIALISTS]: async (context) => {
      const found: Record<string, number> = {};
      for (const seqhw of SEQHW) {
        const { values } = await context.train(await recipeAt(context, seqhw), `for-${seqhw}`);
        found[grid(seqhw)] = values.accuracy;
      }
      return summary(found);
    },
    [TAKEN]: async (context) => everywhere(context, await recipeAt(context, MIDDLE), MIDDLE),
  },
  checks: [
    {
      text: "the flexible model against the specialists, mean over sizes",
      difference: (of) => of(FLEXIBLE) - of(SPECIALISTS),
      margin: -0.01,
    },
    {
      text: "the same at the size where it is worst",
      difference: (of) =>
        Math.min(...SEQHW.map((seqhw) => of(FLEXIBLE, grid(seqhw)) - of(SPECIALISTS, grid(seqhw)))),
      margin: -0.02,
    },
    {
      text: "the flexible model over one specialist taken to every size",
      difference: (of) => of(FLEXIBLE) - of(TAKEN),
      margin: 0.1,
    },
  ],
  plots: [
    {
      title: "Accuracy over the patches along each side",
      axis: "patches along each side of 24 pixels",
      lines: Object.fromEntries(
        [FLEXIBLE, SPECIALISTS, TAKEN].map((arm) => [
          arm,
          SEQHW.map((seqhw) => ({ x: seqhw, arm, value: grid(seqhw) })),
        ]),
      ),
    },
  ],
});
