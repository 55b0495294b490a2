/** @file Every evaluator through the passes of a training, against what it gives on whole sets at once. */

import { beforeAll, expect, test } from "vitest";
import { arraySource } from "../data/classification/arrays.ts";
import type { Source } from "../data/source.ts";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import {
  calibrationError,
  confusion,
  fewShot,
  clusterValues,
  knn,
  perClassValues,
} from "../evaluate/index.ts";
import { EVALUATORS, type EvaluatorConfig } from "../evaluate/registry.ts";
import {
  type HostArray,
  type Tensor,
  fromNumbers,
  hostArray,
  randomKey,
  softmax,
  toNumbers,
} from "../graph/index.ts";
import { createModel } from "../models/index.ts";
import { classification as objectiveOf } from "../objectives/index.ts";
import { initialise } from "../nn/index.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { seededRandom } from "../random.ts";
import type { Tree } from "../tree.ts";
import type { Config } from "../config/config.ts";
import { disposeTree, uploadTree } from "./device-trees.ts";
import { openSplit } from "../data/splits/splits.ts";
import { type Values, createEvaluation } from "./pass.ts";
import { type Recorder, taskOf } from "../tasks/index.ts";
import { planEvaluations } from "../train/plan/evaluations.ts";
import { type ModelTensors, outputsOf } from "./outputs.ts";

const CLASSES = ["dark", "grey", "light"];
const SHAPE = [8, 8, 1];
const BATCH = 8;

/** Images whose brightness tells the class, more or less. */
function someImages(name: string, count: number): Source {
  const random = seededRandom(name);
  const labels = Array.from({ length: count }, (_, i) => (i * 7) % 3);
  const data = Uint8Array.from({ length: count * 64 }, (_, i) =>
    Math.floor(labels[Math.floor(i / 64)] * 30 + random.uniform() * 190),
  );
  const images = hostArray([count, ...SHAPE], "uint8", data);
  return arraySource({
    images,
    labels: fromNumbers(labels, [count], "uint8"),
    name,
    classes: CLASSES,
  });
}

const sources = { train: someImages("train", 61), test: someImages("test", 29) };
const dataset = {
  name: "shades",
  splits: ["train", "test"],
  open: (split: string) => Promise.resolve(sources[split as keyof typeof sources]),
};
const engine = createInterpreter();
const preprocessing = parsePreprocessing("value_range(-1,1)");
const model = { name: "vit", patchSize: [4, 4], width: 16, depth: 1, mlpDim: 16, numHeads: 2 };
const { name: family, ...options } = model;
const net = createModel(family, { ...options, numClasses: 3, headZeroinit: false });
const card = {
  ...{ model: { ...model, headZeroinit: false }, names: { label: CLASSES } },
  ...{ task: { name: "classification" }, preprocessing: "value_range(-1,1)", imageShape: SHAPE },
};

let arrays: Tree<DeviceArray>;
beforeAll(async () => {
  const image = { shape: [1, ...SHAPE], dtype: "float32" } as const;
  const init = () => initialise((scope, x: Tensor) => net(scope, x)[0], randomKey(4), image);
  arrays = (await jit(engine, init)()) as Tree<DeviceArray>;
});

/** What the model returns for a whole source in one batch. */
async function outputsFor(source: Source) {
  const examples = await Promise.all(
    Array.from({ length: source.length }, async (_, i) => source.read(i)),
  );
  const pixels = examples.flatMap(({ image }) => toNumbers(image));
  const run = jit(engine, (weights: ModelTensors, image: Tensor) => {
    const { output, out } = outputsOf({ model: net }, weights, preprocessing.onDevice({ image }));
    return { output, probabilities: softmax(output), features: out["pre_logits"] };
  });
  const images = fromNumbers(pixels, [source.length, ...SHAPE], "uint8");
  const results = (await run(arrays, images)) as Record<string, DeviceArray>;
  const labels = examples.map(({ label }) => Number(label.data[0]));
  const read = async (name: string): Promise<HostArray> => results[name].read();
  const probabilities = toNumbers(await read("probabilities"));
  const rows = labels.map((_, i) => probabilities.slice(3 * i, 3 * i + 3));
  const found = {
    labels,
    rows,
    predicted: rows.map((row) => row.indexOf(Math.max(...row))),
    labelled: {
      features: await read("features"),
      labels: fromNumbers(labels, [labels.length], "int32"),
    },
  };
  disposeTree(results);
  return found;
}

const BATCH_SPEC = {
  image: { shape: [BATCH, ...SHAPE], dtype: "float32" },
  label: { shape: [BATCH], dtype: "int32" },
  mask: { shape: [BATCH], dtype: "float32" },
} as const;

/** Evaluations as a configuration has them. */
const plan = (evals: Record<string, object>) =>
  planEvaluations(
    { evals: evals as Config["evals"], split: "train" },
    {
      ...{ dataset, card, task: taskOf(card), sources: new Map(), preprocessing, batchSize: BATCH },
      ...{ objective: objectiveOf(net), batch: BATCH_SPEC, trainingBatch: BATCH_SPEC },
      open: (split) => openSplit(dataset, split),
      parse: parsePreprocessing,
      context: { batchSize: BATCH, examples: 61, totalSteps: 100 },
    },
  );

