/** @file Evaluation of a model that was trained, on any labelled data. */

import { use } from "../config/use.ts";
import type { DataConfig } from "../data/config.ts";
import { openDataset } from "../data/datasets.ts";
import { type BadImagePolicy, type DataProblem, DataProblems } from "../data/problems.ts";
import { renumberField } from "../data/renumber.ts";
import { type Dataset, type Source, textSource } from "../data/source.ts";
import { findSplit, heldOutSplit } from "../data/splits/split-names.ts";
import { openSplit } from "../data/splits/splits.ts";
import type { BatchOptions } from "../data/stream/batches.ts";
import { createWorkerPool } from "../data/stream/workers.ts";
import { cpuBudget } from "../engines/threads.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { type Evaluator, JUDGED, type Stream } from "../evaluate/evaluator.ts";
import { createEvaluator } from "../evaluate/registry.ts";
import type { ModelCard } from "../models/index.ts";
import type { AlphaRule } from "../preprocess/alpha.ts";
import { type Headline, taskDefinition } from "../tasks/index.ts";
import { type ClassResult, PER_CLASS, classResult } from "./classification/by-class.ts";
import type { ServedModel } from "./model.ts";
import { useRunFiles } from "./modules.ts";
import { type OpenModelOptions, openModel } from "./open.ts";
import { type PassListener, type Passed, lookWith, pass, pickStream, streamOf } from "./pass.ts";
import { dataFor } from "./split-record.ts";
import { textsAlone } from "./tokenizers.ts";

/** Options of {@link evaluateModelOn}. */
export interface EvalOptions extends OpenModelOptions {
  /** The split, or a slice of one. Default: `test`, or else `validation` or the first there is. */
  readonly split?: string;
  /**
   * The evaluators by type. Default: those that suit the task and need the split alone, such as accuracy, loss,
   * calibration and recall by class. `fewshot` and `knn` need features, which an exported classifier does not give.
   */
  readonly types?: readonly string[];
  /** The split that `fewshot` and `knn` learn from. Default: `train`. */
  readonly from?: string;
  /** Images computed together. Default: 64. */
  readonly batchSize?: number;
  readonly onBadImage?: BadImagePolicy;
  /** Receives how many examples are done. */
  readonly progress?: (done: number, total: number) => void;
}

/** What {@link evaluateModelOn} found. */
export interface EvalResult extends ClassResult {
  readonly data: string;
  readonly split: string;
  /** Examples that count. */
  readonly examples: number;
  /** The value that the task is judged by, where an evaluator gives it. */
  readonly headline?: Headline & { readonly value: number };
  /** All values by name, such as `accuracy`, `loss`, `ece`, `brier`, `mean_class_recall`, `knn20`. */
  readonly values: Readonly<Record<string, number>>;
  /** Images that were left out, and why. */
  readonly problems: readonly DataProblem[];
  /** What to know of the data: that it has changed since the run, or was trained on; a line each. */
  readonly notes: readonly string[];
}

/**
 * Evaluates a model on labelled data, whose names are matched with the model's; see {@link openModel} for what `spec` may be.
 *
 * @param data Default: the run's own data.
 * @throws a data error where the data has a name that the model does not have
 */
