/** @file How claims judge features: by kNN, a linear probe, and few labels, beside the untrained network and few labels alone. */

import { type ArmContext, type ClaimRecipe, type ClaimRun, evaluateModelOn } from "ocelli";
import { COSINE, TRAIN } from "./photographs.ts";

/** What kNN and the linear probe learn from: 10,000 images. */
const KNOWN = "train~[10%:30%]";
/** Few labels: so many of each class. */
const FEW = 50;

/** Settings of the classifier that has few labels alone, which is tuned. */
export const FEW_LABELS = { lr: [1e-3, 3e-4, 3e-3] } as const;
/** What a feature claim's context is. */
export type FeatureContext = ArmContext<typeof FEW_LABELS>;

/** A training's features judged: `knn20` and `linear` of all known labels, `few` of a linear probe of the few. */
export async function judged({ probe }: FeatureContext, run: ClaimRun) {
  const { knn20, linear } = await probe(run, { split: KNOWN });
  const { linear: few } = await probe(run, { split: KNOWN, shots: FEW });
  return { values: { ...run.values, knn20, linear, few } };
}

/** The network as it is drawn; its normalisations have seen images. */
export async function untrained(context: FeatureContext, recipe: ClaimRecipe) {
  const run = await context.stage("untrained", {
    ...recipe,
    objective: { name: "rotation" },
    optimizer: { name: "sgd", lr: 0 },
    ...{ batchSize: 64, duration: { steps: 100 } },
    preprocess: { ...recipe.preprocess, train: TRAIN },
  });
  return judged(context, run);
}

/** The same network trained on the few labels alone: `few` is its accuracy. */
export async function labelsAlone(context: FeatureContext, recipe: ClaimRecipe) {
  const { scale, held, tuned, engine } = context;
  const run = await context.stage("labels", {
    ...recipe,
    objective: { name: "classification" },
    split: KNOWN,
    shots: FEW,
    batchSize: 64,
    duration: { steps: scale === "full" ? 1000 : 150 },
    preprocess: { ...recipe.preprocess, train: TRAIN },
    optimizer: {
      name: "adamw",
      lr: tuned.lr,
      weightDecay: 0.05,
      gradClipNorm: 1,
      schedule: COSINE,
    },
  });
  const { values } = await judged(context, run);
  const found = await evaluateModelOn(run.folder, undefined, { split: held, engine });
  return { values: { ...values, few: found.values.accuracy } };
}

/** The three comparisons of a claim on features, with margins in shares. */
export const featureChecks = (
  [trained, random, labels]: readonly [trained: string, random: string, labels: string],
  margins: { readonly linear: number; readonly knn: number; readonly few: number },
) => [
  {
    text: `linear probe: ${trained} over the untrained network`,
    difference: (of: Of) => of(trained, "linear") - of(random, "linear"),
    margin: margins.linear,
  },
  {
    text: `kNN: ${trained} over the untrained network`,
    difference: (of: Of) => of(trained, "knn20") - of(random, "knn20"),
    margin: margins.knn,
  },
  {
    text: `${FEW} labels a class: a linear probe of ${trained} over a model trained on them alone`,
    difference: (of: Of) => of(trained, "few") - of(labels, "few"),
    margin: margins.few,
  },
];

type Of = (arm: string, value?: string) => number;
