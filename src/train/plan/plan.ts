/** @file A training planned out: what its configuration and its data decide before anything is computed. */

import type { Config } from "../../config/config.ts";
import { validate } from "../../config/validate.ts";
import { labelsFor } from "../../config/labels.ts";
import { openDataset } from "../../data/datasets.ts";
import type { Dataset, Source } from "../../data/source.ts";
import { type SliceRule, openSplit } from "../../data/splits/splits.ts";
import { type Mesh, parseMesh, shardBatch } from "../../engines/mesh.ts";
import { OcelliError } from "../../errors.ts";
import type { ModelCard, TaskChoice } from "../../models/index.ts";
import { countParameters } from "../../nn/index.ts";
import { type BatchSpec, type Objective, objectiveDefinition } from "../../objectives/index.ts";
import {
  type DurationContext,
  type LossScaling,
  type Optimizer,
  makeOptimizer,
  toSteps,
} from "../../optim/index.ts";
import { type Preprocessing, parsePreprocessing } from "../../preprocess/pipeline.ts";
import type { Retention } from "../../runs/checkpoints.ts";
import { notesOnClasses, pickExamples } from "../../served/classification/shots.ts";
import { type Headline, type Task, taskDefinition, taskOf, wholeModel } from "../../tasks/index.ts";
import { type OpenedTokenizer, openTokenizerOf, withTokenizer } from "../../served/tokenizers.ts";
import type { Tokenizer } from "../../text/index.ts";
import { type BestRule, planBest } from "../watch/best.ts";
import { type Reporter, SILENT } from "../watch/progress.ts";
import { batchSpecOf } from "./batch-spec.ts";
import { adviseTransfer, checkNumClasses, planBalance } from "./classification.ts";
import { type PlannedEvaluation, planEvaluations } from "./evaluations.ts";
import { type Initial, type Telling, loadInitial } from "./initial.ts";
import { type Unlabelled, bothOnDevice, bothSpecs, planUnlabelled } from "./unlabelled.ts";
import { notesOnTexts } from "./texts.ts";
import { planLossScale } from "./loss-scale.ts";
import { type LockedTower, planLocked } from "./locked-tower.ts";
import { planObjective } from "./objective.ts";

/** All that is decided before the first step. */
export interface Plan {
  /** The devices to compute over. */
  readonly mesh: Mesh | undefined;
  readonly source: Source;
  /** The label of every training example, where each label is drawn equally often. */
  readonly labels: readonly number[] | undefined;
  readonly dataset: Dataset;
  /** How slices without a `~` are taken of examples that stand class by class. */
  readonly slices: SliceRule;
  /** All that training and evaluations read, by what the configuration calls it. */
  readonly sources: ReadonlyMap<string, Source>;
  /** What was noticed while data and weights were opened; a line each. */
  readonly notes: readonly string[];
  readonly preprocessing: { readonly train: Preprocessing; readonly eval: Preprocessing };
  readonly evaluations: readonly PlannedEvaluation[];
  /** The place of the evaluation that the report shows: the first of the task's own type, else the first. */
  readonly recorded: number;
  /** Which state is served; the last where undefined. */
  readonly best: BestRule | undefined;
  readonly totalSteps: number;
  readonly logSteps: number;
  readonly checkpoint: {
    /** Steps between two checkpoints; undefined for the end alone. */
    readonly every: number | undefined;
    readonly retention: Retention;
  };
  readonly task: Task;
  /** The task's tokenizer, where it has one. */
  readonly tokenizer: OpenedTokenizer | undefined;
  /** The value that the task is judged by. */
  readonly headline: Headline;
  readonly parameters: number;
  readonly objective: Objective;
  readonly optimizer: Optimizer;
  /** How the loss is scaled; undefined where it is not. */
  readonly lossScale: LossScaling | undefined;
  /** A batch as the objective sees it, after the preprocessing on the device. */
  readonly batchSpec: BatchSpec;
  /** What is read in place of images, where a locked tower's embeddings are computed once. */
  readonly locked: LockedTower | undefined;
  /** Without the number of steps trained. */
  readonly card: Omit<ModelCard, "step">;
  /** The second stream, where a step reads one; its images are in {@link Plan.batchSpec} too. */
  readonly unlabelled: Unlabelled | undefined;
  /** What the model begins with instead of its own initial values. */
  readonly initial: Initial | undefined;
}

