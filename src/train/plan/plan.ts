/** @file A training planned out: what its configuration and its data decide before anything is computed. */

import { openDataset } from "../../data/datasets.ts";
import { firstExample } from "../../data/stream/examples.ts";
import type { Dataset, Source } from "../../data/source.ts";
import { type SliceRule, openSplit } from "../../data/splits/splits.ts";
import { type Mesh, parseMesh } from "../../engines/mesh.ts";
import { OcelliError } from "../../errors.ts";
import { type Spec, type Tensor, trace } from "../../graph/index.ts";
import { type ImageModel } from "../../models/index.ts";
import { countParameters } from "../../nn/index.ts";
import type { BatchSpec, Objective } from "../../objectives/index.ts";
import { type DurationContext, type Optimizer, makeOptimizer, toSteps } from "../../optim/index.ts";
import type { DeviceFeatures } from "../../preprocess/operation.ts";
import { type Preprocessing, parsePreprocessing } from "../../preprocess/pipeline.ts";
import type { Retention } from "../../runs/checkpoints.ts";
import type { ModelCard } from "../../weights/model-card.ts";
import { type BestRule, planBest } from "../watch/best.ts";
import type { Config } from "../../config/config.ts";
import { type Initial, type Telling, loadInitial } from "./initial.ts";
import { type PlannedEvaluation, planEvaluations } from "./evaluations.ts";
import { type Reporter, SILENT } from "../watch/progress.ts";
import { flexibleModel, lossOf, planObjective } from "./objective.ts";
import { shardBatch } from "../../engines/mesh.ts";
import { balancedWeights } from "../../data/splits/balanced.ts";
import { classesOf, notesOnClasses, pickExamples } from "../../served/shots.ts";

/** All that is decided before the first step. */
export interface Plan {
  /** The devices to compute over. */
  readonly mesh: Mesh | undefined;
  readonly source: Source;
  /** The class of every training example, where classes are drawn equally often. */
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
  /** Which state is served; the last where undefined. */
  readonly best: BestRule | undefined;
  readonly totalSteps: number;
  readonly logSteps: number;
  readonly checkpoint: {
    /** Steps between two checkpoints; undefined for the end alone. */
    readonly every: number | undefined;
    readonly retention: Retention;
  };
  readonly model: ImageModel;
  readonly parameters: number;
  readonly objective: Objective;
  readonly optimizer: Optimizer;
  /** A batch as the objective sees it, after the preprocessing on the device. */
  readonly batchSpec: BatchSpec;
  /** Without the number of steps trained. */
  readonly card: Omit<ModelCard, "step">;
  /** What the model begins with instead of its own initial values. */
  readonly initial: Initial | undefined;
}

/**
 * Opens the data, checks that everything fits, and makes model, objective and optimiser.
 *
 * @param slices how the run that is resumed took its slices; default: "by hash"
 */
