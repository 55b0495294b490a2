/** @file Evaluation of a model that was trained, on any labelled data. */

import { evaluationBatches } from "../data/batches.ts";
import type { DataConfig } from "../data/config.ts";
import { openDataset } from "../data/datasets.ts";
import type { BadImagePolicy, DataProblem } from "../data/problems.ts";
import { DataProblems } from "../data/problems.ts";
import type { Source } from "../data/source.ts";
import { heldOutSplit } from "../data/split-names.ts";
import { openSplit } from "../data/splits.ts";
import { createWorkerPool } from "../data/workers.ts";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { cpuBudget } from "../engines/threads.ts";
import { unknownName } from "../errors.ts";
import { calibration } from "../evaluate/calibration.ts";
import { classification } from "../evaluate/classification.ts";
import { type ClassQuality, confusion, perClass, perClassValues } from "../evaluate/confusion.ts";
import { type HostArray, type Tensor, fromNumbers, oneHot, toNumbers } from "../graph/index.ts";
import { sigmoidXent, softmaxXent } from "../losses/index.ts";
import { readScalars } from "./device.ts";
import { probabilitiesOf } from "./probabilities.ts";
import { type ServedModel, openServed } from "./served.ts";

/** Options of {@link evaluateModelOn}. */
export interface EvalOptions {
  /** The split, or a slice of one; `test`, or else `validation` or the first there is, unless given. */
  readonly split?: string;
  readonly engine?: string;
  /** Images computed together; 64 unless given. */
  readonly batchSize?: number;
  readonly onBadImage?: BadImagePolicy;
  /** Hears how many examples are done. */
  readonly progress?: (done: number, total: number) => void;
}

/** What {@link evaluateModelOn} found. */
export interface EvalResult {
  readonly data: string;
  readonly split: string;
  /** Examples that count. */
  readonly examples: number;
  /** The part whose label the largest logit has, from 0 to 1. */
  readonly accuracy: number;
  /** The mean loss. */
  readonly loss: number;
  /** Further values by name: `ece`, `brier`, `mean_class_recall`; of single labels only. */
  readonly values: Readonly<Record<string, number>>;
  readonly classes: readonly string[];
  /** By class: how many, recall, precision. */
  readonly perClass: readonly ClassQuality[];
  /** How often each class (row) was taken for each class (column). */
  readonly confusion: readonly (readonly number[])[];
  /** Images that were left out, and why. */
  readonly problems: readonly DataProblem[];
}

/**
 * Evaluates a run, a checkpoint or an exported `.onnx` model on labelled data, whose classes are matched by name.
 *
 * @throws a data error where the data has a class that the model does not know
 */
export async function evaluateModelOn(
  path: string,
  data: DataConfig,
  { split, engine, batchSize = 64, onBadImage = "error", progress }: EvalOptions = {},
): Promise<EvalResult> {
  const dataset = await openDataset(data);
  const chosen = split ?? heldOutSplit(dataset.splits) ?? dataset.splits[0];
  const source = await openSplit(dataset, chosen);
  const model = await openServed(path, engine);
  const workers = createWorkerPool(cpuBudget().decode);
  const problems = new DataProblems();
  try {
    const { preprocessing } = model;
    const toModel = classMap(source, model, path);
    const measure = makeMeasure(model);
    const totals: Record<string, number> = {};
    const labels: number[] = [];
    const rows: number[][] = [];
    const batching = { batchSize, preprocessing, seed: 0, workers, onBadImage, problems };
    let done = 0;
    for await (const { features, indices, count } of evaluationBatches(source, batching)) {
      const label = relabel(features.label, toModel, model.card.classes.length);
      const logits = await model.logits(features.image);
      const sums = (await measure(logits, label, features.mask)) as Record<string, DeviceArray>;
      for (const [name, sum] of Object.entries(await readScalars(sums))) {
        totals[name] = (totals[name] ?? 0) + sum;
      }
      if (label.dtype === "int32") {
        const probabilities = probabilitiesOf(logits, model.card.loss);
        for (const row of probabilities.keys()) {
          if (indices[row] < 0) continue;
          rows.push(probabilities[row]);
          labels.push(Number(label.data[row]));
        }
      }
      progress?.((done += count), source.length);
    }
    const { accuracy, loss } = Object.fromEntries(evaluatorOf(model).summarise(totals));
    const found = rows.length > 0 ? describe(model, rows, labels) : NOTHING;
    const { classes } = model.card;
    const examples = totals.count;
    const listed = problems.toJSON().examples;
    const named = { data: dataset.name, split: chosen, examples, accuracy, loss, classes };
    return { ...named, ...found, problems: listed };
  } finally {
    workers[Symbol.dispose]();
    await model.dispose();
  }
}

const NOTHING = { values: {}, perClass: [], confusion: [] };

const evaluatorOf = ({ card }: ServedModel) =>
  classification(card.loss === "softmax" ? softmaxXent : sigmoidXent);

const makeMeasure = (model: ServedModel) =>
  jit(model.engine, function measure(output: Tensor, label: Tensor, mask: Tensor) {
    const labels = label.rank === 1 ? oneHot(label, output.shape[1]) : label;
    return evaluatorOf(model).measure({ output, batch: { labels, mask } });
  });

/** The model's class of each class of the data. */
function classMap({ classes }: Source, { card }: ServedModel, path: string): number[] {
  return classes.map((name) => {
    const index = card.classes.indexOf(name);
    if (index < 0) throw unknownName(`class of ${path}`, name, card.classes, "data");
    return index;
  });
}

/** Labels of the data as labels of the model: int32 [batch], or float32 [batch, classes]. */
function relabel(label: HostArray, toModel: readonly number[], classes: number): HostArray {
  const given = toNumbers(label);
  if (label.shape.length === 1) {
    const mapped = given.map((k) => toModel[k]);
    return fromNumbers(mapped, label.shape, "int32");
  }
  const [batch] = label.shape;
  const hot = new Array<number>(batch * classes).fill(0);
  given.forEach((value, i) => {
    const row = Math.floor(i / toModel.length);
    hot[row * classes + toModel[i % toModel.length]] = value;
  });
  return fromNumbers(hot, [batch, classes], "float32");
}

/** What single labels allow beside accuracy: calibration, confusion, and how well each class is recognised. */
function describe(model: ServedModel, rows: readonly number[][], labels: readonly number[]) {
  const { classes } = model.card;
  const predictions = rows.map((row) => row.indexOf(Math.max(...row)));
  const counts = confusion(labels, predictions, classes.length);
  const features = fromNumbers(rows.flat(), [rows.length, classes.length], "float32");
  const calibrated =
    model.card.loss === "softmax"
      ? calibration({ features, labels: fromNumbers(labels, [labels.length], "int32") })
      : [];
  const [mean] = perClassValues(counts, classes);
  return {
    values: Object.fromEntries([...calibrated, mean]),
    perClass: perClass(counts),
    confusion: classes.map((_, k) => [
      ...counts.data.slice(k * classes.length, (k + 1) * classes.length),
    ]),
  };
}
