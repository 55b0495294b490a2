/** @file The evaluations of a training planned out: what each looks at, on which examples, and how often. */

import type { Config, EvaluationKeys } from "../../config/config.ts";
import { validate } from "../../config/validate.ts";
import { type DataConfig, dataChoice } from "../../data/config.ts";
import { openDataset } from "../../data/datasets.ts";
import { type Dataset, type Source, textSource, textsOf } from "../../data/source.ts";
import { findSplit, heldOutSplit } from "../../data/splits/split-names.ts";
import { openSplit } from "../../data/splits/splits.ts";
import { OcelliError } from "../../errors.ts";
import type { StreamConfig } from "../../evaluate/streams.ts";
import { type Evaluator, JUDGED, OBJECTIVE, createEvaluator } from "../../evaluate/index.ts";
import { type Spec, type Tensor, trace } from "../../graph/index.ts";
import type { ModelCard } from "../../models/index.ts";
import { modelSpecs } from "../../nn/index.ts";
import type { BatchSpec, Objective } from "../../objectives/index.ts";
import { type DurationContext, toSteps } from "../../optim/index.ts";
import type { Preprocessing } from "../../preprocess/pipeline.ts";
import { lookWith } from "../../served/pass.ts";
import { type Task, taskDefinition, taskOf, wholeModel } from "../../tasks/index.ts";
import type { Tokenizer } from "../../text/index.ts";
import type { Tree } from "../../tree.ts";
import { batchSpecOf } from "./batch-spec.ts";
import { type Reading, objectiveSpecs, readingOf } from "./reading.ts";

/** A stream of an evaluation. */
export interface PlannedStream {
  readonly source: Source;
  readonly preprocessing: Preprocessing;
  readonly batchSize: number;
}

/** An evaluation of a plan. */
export interface PlannedEvaluation extends Reading {
  readonly name: string;
  /** The evaluator's type. */
  readonly type: string;
  /** The judged split. */
  readonly split: string;
  readonly evaluator: Evaluator;
  /** By name: the judged one, and those that the evaluator asks for. */
  readonly streams: Readonly<Record<string, PlannedStream>>;
  /** Steps between two runs of it; undefined for the end alone. */
  readonly every: number | undefined;
}

/** What evaluations are planned from. */
interface Planning {
  readonly dataset: Dataset;
  /** The sources that the training opened so far, by how the configuration calls them; those of evaluations join them. */
  readonly sources: Map<string, Source>;
  /** The source of a split, or of a slice of it. */
  readonly open: (split: string) => Promise<Source>;
  readonly card: Omit<ModelCard, "step">;
  readonly task: Task;
  /** The task's tokenizer, where it has one. */
  readonly tokenizer?: Tokenizer;
  readonly objective: Objective;
  /** A batch of the training, after its preprocessing. */
  readonly trainingBatch: BatchSpec;
  readonly batchSize: number;
  readonly preprocessing: Preprocessing;
  /** A preprocessing from its text, as this training's examples need it. */
  readonly parse: (text: string) => Preprocessing;
  /** A batch after the evaluation preprocessing. */
  readonly batch: BatchSpec;
  readonly context: DurationContext;
}

/** What a stream is opened by, after an evaluation's own keys. */
type StreamKeys = Pick<EvaluationKeys, "split" | "data" | "preprocess" | "batchSize">;

/**
 * The evaluations of a configuration, each tried on a batch without values, so that one that does not suit model or
 * data is an error before the first step.
 */
