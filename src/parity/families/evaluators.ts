/** @file Cases of evaluators: the inputs' names say which. */

import { OcelliError } from "../../errors.ts";
import { type HostArray, fromNumbers, toNumbers } from "../../graph/index.ts";
import { classification } from "../../evaluate/classification/classification.ts";
import { JUDGED, type Stream } from "../../evaluate/evaluator.ts";
import { accuracyOf, labelledRows } from "../../evaluate/classification/labelled.ts";
import {
  fitRidge,
  pickShots,
  predictionsOf,
  scoreRidge,
} from "../../evaluate/classification/few-shot.ts";
import { type Matrix, matrixOf, takeRows, timesTransposed } from "../../evaluate/matrix.ts";
import { retrieval } from "../../evaluate/retrieval.ts";
import { classEmbeddings } from "../../evaluate/classification/zero-shot.ts";
import type { Engine } from "../../engines/engine.ts";
import { type Arrays, type Case, inputOf, numberAt, objectAt } from "../case.ts";
import type { Computed } from "../compare.ts";
import { compileNamed } from "../compute.ts";
import type { Family } from "../family.ts";

const scalar = (value: number): HostArray => fromNumbers([value], [], "float64");
const vector = (values: ArrayLike<number>): HostArray =>
  fromNumbers(values, [values.length], "float64");
const arrayOf = ({ rows, columns, data }: Matrix): HostArray =>
  fromNumbers(data, [rows, columns], "float64");

const LOSSES = { softmax_xent: "softmax", sigmoid_xent: "sigmoid" } as const;

/** A stream of which an evaluator took sums alone. */
const streamOfSums = (sums: Record<string, number>): Stream => ({
  ...{ sums, rows: {}, indices: [], labels: [] },
  read: () => Promise.reject(new Error("no examples")),
});

/** Each set of labels with each loss. */
async function computeClassification({ inputs }: Case, engine: Engine): Promise<Computed> {
  const sets = Object.keys(inputs).filter((name) => name.startsWith("labels_"));
  const outputs: Record<string, HostArray> = {};
  for (const [name, loss] of Object.entries(LOSSES)) {
    const task = { name: "classification", loss };
    const { measure, summarise } = classification.create({}, { names: {}, task });
    const run = compileNamed(engine, ({ output }, batch) => ({
      ...measure({ output, out: {}, batch }, JUDGED).sums,
    }));
    for (const set of sets) {
      const sums = await run(
        { output: inputOf(inputs, "logits") },
        { label: inputs[set], mask: inputOf(inputs, "mask") },
      );
      const totals = Object.fromEntries(
        Object.entries(sums).map(([key, array]) => [key, Number(array.data[0])]),
      );
      const { accuracy, loss: mean } = Object.fromEntries(
        await summarise({ [JUDGED]: streamOfSums(totals) }),
      );
      const values = { ncorrect: totals.correct, loss_sum: totals.loss, nseen: totals.count };
      for (const [key, value] of Object.entries({
        ...values,
        "prec@1": accuracy,
        mean_loss: mean,
      })) {
        outputs[`${set}/${name}/${key}`] = scalar(value);
      }
    }
  }
  return { outputs };
}

