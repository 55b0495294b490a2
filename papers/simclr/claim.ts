/**
 * Features learned by matching two views of a picture are better than untrained ones, and than those of few labels alone.
 *
 * Metric: accuracy on the test split of photographs of a linear probe on frozen features from 50 labels a class (`few`); beside it
 * the linear probe and kNN from 10,000 labels. Split: pre-training sees nine tenths of `train`, drawn by hash, without labels;
 * probes learn from a part of them; the last tenth chooses the rate of the model that has few labels alone, three of which are
 * tried. Pre-training is not tuned. Settings and margins are written down before the first full run; sizes are those that fit two
 * cores, and in place of 4,096 images a step and 1,000 epochs there are 128 and four.
 */

import { type ClaimRecipe, defineClaim } from "ocelli";
import { withViews } from "ocelli/preprocess";
import {
  FEW_LABELS,
  type FeatureContext,
  featureChecks,
  judged,
  labelsAlone,
  untrained,
} from "../features.ts";
import { COSINE, EVAL, PHOTOGRAPHS } from "../photographs.ts";

const STEPS = { quick: 120, full: 1500 };

/** Without blur, as the paper has it for pictures of 32 pixels (Appendix B.9). */
const VIEW =
  "random_resized_crop(32,20)|flip_lr|color_jitter(0.4,0.4,0.4,0.1,probability=0.8)|random_grayscale(0.2)";

const recipe = ({ scale }: FeatureContext): ClaimRecipe => ({
  preprocess: { train: withViews([VIEW, VIEW]), eval: EVAL },
  batchSize: 128,
  duration: { steps: STEPS[scale] },
  model: { name: "resnet", depth: [1, 1, 1], width: 0.5 },
  objective: { name: "simclr", temperature: 0.5, outputs: 64 },
  // the square-root rule of Appendix B.1
  optimizer: { name: "lars", lr: 0.075 * Math.sqrt(128), wd: 1e-6, schedule: COSINE },
});

const [SIMCLR, RANDOM, LABELS] = ["SimCLR", "untrained", "50 labels a class alone"] as const;

export default defineClaim({
  name: "simclr",
  headline:
    "Matching two views of a picture, among all other pictures, gives features that need few labels.",
  data: PHOTOGRAPHS,
  evaluator: "objective",
  metric: "few",
  columns: ["linear", "knn20", "loss"],
  tune: FEW_LABELS,
  arms: {
    [SIMCLR]: async (context: FeatureContext) =>
      judged(context, await context.stage("simclr", recipe(context))),
    [RANDOM]: (context: FeatureContext) => untrained(context, recipe(context)),
    [LABELS]: (context: FeatureContext) => labelsAlone(context, recipe(context)),
  },
  checks: featureChecks([SIMCLR, RANDOM, LABELS], { linear: 0.05, knn: 0.05, few: 0.02 }),
});