export async function planTraining(
  config: Config,
  reporter: Reporter = SILENT,
  slices: SliceRule = "by hash",
): Promise<Plan> {
  const dataset = await openDataset(config.data);
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
  const preprocessing = {
    train: parsePreprocessing(config.preprocess.train),
    eval: parsePreprocessing(config.preprocess.eval),
  };
  const batchSpec = await specOf(source, preprocessing.train, config.batchSize, "preprocess.train");
  const evalSpec = await specOf(source, preprocessing.eval, config.batchSize, "preprocess.eval");
  const [, ...imageShape] = evalSpec.image.shape;
  if (String(batchSpec.image.shape) !== String(evalSpec.image.shape)) {
    const [, ...trainShape] = batchSpec.image.shape;
    throw new OcelliError(
      "config",
      `preprocess.train gives images of [${trainShape}], preprocess.eval of [${imageShape}].`,
    );
  }
  const advice = adviseTransfer(config, source);
  if (advice !== undefined) notes.push(advice);
  const { numClasses, ...model } = config.model;
  const classes = source.classes;
  if (numClasses !== undefined && numClasses !== classes.length) {
    throw new OcelliError(
      "config",
      `model.numClasses is ${numClasses}, but ${dataset.name} has ${classes.length} classes.`,
      { hint: "Leave it out." },
    );
  }
  if (config.batchSize % config.accumulate !== 0) {
    throw new OcelliError(
      "config",
      `a batchSize of ${config.batchSize} does not divide into ${config.accumulate} parts (accumulate).`,
    );
  }
  const loss = lossOf(config.objective);
  const card = { model, classes, preprocessing: preprocessing.eval.text, loss, imageShape };
  const netAt = flexibleModel(card);
  const net = netAt();
  const labels = config.balance && (await classesOf(source));
  const classWeights = config.balance === "loss" ? balancedWeights(labels!, classes) : undefined;
  const given = { batch: batchSpec, classes, classWeights, ...telling };
  const objective = await planObjective(config, netAt, given);
  const length = { batchSize: config.batchSize, examples: source.length };
  const totalSteps = toSteps(config.duration, length);
  const context = { ...length, totalSteps };
  const sources = new Map([[config.split, source]]);
  const evaluations = await planEvaluations(config, {
    ...{ dataset, sources, open, card, netAt, context },
    preprocessing: preprocessing.eval,
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
  const mesh = config.mesh === undefined ? undefined : parseMesh(config.mesh);
  shardBatch(mesh, config.batchSize); // an error where it does not divide
  const { init } = config;
  const initial = init === undefined ? undefined : await loadInitial(init, net, card, telling);
  return {
    mesh,
    source,
    labels: config.balance === "sampling" ? labels : undefined,
    dataset,
    slices,
    sources,
    notes,
    preprocessing,
    evaluations,
    best,
    totalSteps,
    logSteps: Math.max(1, toSteps(config.log, context)),
    checkpoint: planCheckpoints(config, context),
    model: net,
    parameters: countParameters(net, evalSpec.image),
    objective,
    optimizer: makeOptimizer(config.optimizer, context, objective.stacked(batchSpec)),
    batchSpec,
    card,
    initial,
  };
}

/** With fewer images of a class on average, a model that begins with nothing learns little of them. */
const FEW_OF_CLASS = 100;

/** A line that says how few images would do better; undefined where they are many, or the model begins with weights. */
function adviseTransfer({ data, init, split }: Config, source: Source): string | undefined {
  const { length, classes } = source;
  if (init !== undefined || length >= FEW_OF_CLASS * classes.length) return undefined;
  const path = data.name === "folder" ? data.dir : "files" in data ? data.files : undefined;
  if (typeof path !== "string") return undefined;
  const named = /^[\w./~-]+$/.test(path) ? path : `'${path}'`;
  const of = split === "train" ? "" : ` --split '${split}'`;
  const count = `${length} images of ${classes.length} classes are few for a model that begins with nothing`;
  return `${count}; a trained one would do better: ocelli transfer --data ${named}${of}`;
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

/** The spec of a preprocessed batch, from the first example; images must come out as floats. */
async function specOf(
  source: Source,
  preprocessing: Preprocessing,
  batchSize: number,
  key: string,
): Promise<BatchSpec> {
  const example = await firstExample(source, preprocessing);
  const batched = Object.entries(example).map(([name, { shape, dtype }]) => {
    return [name, { shape: [batchSize, ...shape], dtype }] as const;
  });
  const mask: Spec = { shape: [batchSize], dtype: "float32" };
  const raw = { ...Object.fromEntries(batched), mask };
  let spec: BatchSpec = {};
  trace(
    (batch: DeviceFeatures) =>
      (spec = preprocessing.onDevice(batch) as Record<string, Tensor>) as never,
    raw,
  );
  if (spec.image.dtype !== "float32") {
    throw new OcelliError("config", `${key} must end with an operation that scales the pixels.`, {
      hint: "Such as value_range(-1,1).",
    });
  }
  return spec;
}