/**
 * Opens the data, checks that everything fits, and makes model, objective and optimiser.
 *
 * @param resumed how the run that is resumed took its slices, and its folder; default: slices "by hash"
 */
export async function planTraining(
  config: Config,
  reporter: Reporter = SILENT,
  { slices = "by hash", folder }: { readonly slices?: SliceRule; readonly folder?: string } = {},
): Promise<Plan> {
  const dataset = await openDataset(config.data, { labels: labelsFor(config.objective) });
  const notes = [...(dataset.notes ?? [])];
  const telling: Telling = {
    note: (line) => notes.push(line),
    report: (line) => reporter.line(line),
  };
  const open = (split: string): Promise<Source> =>
    openSplit(dataset, split, { slices, note: telling.note });
  const whole = await open(config.split);
  const source = await pickExamples(whole, config.shots, config.seed);
  notes.push(...notesOnClasses(source, config.shots));
  const choice = chooseTask(config);
  const tokenizer = await openTokenizerOf(choice, folder);
  const parse = (text: string): Preprocessing => withTokenizer(parsePreprocessing(text), tokenizer);
  const preprocessing = {
    train: parse(config.preprocess.train),
    eval: parse(config.preprocess.eval),
  };
  const chosen = tokenizer ? { ...choice, tokenizer: tokenizer.choice } : choice;
  checkNeeds(chosen, source, dataset.name);
  if (tokenizer) notes.push(...(await notesOnTexts(source, tokenizer.tokenizer)));
  const batchSpec = await batchSpecOf(
    source,
    preprocessing.train,
    config.batchSize,
    "preprocess.train",
  );
  const evalSpec = await batchSpecOf(
    source,
    preprocessing.eval,
    config.batchSize,
    "preprocess.eval",
  );
  const [, ...imageShape] = evalSpec.image.shape;
  if (imageShape.length !== 3) {
    throw new OcelliError(
      "config",
      `preprocess.eval gives images of [${imageShape}], not of [height, width, channels].`,
      { hint: "A trained model takes whole images: leave out patchify." },
    );
  }
  if (String(batchSpec.image.shape) !== String(evalSpec.image.shape)) {
    const [, ...trainShape] = batchSpec.image.shape;
    throw new OcelliError(
      "config",
      `preprocess.train gives images of [${trainShape}], preprocess.eval of [${imageShape}].`,
    );
  }
  const advice = adviseTransfer(config, source);
  if (advice !== undefined) notes.push(advice);
  const { card, task } = describeModel(config, chosen, source, dataset.name, {
    preprocessing: preprocessing.eval.text,
    imageShape,
    tokenizer: tokenizer?.tokenizer,
  });
  if (config.batchSize % config.accumulate !== 0) {
    throw new OcelliError(
      "config",
      `a batchSize of ${config.batchSize} does not divide into ${config.accumulate} parts (accumulate).`,
    );
  }
  const mesh = config.mesh === undefined ? undefined : parseMesh(config.mesh);
  shardBatch(mesh, config.batchSize); // an error where it does not divide
  const second = { open, parse, mesh, slices, note: telling.note };
  const unlabelled = await planUnlabelled(config, second);
  const trainingSpec = bothSpecs(batchSpec, unlabelled);
  const { labels, classWeights } = await planBalance(config, source);
  const length = { batchSize: config.batchSize, examples: source.length };
  const totalSteps = toSteps(config.duration, length);
  const given = { batch: trainingSpec, card, classWeights, totalSteps, ...telling };
  const objective = await planObjective(config, given);
  const context = { ...length, totalSteps };
  const sources = new Map([[config.split, source]]);
  if (unlabelled) sources.set(unlabelled.name, unlabelled.source);
  const evaluations = await planEvaluations(config, {
    ...{ dataset, sources, open, card, task, context, batchSize: config.batchSize },
    ...{ objective, trainingBatch: trainingSpec },
    preprocessing: preprocessing.eval,
    tokenizer: tokenizer?.tokenizer,
    parse,
    batch: evalSpec,
  });
  const best = planBest(
    config,
    evaluations.map(({ name }) => name),
  );
  if (best && best.evaluation === evaluations[0].name) {
    const name = best.evaluation;
    notes.push(
      `best is chosen by ${name}, which also judges: new images may do worse than it says`,
    );
  }
  const optimizer = makeOptimizer(config.optimizer, context, objective.stacked(trainingSpec));
  const locked = config.cacheEmbeddings
    ? await planLocked(config, { task, card, source, objective, optimizer, batchSpec })
    : undefined;
  const { init } = config;
  const initial = init === undefined ? undefined : await loadInitial(init, task, card, telling);
  const computed = {
    objective: locked?.objective ?? objective,
    batchSpec: locked?.batchSpec ?? trainingSpec,
  };
  return {
    mesh,
    source,
    labels,
    dataset,
    slices,
    sources,
    notes,
    preprocessing: {
      ...preprocessing,
      train: locked
        ? withTokenizer(locked.texts, tokenizer)
        : bothOnDevice(preprocessing.train, unlabelled),
    },
    unlabelled,
    evaluations,
    recorded: recordedOf(
      evaluations,
      taskDefinition(card.task.name).evaluators(source.fields, card.task),
    ),
    best,
    totalSteps,
    logSteps: Math.max(1, toSteps(config.log, context)),
    checkpoint: planCheckpoints(config, context),
    task,
    tokenizer,
    headline: taskDefinition(card.task.name).headline,
    parameters: countParameters(wholeModel(task), evalSpec),
    ...computed,
    optimizer,
    lossScale: planLossScale(config, computed.objective, computed.batchSpec),
    locked,
    card,
    initial,
  };
}

