/**
 * Features of a network that predicts the hidden three quarters of a picture are better than untrained ones, and than few labels alone.
 *
 * Metric: accuracy on the test split of photographs of a linear probe on frozen features from 50 labels a class (`few`); beside it
 * the linear probe and kNN from 10,000 labels. Split: pre-training sees nine tenths of `train`, drawn by hash, without labels;
 * probes learn from a part of them; the last tenth chooses the rate of the model that has few labels alone, three of which are
 * tried. Pre-training is not tuned. Settings and margins are written down before the first full run; sizes are those that fit two
 * cores, with patches of 4 pixels and a decoder of two blocks.
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

const STEPS = { quick: 200, full: 4000 };

const recipe = ({ scale }: FeatureContext): ClaimRecipe => ({
  preprocess: {
    train: withViews(["random_resized_crop(32,20)|flip_lr"]),
    eval: EVAL,
  },
  batchSize: 128,
  duration: { steps: STEPS[scale] },
  model: {
    ...{ name: "vit", patchSize: [4, 4], width: 96, depth: 4, mlpDim: 384, numHeads: 3 },
    ...{ posemb: "sincos2d", poolType: "gap" },
  },
  objective: { name: "mae", decoder: { width: 96, depth: 2, numHeads: 3 } },
  optimizer: { name: "adamw", lr: 1e-3, b2: 0.95, weightDecay: 0.05, schedule: COSINE },
});

const [MAE, RANDOM, LABELS] = ["MAE", "untrained", "50 labels a class alone"] as const;

export default defineClaim({
  name: "mae",
  headline:
    "Predicting the three quarters of a picture that are hidden gives features that need few labels.",
  data: PHOTOGRAPHS,
  evaluator: "objective",
  metric: "few",
  columns: ["linear", "knn20", "loss"],
  tune: FEW_LABELS,
  arms: {
    [MAE]: async (context: FeatureContext) =>
      judged(context, await context.stage("mae", recipe(context))),
    [RANDOM]: (context: FeatureContext) => untrained(context, recipe(context)),
    [LABELS]: (context: FeatureContext) => labelsAlone(context, recipe(context)),
  },
  checks: featureChecks([MAE, RANDOM, LABELS], { linear: 0.05, knn: 0.03, few: 0.02 }),
});