export async function evaluateModelOn(
  spec: string,
  data: DataConfig | undefined,
  {
    split,
    types,
    from,
    batchSize = 64,
    onBadImage = "error",
    progress,
    ...options
  }: EvalOptions = {},
): Promise<EvalResult> {
  use(options.use ?? []);
  await useRunFiles(spec);
  const known = await dataFor(spec, data);
  const dataset = await openDataset(known.data);
  const chosen = split ?? known.split ?? heldOutSplit(dataset.splits) ?? dataset.splits[0];
  const notes: string[] = [];
  const open = (name: string): Promise<Source> =>
    openSplit(dataset, name, { slices: known.slices, note: (line) => notes.push(line) });
  const opened = await open(chosen);
  const model = await openModel(spec, options);
  const workers = createWorkerPool(cpuBudget().decode);
  const problems = new DataProblems();
  try {
    const { card, preprocessing } = model;
    const named = (source: Source): Source => underNames(source, card, spec);
    const source = named(opened);
    const { headline, ...evaluators } = evaluatorsFor(types, source, model);
    const batching = { batchSize, preprocessing, seed: 0, workers, onBadImage, problems };
    const over = passesOf(model, batching);
    const listener = { progress: (done: number) => progress?.(done, source.length) };
    const passed = await over(JUDGED, evaluators.byType, source, { listener, split: chosen });
    const values: Record<string, number> = {};
    let learned: Source | undefined;
    for (const [type, evaluator] of Object.entries(evaluators.byType)) {
      const gathered: Record<string, Stream> = {
        [JUDGED]: streamOf(type, { source, labels: [] }, passed),
      };
      for (const [stream, request] of Object.entries(evaluator.streams ?? {})) {
        const examples = request.texts
          ? { source: textSource(request.texts), labels: [] }
          : await pickStream(
              request,
              request.eachText
                ? source
                : (learned ??= named(await openLearned(dataset, { from, chosen, open }))),
            );
        gathered[stream] = streamOf(
          type,
          examples,
          await over(stream, { [type]: evaluator }, examples.source, {
            ...((request.texts ?? request.eachText) && {
              preprocessing: textsAlone(preprocessing),
            }),
          }),
        );
      }
      const found = Object.fromEntries(await evaluator.summarise(gathered));
      if (type === PER_CLASS)
        values.mean_class_recall = found.mean_class_recall; // each is in the table
      else Object.assign(values, found);
    }
    const judged = Object.values(passed.gathered)[0];
    return {
      data: dataset.name,
      split: chosen,
      examples: judged?.sums.count ?? passed.indices.length,
      ...(headline.metric in values && {
        headline: { ...headline, value: values[headline.metric] },
      }),
      values,
      ...classResult(passed.gathered, card.names),
      problems: problems.toJSON().examples,
      notes: [
        ...(dataset.notes ?? []),
        ...notes,
        ...(await known.notesOn(chosen, opened, dataset)),
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

/** The evaluators by type, and the value that the task is judged by; the task's first in any case. */
function evaluatorsFor(
  types: readonly string[] | undefined,
  { fields, names }: Source,
  { card, tokenizer }: Pick<ServedModel, "card" | "tokenizer">,
) {
  const { headline, evaluators } = taskDefinition(card.task.name);
  const suiting = evaluators(fields, card.task);
  const chosen = new Set([...suiting.slice(0, 1), ...(types ?? suiting)]);
  if (chosen.size === 0) {
    throw new OcelliError("argument", `the task ${card.task.name} does not say how to evaluate.`, {
      hint: "Name evaluators as --type, such as knn or fewshot.",
    });
  }
  const given = { names: { ...names, ...card.names }, task: card.task, tokenizer };
  const made = [...chosen].map((type) => [type, createEvaluator({ type }, given)] as const);
  return { headline, byType: Object.fromEntries(made) };
}

/** Passes over streams by some evaluators. */
function passesOf(model: ServedModel, batching: BatchOptions) {
  return (
    stream: string,
    evaluators: Readonly<Record<string, Evaluator>>,
    source: Source,
    { listener = {}, ...own }: Partial<BatchOptions> & { readonly listener?: PassListener } = {},
  ): Promise<Passed> => {
    const run = model.compile(lookWith({ evaluators, task: model.task, stream }));
    const options = { ...batching, ...own, engine: model.engine };
    return pass(source, { ...options, run: (batch) => run(batch as never) }, listener);
  };
}

/** The split that evaluators learn from. */
async function openLearned(
  dataset: Dataset,
  {
    from,
    chosen,
    open,
  }: {
    readonly from: string | undefined;
    readonly chosen: string;
    readonly open: (split: string) => Promise<Source>;
  },
): Promise<Source> {
  const split = from ?? findSplit(dataset.splits, "train");
  if (split !== undefined && split !== chosen) return open(split);
  const problem =
    split === undefined ? "has no split to learn from" : `would be judged by what it learns from`;
  throw new OcelliError("argument", `${dataset.name} ${problem}.`, {
    hint: "Name one, or a part of one, as --from.",
  });
}

/** A source with the numbers of the model's names in the place of its own. */
const underNames = (source: Source, card: ModelCard, spec: string): Source =>
  Object.entries(card.names).reduce(
    (renamed, [field, names]) =>
      Object.hasOwn(renamed.names, field)
        ? renumberField(renamed, field, names, (name) =>
            unknownName(`class of ${spec}`, name, names, "data"),
          )
        : renamed,
    source,
  );