const recordedOf = (evaluations: readonly PlannedEvaluation[], types: readonly string[]): number =>
  Math.max(
    0,
    evaluations.findIndex(({ type }) => type === types[0]),
  );

/** The task of a training with its options; an error where it is not that of the objective. */
function chooseTask({ task, objective }: Config): TaskChoice {
  const { task: usual } = objectiveDefinition(objective.name);
  if (task && task.name !== usual) {
    throw new OcelliError(
      "config",
      `the objective ${objective.name} is for the task ${usual}, not for ${task.name}.`,
      { given: task.name, valid: [usual] },
    );
  }
  return task ?? { name: usual, ...validate(taskDefinition(usual).schema, {}) };
}

/** A data error where examples lack a field that a task needs. */
function checkNeeds({ name }: TaskChoice, { fields }: Source, dataName: string): void {
  for (const [field, kinds] of Object.entries(taskDefinition(name).needs)) {
    if (Object.hasOwn(fields, field) && kinds.includes(fields[field])) continue;
    const has = Object.entries(fields).map(([own, kind]) => `${own} (${kind})`);
    throw new OcelliError(
      "data",
      `${name} needs the field ${field} (${kinds.join(" or ")}); ${dataName} has ${has.join(", ")}.`,
      { given: fields, valid: kinds },
    );
  }
}

/** The card of the model to train, and the task that it is for. */
function describeModel(
  config: Config,
  { name, ...options }: TaskChoice,
  { fields, names }: Source,
  dataName: string,
  {
    tokenizer,
    ...image
  }: Pick<ModelCard, "preprocessing" | "imageShape"> & { readonly tokenizer?: Tokenizer },
): { readonly card: Plan["card"]; readonly task: Task } {
  const { numClasses, ...model } = config.model as typeof config.model & {
    readonly numClasses?: number;
  };
  const described = taskDefinition(name).describe(options, {
    ...{ fields, names, dataName, tokenizer },
    objective: config.objective,
  });
  const task = { name, ...options, ...described.task };
  const card = { model, task, names: described.names, ...image };
  checkNumClasses(numClasses, described.names, dataName);
  return { card, task: taskOf(card) };
}

function planCheckpoints(
  { checkpoint: { every, keep, keepEvery } }: Config,
  context: DurationContext,
): Plan["checkpoint"] {
  return {
    every: every && toSteps(every, context),
    retention: { keep, keepEvery: keepEvery && toSteps(keepEvery, context) },
  };
}
