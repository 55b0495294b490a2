/**
 * A student that predicts its own average's view of the picture has better features than before, and than few labels give.
 *
 * Metric: accuracy on the test split of photographs of a linear probe on frozen features from 50 labels a class (`few`); beside it
 * the linear probe and kNN from 10,000 labels. Split: pre-training sees nine tenths of `train`, drawn by hash, without labels;
 * probes learn from a part of them; the last tenth chooses the rate of the model that has few labels alone, three of which are
 * tried. Pre-training is not tuned. Settings and margins are written down before the first full run; sizes are those that fit two
 * cores, with two views of 32 pixels and two of 16, and 4,096 outputs.
 */

import { type ClaimRecipe, defineClaim } from "ocelli";
import { AUGMENTATIONS, withViews } from "ocelli/preprocess";
import {
  FEW_LABELS,
  type FeatureContext,
  featureChecks,
  judged,
  labelsAlone,
  untrained,
} from "../features.ts";
import { COSINE, EVAL, PHOTOGRAPHS } from "../photographs.ts";

const STEPS = { quick: 100, full: 1500 };

/** Two large views and two of 16 pixels, without blur. */
const VIEWS = AUGMENTATIONS.dino(32, 2).map((text) =>
  text.replace(/\|gaussian_blur\([^)]*\)/, "").replace("_crop(12,", "_crop(16,"),
);

const recipe = ({ scale }: FeatureContext): ClaimRecipe => ({
  preprocess: { train: withViews(VIEWS), eval: EVAL },
  batchSize: 64,
  duration: { steps: STEPS[scale] },
  model: {
    ...{ name: "vit", patchSize: [4, 4], width: 96, depth: 4, mlpDim: 384, numHeads: 3 },
    ...{ posemb: "sincos2d", poolType: "tok" },
  },
  objective: { name: "dino", outputs: 4096, hidden: 512, bottleneck: 128, momentum: 0.99 },
  optimizer: { name: "adamw", lr: 5e-4, weightDecay: 0.04, gradClipNorm: 3, schedule: COSINE },
});

const [DINO, RANDOM, LABELS] = ["DINO", "untrained", "50 labels a class alone"] as const;

export default defineClaim({
  name: "dino",
  headline:
    "A student of its own moving average learns features without labels and without collapse.",
  data: PHOTOGRAPHS,
  evaluator: "objective",
  metric: "few",
  columns: ["linear", "knn20", "outputDeviation"],
  tune: FEW_LABELS,
  arms: {
    [DINO]: async (context: FeatureContext) =>
      judged(context, await context.stage("dino", recipe(context))),
    [RANDOM]: async (context: FeatureContext) => {
      const { values } = await untrained(context, recipe(context));
      return { values: { ...values, outputDeviation: NaN } };
    },
    [LABELS]: async (context: FeatureContext) => {
      const { values } = await labelsAlone(context, recipe(context));
      return { values: { ...values, outputDeviation: NaN } };
    },
  },
  checks: [
    ...featureChecks([DINO, RANDOM, LABELS], { linear: 0.03, knn: 0.03, few: 0 }),
    {
      text: "it does not collapse: the deviation of its outputs, where 0 is one point and 0.05 warns",
      difference: (of) => of(DINO, "outputDeviation") - 0.05,
      margin: 0,
    },
  ],
});
