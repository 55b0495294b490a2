/** @file Evaluation of a model that was trained, on any labelled data. */

import type { DataConfig } from "../data/config.ts";
import { openDataset } from "../data/datasets.ts";
import type { BadImagePolicy, DataProblem } from "../data/problems.ts";
import { DataProblems } from "../data/problems.ts";
import type { Dataset, Source } from "../data/source.ts";
import { findSplit, heldOutSplit } from "../data/splits/split-names.ts";
import { openSplit } from "../data/splits/splits.ts";
import { createWorkerPool } from "../data/stream/workers.ts";
import { cpuBudget } from "../engines/threads.ts";
import { OcelliError } from "../errors.ts";
import { type ClassQuality, confusionOf, perClass } from "../evaluate/confusion.ts";
import type { Evaluator } from "../evaluate/evaluator.ts";
import { type EvaluatorConfig, createEvaluator } from "../evaluate/registry.ts";
import { hotLabels } from "../objectives/labels.ts";
import type { AlphaRule } from "../preprocess/alpha.ts";
import { type Lesson, type Passed, lessonOf, lookWith, pass, valuesOf } from "./pass.ts";
import { relabelled } from "./relabel.ts";
import { openServed } from "./open.ts";
import { dataFor } from "./split-record.ts";

/** What is evaluated: the types of evaluators. */
export type EvalType = EvaluatorConfig["type"];

/** Options of {@link evaluateModelOn}. */
export interface EvalOptions {
  /** The split, or a slice of one; `test`, or else `validation` or the first there is, unless given. */
  readonly split?: string;
  /**
   * What to evaluate beside accuracy and loss; `calibration` and `per-class`, where labels are single and classes
   * exclude one another, unless given. `fewshot` and `knn` need a run: an exported model has no features.
   */
  readonly types?: readonly EvalType[];
  /** The split that `fewshot` and `knn` learn from; `train` unless given. */
  readonly from?: string;
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
  /** Further values by name, such as `ece`, `brier`, `mean_class_recall`, `knn20`. */
  readonly values: Readonly<Record<string, number>>;
  readonly classes: readonly string[];
  /** By class: how many, recall, precision. */
  readonly perClass: readonly ClassQuality[];
  /** How often each class (row) was taken for each class (column). */
  readonly confusion: readonly (readonly number[])[];
  /** Images that were left out, and why. */
  readonly problems: readonly DataProblem[];
  /** What is to be known of the data: that it has changed since the run, or was trained on; a line each. */
  readonly notes: readonly string[];
}

/**
 * Evaluates a run, a checkpoint or an exported `.onnx` model on labelled data, whose classes are matched by name.
 *
 * @param data the run's own data unless given
 * @throws a data error where the data has a class that the model does not know
 */
