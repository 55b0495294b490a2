/** @file Passes of evaluators over sources: what they gather batch by batch, and their values. */

import { type BatchOptions, evaluationBatches } from "../data/stream/batches.ts";
import { prefetch } from "../data/stream/prefetch.ts";
import { type Source, selectSource } from "../data/source.ts";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import type { Evaluated, Evaluator, Gathered, Measured } from "../evaluate/evaluator.ts";
import type { NamedValues } from "../evaluate/features.ts";
import type { HostArray } from "../graph/dtype.ts";
import { type Tensor, argMax, reduceMax } from "../graph/index.ts";
import { CLASS_LOSSES } from "../losses/index.ts";
import type { DeviceFeatures } from "../preprocess/operation.ts";
import type { Tree } from "../tree.ts";
import type { ModelCard } from "../weights/model-card.ts";
import { type DeviceTree, disposeTree, readTree, uploadTree } from "./device-trees.ts";
import { Gathering } from "./gathering.ts";
import { shardBatch } from "../engines/mesh.ts";
import { classesOf } from "./shots.ts";
import type { ModelTensors } from "./checkpoint-model.ts";

/** Values by name. */
export type Values = Record<string, number>;

/** What a model made of a batch: for each row its best class and how sure it is. */
export interface SeenBatch {
  /** Indices of the examples; -1 where a row is none. */
  readonly indices: Int32Array;
  /** int32 [batch] where an example has one label. */
  readonly label: HostArray;
  readonly predicted: HostArray;
  readonly probability: HostArray;
}

/** What a pass takes from a batch. */
type Look<T> = {
  /** By evaluator. */
  readonly measured: Readonly<Record<string, Readonly<Record<keyof Measured, Record<string, T>>>>>;
  readonly predicted: T;
  readonly probability: T;
};

/** The program of a pass, from what a model returns: what evaluators measure, and the best class of each row. */
export const lookWith =
  (evaluators: Readonly<Record<string, Evaluator>>, loss: ModelCard["loss"]) =>
  (evaluated: Evaluated): Look<Tensor> => {
    const probabilities = CLASS_LOSSES[loss].probabilities(evaluated.output); // [batch, classes]
    const measured = Object.entries(evaluators).map(([name, evaluator]) => {
      const { sums = {}, rows = {} } = evaluator.measure(evaluated);
      return [name, { sums, rows }] as const;
    });
    return {
      measured: Object.fromEntries(measured),
      predicted: argMax(probabilities, 1), // [batch]
      probability: reduceMax(probabilities, 1), // [batch]
    };
  };

/** How a pass is made. */
export interface PassOptions extends BatchOptions {
  readonly engine: Engine;
  /** The program of {@link lookWith} on a batch as it was uploaded. */
  readonly run: (batch: DeviceTree) => Promise<DeviceTree>;
}

/** Who listens to a pass. */
export interface PassListener {
  /** Told of every batch. */
  readonly see?: (batch: SeenBatch) => void;
  /** Told how many examples are done. */
  readonly progress?: (done: number) => void;
}

/** What a pass gathered. */
export interface Passed {
  readonly gathered: Readonly<Record<string, Gathered>>;
  /** Which example each gathered row is. */
  readonly indices: readonly number[];
}

/** One pass over a source. */
export async function pass(
  source: Source,
  { engine, run, ...batching }: PassOptions,
  { see, progress }: PassListener = {},
): Promise<Passed> {
  const sharding = shardBatch(engine.mesh, batching.batchSize);
  const batches = prefetch(evaluationBatches(source, batching), {
    load: async (batch) => ({
      ...batch,
      uploaded: await uploadTree(engine, batch.features, sharding),
    }),
    release: ({ uploaded }) => disposeTree(uploaded),
  });
  const gatherings = new Map<string, Gathering>();
  const seen: number[] = [];
  for await (const { uploaded, features, indices } of batches) {
    const arrays = await run(uploaded);
    const look = (await readTree(arrays)) as unknown as Look<HostArray>;
    disposeTree([arrays, uploaded]);
    const rows = [...indices.keys()].filter((row) => indices[row] >= 0);
    rows.forEach((row) => seen.push(indices[row]));
    for (const [name, measured] of Object.entries(look.measured)) {
      if (!gatherings.has(name)) gatherings.set(name, new Gathering());
      gatherings.get(name)!.add(measured, rows);
    }
    const { predicted, probability } = look;
    see?.({ indices, label: features.label, predicted, probability });
    progress?.(seen.length);
  }
  const gathered = [...gatherings].map(([name, gathering]) => [name, gathering.result()] as const);
  return { gathered: Object.fromEntries(gathered), indices: seen };
}

/** Examples that an evaluator learns from. */
export interface Lesson {
  readonly source: Source;
  /** Which examples of their split they are; all of them where undefined. */
  readonly picked: readonly number[] | undefined;
  /** The class of every example of the split, where the evaluator picks. */
  readonly classes: readonly number[];
}

/** The examples of a split that an evaluator learns from. */
export async function lessonOf({ learns }: Evaluator, from: Source): Promise<Lesson> {
  if (!learns?.pick) return { source: from, picked: undefined, classes: [] };
  const classes = await classesOf(from);
  const picked = learns.pick(classes);
  return { source: selectSource(from, Uint32Array.from(picked)), picked, classes };
}

/** The values of an evaluator from what it gathered, and from a further pass over its lesson where it learns. */
export async function valuesOf(
  name: string,
  evaluator: Evaluator,
  { gathered }: Passed,
  learning?: { readonly lesson: Lesson; readonly pass: (source: Source) => Promise<Passed> },
): Promise<NamedValues> {
  if (!learning) return evaluator.summarise(gathered[name]);
  const { picked, classes, source } = learning.lesson;
  const known = await learning.pass(source);
  const indices = known.indices.map((index) => picked?.[index] ?? index);
  return evaluator.summarise(gathered[name], { ...known.gathered[name], indices, classes });
}

/** What an evaluation is made of. */
interface EvaluationOptions extends Omit<PassOptions, "run"> {
  readonly evaluator: Evaluator;
  readonly source: Source;
  /** What an evaluator learns from that does. */
  readonly from: Source | undefined;
  /** What the evaluator looks at, from a batch as it was uploaded. */
  readonly look: (arrays: ModelTensors, batch: DeviceFeatures) => Evaluated;
  readonly loss: ModelCard["loss"];
}

/** An evaluation: values from a model's arrays; `see` is told of every batch. */
export type Evaluation = (
  arrays: Tree<DeviceArray>,
  see?: (batch: SeenBatch) => void,
) => Promise<Values>;

/** The one evaluator of an evaluation among those of a pass. */
const ONLY = "evaluation";

/** An evaluator over a source, compiled at its first use. */
export function createEvaluation({
  evaluator,
  source,
  from,
  look,
  loss,
  ...options
}: EvaluationOptions): Evaluation {
  const measure = lookWith({ [ONLY]: evaluator }, loss);
  const program = jit(options.engine, function evaluate(arrays: ModelTensors, batch) {
    return measure(look(arrays, batch as DeviceFeatures));
  });
  let lesson: Promise<Lesson> | undefined;
  return async (arrays, see) => {
    const run = (batch: DeviceTree): Promise<DeviceTree> => program(arrays, batch);
    const passed = await pass(source, { ...options, run }, { see });
    if (from) lesson ??= lessonOf(evaluator, from);
    const learning = lesson && {
      lesson: await lesson,
      pass: (examples: Source) => pass(examples, { ...options, split: undefined, run }),
    };
    return Object.fromEntries(await valuesOf(ONLY, evaluator, passed, learning));
  };
}
