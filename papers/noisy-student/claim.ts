/**
 * A student that is noised, and learns a teacher's answers on pictures without labels, is better than its teacher; without noise it
 * gains less.
 *
 * Metric: accuracy on the test split of photographs, read once by each run. Split: the teacher learns from 5,000 labelled images, a
 * ninth of the nine tenths of `train` that are drawn by hash; students learn its answers on all of these nine tenths, without labels.
 * The last tenth chooses. Budget: three learning rates for every arm; the teacher is the same for all with one seed. Arms, sizes and
 * margins are written down before the first full run. Noise is randaug and, in the second round's larger student as in the first,
 * stochastic depth and dropout; the teacher answers without noise, on the whole picture, with soft labels.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";
import { COSINE, EVAL, PHOTOGRAPHS, TRAIN } from "../photographs.ts";

const TENTH = "train~[10%:20%]";
const STEPS = { quick: { teacher: 60, student: 60 }, full: { teacher: 1000, student: 2000 } };

type Context = ArmContext<{ lr: readonly number[] }>;

const NOISE = { dropout: 0.1, dropPath: 0.1 } as const;
const vit = (width: number, noise: object): ClaimRecipe["model"] => ({
  ...{ name: "vit", patchSize: [4, 4], depth: 4, posemb: "sincos2d", poolType: "gap" },
  ...{ width, mlpDim: 4 * width, numHeads: width / 32 },
  ...noise,
});

const CLEAN = "decode|resize(32)|copy(image, theirs)|random_shift(2)|flip_lr";
const SCALED = "value_range(-1,1)|value_range(-1,1, key=theirs)";

const settings = (lr: number): ClaimRecipe["optimizer"] => ({
  ...{ name: "adamw", lr, weightDecay: 0.05, gradClipNorm: 1, schedule: COSINE },
});

/** A model of the labels alone. */
const labelled = (scale: Context["scale"], lr: number): ClaimRecipe => ({
  preprocess: { train: TRAIN, eval: EVAL },
  split: TENTH,
  batchSize: 64,
  duration: { steps: STEPS[scale].teacher },
  model: vit(96, {}),
  objective: { name: "classification" },
  optimizer: settings(lr),
});

/** A student of a teacher. */
const student = (
  { scale, tuned }: Context,
  teacher: string,
  { noised, width = 96 }: { noised: boolean; width?: number },
): ClaimRecipe => ({
  preprocess: {
    train: `${CLEAN}${noised ? "|randaug(2,9)" : ""}|${SCALED}`,
    eval: EVAL,
  },
  batchSize: 64,
  duration: { steps: STEPS[scale].student },
  model: vit(width, noised ? NOISE : {}),
  objective: { name: "distillation", teacher, teacherImage: "theirs" },
  optimizer: settings(tuned.lr),
});

const teacherOf = ({ stage, scale }: Context) => stage("teacher", labelled(scale, 1e-3));

const [LABELS, NOISED, PLAIN, SECOND] = [
  "labels alone",
  "noised student",
  "student without noise",
  "second round, wider",
] as const;

export default defineClaim({
  name: "noisy-student",
  headline: "A noised student of pictures without labels is better than its teacher.",
  data: PHOTOGRAPHS,
  columns: ["loss", "parameters"],
  tune: { lr: [1e-3, 3e-4, 3e-3] },
  arms: {
    [LABELS]: ({ train, scale, tuned }) => train(labelled(scale, tuned.lr)),
    [NOISED]: async (context) =>
      context.train(student(context, (await teacherOf(context)).folder, { noised: true })),
    [PLAIN]: async (context) =>
      context.train(student(context, (await teacherOf(context)).folder, { noised: false })),
    [SECOND]: async (context) => {
      const { folder } = await teacherOf(context);
      const first = await context.stage("first", student(context, folder, { noised: true }));
      return context.train(student(context, first.folder, { noised: true, width: 128 }));
    },
  },
  checks: [
    {
      text: "the noised student over the labels alone",
      difference: (of) => of(NOISED) - of(LABELS),
      margin: 0.02,
    },
    {
      text: "noise: the noised student over the one without",
      difference: (of) => of(NOISED) - of(PLAIN),
      margin: 0.005,
    },
    {
      text: "a second round with a wider student over the first",
      difference: (of) => of(SECOND) - of(NOISED),
      margin: 0.005,
    },
  ],
});