export async function evaluateModelOn(
  path: string,
  data: DataConfig | undefined,
  { split, types, from, engine, batchSize = 64, onBadImage = "error", progress }: EvalOptions = {},
): Promise<EvalResult> {
  const told = await dataFor(path, data);
  const dataset = await openDataset(told.data);
  const chosen = split ?? told.split ?? heldOutSplit(dataset.splits) ?? dataset.splits[0];
  const notes: string[] = [];
  const { slices } = told;
  const open = (name: string): Promise<Source> =>
    openSplit(dataset, name, { slices, note: (line) => notes.push(line) });
  const source = await open(chosen);
  const model = await openServed(path, engine);
  const workers = createWorkerPool(cpuBudget().decode);
  const problems = new DataProblems();
  try {
    const { card, preprocessing } = model;
    const known = (of: Source): Source => relabelled(of, card.classes, path);
    const evaluators = await evaluatorsFor(types, known(source), card);
    const look = lookWith(evaluators, card.loss);
    const run = model.compile(({ output, out, batch }) =>
      look({ output, out, batch: { ...batch, labels: hotLabels(batch.label, output) } }),
    );
    const batching = { batchSize, preprocessing, seed: 0, workers, onBadImage, problems };
    const over = (of: Source, listener = {}, split?: string): Promise<Passed> =>
      pass(
        of,
        { engine: model.engine, run: (batch) => run(batch as never), ...batching, split },
        listener,
      );
    const passed = await over(
      known(source),
      { progress: (done: number) => progress?.(done, source.length) },
      chosen,
    );
    const values: Record<string, Record<string, number>> = {};
    for (const [type, evaluator] of Object.entries(evaluators)) {
      const lesson = await lessonFor(evaluator, dataset, { from, chosen, open, known });
      const learning = lesson && { lesson, pass: (of: Source) => over(of) };
      values[type] = Object.fromEntries(await valuesOf(type, evaluator, passed, learning));
    }
    return {
      data: dataset.name,
      split: chosen,
      examples: passed.gathered.classification.sums.count,
      ...valuesAndClasses(values, passed, card.classes),
      classes: card.classes,
      problems: problems.toJSON().examples,
      notes: [
        ...(dataset.notes ?? []),
        ...notes,
        ...(await told.notesOn(chosen, source, dataset)),
        ...noteOn(problems, preprocessing.alpha),
      ],
    };
  } finally {
    workers[Symbol.dispose]();
    await model.dispose();
  }
}

/** The note about pictures that may be lost, where there is one. */
const noteOn = (problems: DataProblems, alpha: AlphaRule): string[] => {
  const note = problems.note(alpha);
  return note === undefined ? [] : [note];
};

/** What is evaluated unless said: all that a pass over the split alone gives. */
const CHEAP: readonly EvalType[] = ["calibration", "per-class"];

/** The evaluators by type; accuracy and loss in any case. */
async function evaluatorsFor(
  types: readonly EvalType[] | undefined,
  source: Source,
  model: Parameters<typeof createEvaluator>[1],
): Promise<Record<string, Evaluator>> {
  const { label } = await source.read(0);
  const isSingle = label.shape.length === 0;
  const suiting = CHEAP.filter(
    (type) => isSingle && (type !== "calibration" || model.loss === "softmax"),
  );
  const chosen = new Set<EvalType>(["classification", ...(types ?? suiting)]);
  return Object.fromEntries([...chosen].map((type) => [type, createEvaluator({ type }, model)]));
}

/** What an evaluator learns from; undefined for one that does not learn. */
async function lessonFor(
  evaluator: Evaluator,
  dataset: Dataset,
  {
    from,
    chosen,
    open,
    known,
  }: {
    readonly from: string | undefined;
    readonly chosen: string;
    readonly open: (split: string) => Promise<Source>;
    readonly known: (source: Source) => Source;
  },
): Promise<Lesson | undefined> {
  if (!evaluator.learns) return undefined;
  const split = from ?? findSplit(dataset.splits, "train");
  if (split !== undefined && split !== chosen) {
    return lessonOf(evaluator, known(await open(split)));
  }
  const problem =
    split === undefined ? "has no split to learn from" : `would be judged by what it learns from`;
  throw new OcelliError("argument", `${dataset.name} ${problem}.`, {
    hint: "Name one, or a part of one, as --from.",
  });
}

/** Values for the result: accuracy and loss by themselves, recall by class beside the confusion that it is of. */
function valuesAndClasses(
  { classification, "per-class": recalls, ...others }: Record<string, Record<string, number>>,
  { gathered }: Passed,
  classes: readonly string[],
) {
  const values = Object.assign({}, ...Object.values(others)) as Record<string, number>;
  const { accuracy, loss } = classification;
  if (!recalls) return { accuracy, loss, values, perClass: [], confusion: [] };
  const counts = confusionOf(gathered["per-class"], classes.length);
  return {
    accuracy,
    loss,
    values: { ...values, mean_class_recall: recalls.mean_class_recall },
    perClass: perClass(counts),
    confusion: classes.map((_, k) => [
      ...counts.data.slice(k * classes.length, (k + 1) * classes.length),
    ]),
  };
}
