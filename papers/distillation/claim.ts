/**
 * A teacher that sees what its student sees, for long enough, is better than labels, hard answers or fixed answers.
 *
 * Metric: accuracy on the test split, read once by each run. Split: the teacher learns from nine tenths of `train`, its
 * students from a tenth of it; the last tenth, by hash, chooses settings. Budget: three learning rates for every arm; the
 * teacher is the same for all with one seed. Arms, sizes and margins were written down before the first full run.
 *
 * The patient arms train equally long, with crops alike. "Fixed" is the paper's fixed teacher: its answers on the whole,
 * unmixed picture stand for labels, and are mixed as labels are.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";

/** What students learn from. */
const SMALL = "train~[10%:20%]";

const SCALES = {
  quick: { teacher: 600, steps: 200 },
  full: { teacher: 3000, steps: 800 },
};
/** How many times longer a patient training is. */
const PATIENCE = 4;

type Context = ArmContext<{ lr: readonly number[] }>;

const CROP = "inception_crop(28,50)";
const SCALE = "value_range(-1,1)";

const common = (lr: number) =>
  ({
    batchSize: 64,
    optimizer: {
      name: "adamw",
      lr,
      weightDecay: 0.05,
      gradClipNorm: 1,
      schedule: { decayType: "cosine", warmup: { percent: 10 } },
    },
  }) satisfies Partial<ClaimRecipe>;

const teacherRecipe = (scale: keyof typeof SCALES): ClaimRecipe => ({
  ...common(2e-3),
  preprocess: { train: `decode|${CROP}|${SCALE}`, eval: `decode|resize(28)|${SCALE}` },
  duration: { steps: SCALES[scale].teacher },
  model: { name: "vit", patchSize: [7, 7], width: 96, depth: 4, mlpDim: 384, numHeads: 4 },
  objective: { name: "classification" },
});

type Objective = Extract<ClaimRecipe["objective"], { name: "distillation" }>;

/** A student with an objective; `clean` gives the teacher the whole picture. */
const student = (
  { scale, tuned, train }: Context,
  objective: ClaimRecipe["objective"],
  { patience = PATIENCE, clean = false } = {},
) =>
  train({
    ...common(tuned.lr),
    split: SMALL,
    preprocess: {
      train: clean
        ? `decode|copy(image, clean)|${CROP}|resize(28, key=clean)|${SCALE}|value_range(-1,1, key=clean)`
        : `decode|${CROP}|${SCALE}`,
      eval: `decode|resize(28)|${SCALE}`,
    },
    duration: { steps: SCALES[scale].steps * patience },
    model: { name: "vit", patchSize: [7, 7], width: 48, depth: 3, mlpDim: 192, numHeads: 3 },
    objective,
  });

/** A student of the teacher. */
async function taught(
  context: Context,
  objective: Omit<Objective, "name" | "teacher">,
  options?: Parameters<typeof student>[2],
) {
  const { folder } = await context.stage("teacher", teacherRecipe(context.scale));
  const whole = { name: "distillation", teacher: folder, mixup: { p: 1 }, ...objective } as const;
  return student(context, whole, options);
}

const LABELS = "labels";
const HARD = "hard answers";
const FIXED = "fixed teacher";
const CONSISTENT = "consistent, patient";
const BRIEF = "consistent, a quarter as long";

export default defineClaim({
  name: "distillation",
  headline: "A good teacher is consistent and patient.",
  data: { name: "mnist" },
  columns: ["loss", "steps"],
  tune: { lr: [2e-3, 1e-3, 4e-3] },
  arms: {
    [LABELS]: (context) => student(context, { name: "classification", mixup: { p: 0.2 } }),
    [HARD]: (context) => taught(context, { targets: "hard" }),
    [FIXED]: (context) => taught(context, { fixed: true, teacherImage: "clean" }, { clean: true }),
    [CONSISTENT]: (context) => taught(context, {}),
    [BRIEF]: (context) => taught(context, {}, { patience: 1 }),
  },
  checks: [
    {
      text: "consistent and patient over labels",
      difference: (of) => of(CONSISTENT) - of(LABELS),
      margin: 0.005,
    },
    {
      text: "consistent and patient over the teacher's hard answers",
      difference: (of) => of(CONSISTENT) - of(HARD),
      margin: 0.002,
    },
    {
      text: "consistent and patient over a fixed teacher",
      difference: (of) => of(CONSISTENT) - of(FIXED),
      margin: 0.002,
    },
    {
      text: "patience: four times the steps over one",
      difference: (of) => of(CONSISTENT) - of(BRIEF),
      margin: 0.002,
    },
  ],
});
