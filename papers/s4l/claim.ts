/**
 * With a tenth of the labels, telling by how much pictures are turned beside the classes is more than 5 points better than the labels
 * alone.
 *
 * Metric: accuracy on the test split of photographs, read once by each run. Split: labels of a ninth of the nine tenths of `train`
 * that are drawn by hash (5,000 images), the others without labels; the last tenth chooses. Budget: three learning rates for every
 * arm, the same steps of as many labelled images; the rate of the losses without labels is the paper's. Arms, sizes and margins are
 * written down before the first full run. The labels alone are augmented alike.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";
import { COSINE, EVAL, PHOTOGRAPHS, TRAIN } from "../photographs.ts";

const TENTH = "train~[10%:20%]";
const ALL = "train~[10%:]";
const STEPS = { quick: 60, full: 1500 };
const BATCH = 32;

type Context = ArmContext<{ lr: readonly number[] }>;

const learned = (
  { train, tuned, scale }: Context,
  objective: ClaimRecipe["objective"],
  streams: 1 | 2 = 2,
) =>
  train({
    preprocess: { train: TRAIN, eval: EVAL },
    split: TENTH,
    ...(streams === 2 && { unlabelled: { split: ALL } }),
    batchSize: BATCH,
    duration: { steps: STEPS[scale] },
    model: { name: "resnet", depth: [1, 1, 1], width: 0.5 },
    objective,
    optimizer: {
      name: "adamw",
      lr: tuned.lr,
      weightDecay: 0.05,
      gradClipNorm: 1,
      schedule: COSINE,
    },
  });

const [LABELS, ROTATION, VAT, PSEUDO] = [
  "labels alone",
  "rotation",
  "VAT, entropy",
  "pseudo-labels",
] as const;

export default defineClaim({
  name: "s4l",
  headline: "With 10 % of the labels, self-supervision beside them beats the labels alone.",
  data: PHOTOGRAPHS,
  columns: ["loss", "msPerStep"],
  tune: { lr: [1e-3, 3e-4, 3e-3] },
  arms: {
    [LABELS]: (context) => learned(context, { name: "classification" }, 1),
    [ROTATION]: (context) => learned(context, { name: "s4l-rotation" }),
    [VAT]: (context) => learned(context, { name: "vat", entropy: 0.3 }),
    [PSEUDO]: (context) => learned(context, { name: "pseudo-labels" }),
  },
  checks: [
    {
      text: "rotation over the labels alone",
      difference: (of) => of(ROTATION) - of(LABELS),
      margin: 0.05,
    },
    {
      text: "VAT with entropy minimisation over the labels alone",
      difference: (of) => of(VAT) - of(LABELS),
      margin: 0.02,
    },
    {
      text: "rotation is at least as good as VAT with entropy minimisation, as in the paper",
      difference: (of) => of(ROTATION) - of(VAT),
      margin: -0.005,
    },
  ],
});