export async function planEvaluations(
  { evals, split: trained, best }: Pick<Config, "evals" | "split" | "best">,
  planning: Planning,
): Promise<PlannedEvaluation[]> {
  const { dataset, card, task, objective, trainingBatch, context } = planning;
  const planned: PlannedEvaluation[] = [];
  for (const [name, evaluation] of Object.entries(evals ?? (await usualEvals(dataset, planning)))) {
    const { split, data, preprocess, batchSize, every, model, type, ...options } = evaluation as {
      readonly type: string;
      readonly from?: StreamConfig;
    } & EvaluationKeys;
    const own: StreamKeys = { split, data, preprocess, batchSize };
    const judged = await openStream(own, trained, planning);
    const names = { ...judged.source.names, ...card.names };
    const evaluator = createEvaluator(
      { ...options, type },
      { names, task: card.task, tokenizer: planning.tokenizer },
    );
    const streams: Record<string, PlannedStream> = { [JUDGED]: judged };
    for (const [stream, { texts, eachText }] of Object.entries(evaluator.streams ?? {})) {
      if (texts ?? eachText) {
        const { batchSize } = judged;
        const source = texts ? textSource(texts) : textsOf(judged.source);
        streams[stream] = { source, preprocessing: planning.parse(""), batchSize };
        continue;
      }
      const asked = (options as Readonly<Record<string, StreamConfig | undefined>>)[stream];
      const keys = streamKeys(asked ?? trained, own);
      if (keys.split === split && JSON.stringify(keys.data) === JSON.stringify(data)) {
        throw new OcelliError("config", `evals.${name} would be judged on what it learns from.`, {
          hint: `Name another split, or another part of ${split}, as evals.${name}.${stream}.`,
        });
      }
      streams[stream] = await openStream(keys, trained, planning);
    }
    // the model, maybe in another form than that which is trained
    const net = model ? taskOf({ ...card, model: { ...card.model, ...model } }) : task;
    const reading = readingOf({ evaluator, net }, task, objective);
    for (const [stream, { source, preprocessing, batchSize: rows }] of Object.entries(streams)) {
      const isOwn =
        stream === JUDGED && data === undefined && preprocessing === planning.preprocessing;
      const batch = isOwn
        ? planning.batch
        : await batchSpecOf(source, preprocessing, rows, `evals.${name}.preprocess`);
      const arrays = reading.ofObjective
        ? objectiveSpecs(objective, trainingBatch)
        : modelSpecs(wholeModel(net), batch);
      const look = lookWith({ evaluators: { evaluator }, task: reading.task, stream });
      trace(
        (given: Tree<Tensor>, features: Record<string, never>) =>
          look(reading.outputs(given, features), features).measured,
        arrays as unknown as Tree<Spec>,
        batch,
      );
    }
    const decides = best !== undefined && best.slice(0, best.lastIndexOf("/")) === name;
    const often = every ?? (decides ? EPOCH : undefined);
    planned.push({
      ...{ name, type, split, evaluator, streams, ...reading },
      every: often && toSteps(often, context),
    });
  }
  return planned;
}

/** How a stream is opened: what a configuration says of it, and otherwise as the evaluation's own examples. */
function streamKeys(asked: StreamConfig, own: StreamKeys): StreamKeys {
  if (typeof asked === "string") return { ...own, split: asked };
  const { data, ...given } = asked;
  return { ...own, ...given, ...(data && { data: validate(dataChoice(), data) }) };
}

/** The examples of a stream; those of the training's own data join the sources that a run records. */
async function openStream(
  { split, data, preprocess, batchSize }: StreamKeys,
  trained: string,
  planning: Planning,
): Promise<PlannedStream> {
  const { sources, card } = planning;
  const key = data ? `${shownData(data)} ${split}` : split;
  const open = async (): Promise<Source> =>
    data ? openSplit(await openDataset(data), split) : planning.open(split);
  const source = sources.get(key) ?? (await open());
  sources.set(key, source);
  for (const [field, names] of Object.entries(card.names)) {
    if ((source.names[field]?.length ?? 0) <= names.length) continue;
    throw new OcelliError("data", `${split} has labels that ${trained} does not have.`);
  }
  return {
    source,
    preprocessing: preprocess === undefined ? planning.preprocessing : planning.parse(preprocess),
    batchSize: batchSize ?? planning.batchSize,
  };
}

/** What a data set is called among the sources of a run. */
const shownData = (data: DataConfig): string =>
  "dir" in data ? data.dir : "files" in data ? JSON.stringify(data.files) : data.name;

const EPOCH = { epochs: 1 } as const;

/**
 * The evaluations on the splits that a data set holds out: of `test` at the end, of `validation` after every epoch. Where
 * a split alone does not say how well the task is done, they are of the objective, and none of data that hold out nothing.
 */
async function usualEvals(
  dataset: Dataset,
  { card, sources }: Planning,
): Promise<NonNullable<Config["evals"]>> {
  const [source] = sources.values();
  const [suiting] = taskDefinition(card.task.name).evaluators(source.fields, card.task);
  const type = suiting ?? OBJECTIVE;
  const { name, splits } = dataset;
  const held = heldOutSplit(splits);
  if (held !== undefined) {
    const validation = findSplit(splits, "validation");
    const isThere =
      validation !== undefined &&
      validation !== held &&
      (await dataset.open(validation)).length > 0;
    return {
      [held]: { type, split: held },
      ...(isThere && { [validation]: { type, split: validation, every: EPOCH } }),
    } as NonNullable<Config["evals"]>;
  }
  if (suiting === undefined) return {};
  throw new OcelliError(
    "config",
    `${name} has no split to evaluate on, only ${splits.join(", ")}.`,
    {
      hint: 'Name a part of one, such as --evals.test.split "train[90%:]" with --split "train[:90%]".',
    },
  );
}