/** Probes by seed and shots. What float32 made of them is compared loosely, as the case says. */
function computeFewShot({ inputs, outputs: recorded, description }: Case): Computed {
  const numClasses = numberAt(description, "num_classes") ?? 0;
  const l2 = numberAt(description, "l2_reg") ?? 2 ** 10;
  const rows = (split: string) =>
    labelledRows(
      {
        features: inputOf(inputs, `features_${split}`),
        labels: inputOf(inputs, `labels_${split}`),
      },
      numClasses,
    );
  const [train, test] = [rows("train"), rows("test")];
  const settings = new Set(Object.keys(recorded).map((name) => name.replace(/\/[^/]*$/, "")));
  const outputs: Record<string, HostArray> = {};
  for (const setting of settings) {
    const [, seed, shots] = /^seed(\d+)\/shots(\d+)$/.exec(setting) ?? [];
    if (!shots) throw new OcelliError("format", `io.npz: ${setting} is not seedS/shotsN.`);
    const picked = pickShots(train.classes, numClasses, Number(shots), Number(seed));
    const few = { x: takeRows(train.x, picked), classes: picked.map((i) => train.classes[i]) };
    const probe = fitRidge(few, numClasses, l2);
    const scores = scoreRidge(probe, test.x);
    const first = takeRows(
      scores,
      Array.from({ length: 20 }, (_, i) => i),
    );
    const accuracy = scalar(accuracyOf(predictionsOf(scores), test.classes));
    const named = {
      picked_indices: vector(picked),
      mean: vector(probe.mean),
      std: vector(probe.std),
      weights: arrayOf(probe.weights),
      weights_float64: arrayOf(probe.weights),
      scores_float64_first20: arrayOf(first),
      accuracy,
      accuracy_float64: accuracy,
    };
    for (const [name, value] of Object.entries(named)) outputs[`${setting}/${name}`] = value;
  }
  const tolerance = objectAt(description, "tolerance");
  const exact = { rtol: numberAt(tolerance, "float64_rtol") ?? 1e-6, atol: 0 };
  return {
    outputs,
    allowance(name) {
      if (name.endsWith("/picked_indices")) return { rtol: 0, atol: 0 };
      if (name.endsWith("/accuracy")) {
        return { rtol: 0, atol: numberAt(tolerance, "accuracy_abs") ?? 0 };
      }
      if (name.endsWith("/weights")) {
        return { rtol: numberAt(tolerance, "float32_weights_rtol") ?? 0.05, atol: 0 };
      }
      return exact;
    },
  };
}

function computeRetrieval({ inputs, description }: Case): Computed {
  const [zimg, ztxt] = [inputOf(inputs, "zimg"), inputOf(inputs, "ztxt")];
  const imageOfText = inputOf(inputs, "text_image_correspondence");
  const recalls = retrieval({ zimg, ztxt, imageOfText });
  const atol = numberAt(objectAt(description, "tolerance"), "recall_abs") ?? 0;
  return {
    outputs: {
      similarities: arrayOf(timesTransposed(matrixOf(zimg), matrixOf(ztxt))),
      ...Object.fromEntries(recalls.map(([name, value]) => [name, scalar(value)])),
    },
    allowance: (name) => (name.includes("recall@") ? { rtol: 0, atol } : undefined),
  };
}

function computeZeroShot({ inputs }: Case): Computed {
  const prompts = { features: inputOf(inputs, "ztxt"), labels: inputOf(inputs, "labels") };
  const numClasses = Math.max(...toNumbers(prompts.labels)) + 1;
  const embeddings = classEmbeddings(prompts, numClasses);
  const classes = toNumbers(inputOf(inputs, "image_labels"));
  const scores = timesTransposed(matrixOf(inputOf(inputs, "zimg")), embeddings);
  const predictions = predictionsOf(scores);
  return {
    outputs: {
      class_embeddings_normalized: arrayOf(embeddings),
      class_embeddings_unnormalized: arrayOf(
        classEmbeddings(prompts, numClasses, { normalise: false }),
      ),
      scores: arrayOf(scores),
      predictions: vector(predictions),
      accuracy: scalar(accuracyOf(predictions, classes)),
    },
    allowance: (name) =>
      name === "predictions" || name === "accuracy" ? { rtol: 0, atol: 0 } : undefined,
  };
}

/** Evaluators by the input that only they have. */
const BY_INPUT: readonly (readonly [
  input: string,
  compute: (given: Case, engine: Engine) => Computed | Promise<Computed>,
])[] = [
  ["logits", computeClassification],
  ["features_train", computeFewShot],
  ["text_image_correspondence", computeRetrieval],
  ["image_labels", computeZeroShot],
];

const computeEvaluator = (given: Case, engine: Engine) => {
  const found = BY_INPUT.find(([input]) => Object.hasOwn(given.inputs as Arrays, input));
  if (found) return found[1](given, engine);
  const names = Object.keys(given.inputs).join(", ");
  throw new OcelliError("format", `io.npz: no evaluator is known by the inputs ${names}.`);
};

export const evaluators: Family = {
  name: "evaluators",
  model: /big_vision\/evaluators\//,
  compute: async (given, engine) => computeEvaluator(given, engine),
};