/** The values of an evaluation through the passes of a training. */
async function measured(options: object, see?: Recorder["see"]): Promise<Values> {
  const evals = { it: { split: "test", type: "classification", ...options } };
  const [{ name: _, every: __, streams, ...evaluation }] = await plan(evals);
  const batched = Object.entries(streams).map(([name, stream]) => {
    return [name, { seed: 0, ...stream }] as const;
  });
  const recorder = see && { ...taskOf(card).record!(), see };
  const state = await uploadTree(engine, {
    key: fromNumbers([0, 7], [2], "uint32"),
    step: fromNumbers([3], [], "int32"),
  });
  return createEvaluation({
    ...{ engine, recorder, ...evaluation },
    streams: Object.fromEntries(batched),
  })(
    evaluation.ofObjective
      ? { ...(arrays as { [name: string]: Tree<DeviceArray> }), ...state }
      : arrays,
    {
      record: see !== undefined,
    },
  );
}

/** The evaluators that read one class an image; those of maps, pairs and captions have tests beside them. */
type ClassEvaluator = Exclude<EvaluatorConfig["type"], (typeof OTHERS)[number]>;
const OTHERS = ["segmentation", "retrieval", "zeroshot", "perplexity", "captions"] as const;

/** What every evaluator gives on whole sets. */
const DIRECT: Readonly<Record<ClassEvaluator, () => Promise<Values>>> = {
  async classification() {
    const { labels, rows, predicted } = await outputsFor(sources.test);
    const right = labels.filter((label, i) => predicted[i] === label).length;
    const loss = labels.reduce((sum, label, i) => sum - Math.log(rows[i][label]), 0);
    const sure = rows.map((row) => Math.max(...row));
    const correct = labels.map((label, i) => Number(predicted[i] === label));
    return { accuracy: right / 29, loss: loss / 29, ece: calibrationError(sure, correct) };
  },
  async calibration() {
    const { labels, rows, predicted } = await outputsFor(sources.test);
    const gaps = new Array<number>(4).fill(0);
    let brier = 0;
    rows.forEach((row, i) => {
      const sure = Math.max(...row);
      gaps[Math.ceil(4 * sure) - 1] += sure - (predicted[i] === labels[i] ? 1 : 0);
      brier += row.reduce((sum, p, k) => sum + (p - (k === labels[i] ? 1 : 0)) ** 2, 0);
    });
    return { ece: gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / 29, brier: brier / 29 };
  },
  async "per-class"() {
    const { labels, predicted } = await outputsFor(sources.test);
    return Object.fromEntries(perClassValues(confusion(labels, predicted, 3), CLASSES));
  },
  async fewshot() {
    const [train, asked] = [await outputsFor(sources.train), await outputsFor(sources.test)];
    const options = { numClasses: 3, shots: [1, 4], seeds: [0, 3] };
    return Object.fromEntries(fewShot(train.labelled, asked.labelled, options));
  },
  async knn() {
    const [train, asked] = [await outputsFor(sources.train), await outputsFor(sources.test)];
    return Object.fromEntries(knn(train.labelled, asked.labelled, { numClasses: 3, k: 7 }));
  },
  async clusters() {
    const { labelled } = await outputsFor(sources.test);
    return Object.fromEntries(clusterValues(labelled, { numClasses: 3, starts: 2 }));
  },
  async objective() {
    const { accuracy, loss } = await DIRECT.classification();
    return { accuracy, loss };
  },
};
const OPTIONS: Partial<Record<ClassEvaluator, object>> = {
  calibration: { bins: 4 },
  fewshot: { shots: [1, 4], seeds: [0, 3] },
  knn: { k: 7 },
  clusters: { starts: 2 },
};

const TYPES = EVALUATORS.flatMap(({ name }) =>
  OTHERS.some((other) => other === name) ? [] : [name as ClassEvaluator],
);

test.each(TYPES)("%s batch after batch is that of the whole set", async (type) => {
  const values = await measured({ type, ...OPTIONS[type] });
  const direct = await DIRECT[type]();
  expect(Object.keys(values)).toEqual(Object.keys(direct));
  for (const [name, value] of Object.entries(values)) expect(value).toBeCloseTo(direct[name], 5);
});

test("some of the classes are reported, and the first batches of a pass are seen", async () => {
  const indices: number[] = [];
  const values = await measured(
    { type: "per-class", classes: ["light"] },
    (rows) => void indices.push(...rows),
  );
  expect(Object.keys(values)).toEqual(["mean_class_recall", "recall/light"]);
  expect(indices.filter((index) => index >= 0)).toEqual([...Array(29).keys()]);
  expect(indices).toHaveLength(32);
});

test("few shots compute features of the picked examples alone", async () => {
  const [{ evaluator }] = await plan({ it: { type: "fewshot", split: "test", shots: [2] } });
  const classes = Array.from({ length: 61 }, (_, i) => (i * 7) % 3);
  const picked = evaluator.streams!.from.pick!(classes);
  expect(picked.length).toBeGreaterThan(6);
  expect(picked.length).toBeLessThanOrEqual(18);
  expect([...picked].sort((a, b) => a - b)).toEqual(picked);
});

test.each([
  [{ type: "knn", from: "test" }, "evals.it would be judged on what it learns from."],
  [
    { type: "knn", layer: "pre_logit" },
    'unknown layer of one vector an image "pre_logit"; valid: pre_logits',
  ],
  [{ type: "per-class", classes: ["gray"] }, 'unknown class "gray"; valid: grey'],
  [{ type: "knn", from: "trian" }, 'unknown split of shades "trian"; valid: train'],
])("%j is refused before the first step", async (options, message) => {
  await expect(plan({ it: { split: "test", ...options } })).rejects.toThrow(message);
});
