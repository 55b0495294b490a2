/** @file Passes of evaluators over sources: what they gather batch by batch, and their values. */

import { eachText } from "../data/each-text.ts";
import { type BatchOptions, evaluationBatches } from "../data/stream/batches.ts";
import { prefetch } from "../data/stream/prefetch.ts";
import { type Source, selectSource } from "../data/source.ts";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import { shardBatch } from "../engines/mesh.ts";
import { OcelliError } from "../errors.ts";
import {
  type Evaluator,
  type Gathered,
  JUDGED,
  type Measured,
  OBJECTIVE,
  type Stream,
  type StreamRequest,
} from "../evaluate/evaluator.ts";
import type { HostArray } from "../graph/dtype.ts";
import type { Tensor } from "../graph/index.ts";
import type { Batch } from "../objectives/index.ts";
import type { DeviceFeatures } from "../preprocess/operation.ts";
import type { Outputs, Recorder, Rows, Task } from "../tasks/index.ts";
import type { Tree } from "../tree.ts";
import { type DeviceTree, disposeTree, readTree, uploadTree } from "./device-trees.ts";
import { Gathering } from "./gathering.ts";
import { classesOf } from "./classification/shots.ts";

/** Values by name. */
export type Values = Record<string, number>;

/** What a pass takes from a batch. */
type Look<T> = {
  /** By evaluator. */
  readonly measured: Readonly<Record<string, Readonly<Record<keyof Measured, Record<string, T>>>>>;
  /** What a recorder keeps. */
  readonly recorded: Readonly<Record<string, T>>;
};

/** What looks at the batches of a pass. */
interface Lookers {
  readonly evaluators: Readonly<Record<string, Evaluator>>;
  readonly task: Pick<Task, "heads" | "main">;
  /** The stream that is passed over; the judged one where absent. */
  readonly stream?: string;
  readonly recorder?: Recorder;
}

/** The program of a pass, from what a model computes of a batch: what evaluators measure and what a recorder keeps. */
export const lookWith =
  ({ evaluators, task: { heads, main }, stream = JUDGED, recorder }: Lookers) =>
  (outputs: Outputs, batch: Batch): Look<Tensor> => {
    const measured = Object.entries(evaluators).map(([name, evaluator]) => {
      const output = headOf(heads, evaluator.head)(outputs);
      const { sums = {}, rows = {} } = evaluator.measure(
        { output, out: outputs.out, batch, write: outputs.write },
        stream,
      );
      return [name, { sums, rows }] as const;
    });
    return {
      measured: Object.fromEntries(measured),
      recorded: recorder?.look(headOf(heads, main)(outputs), batch) ?? {},
    };
  };

/** The head of a name; a configuration error where a model has none. */
function headOf(heads: Task["heads"], name: string): Task["heads"][string] {
  if (Object.hasOwn(heads, name)) return heads[name];
  if (name === OBJECTIVE) {
    throw new OcelliError("config", "the objective is not part of a trained model.", {
      hint: "Evaluate it in the training, as evals.NAME.type objective.",
    });
  }
  const valid = Object.keys(heads);
  throw new OcelliError("config", `the model has no head "${name}"; it has ${valid.join(", ")}.`, {
    ...{ given: name, valid },
    hint: "An exported model has one head alone: give the run that it was exported from.",
  });
}

/** How a pass is made. */
export interface PassOptions extends BatchOptions {
  readonly engine: Engine;
  /** The program of {@link lookWith} on a batch as it was uploaded. */
  readonly run: (batch: DeviceTree) => Promise<DeviceTree>;
}

/** Who listens to a pass. */
export interface PassListener {
  /** Receives what was recorded of every batch; `indices` say which example each row is, -1 for none. */
  readonly see?: (indices: Int32Array, recorded: Rows) => void;
  /** Receives how many examples are done. */
  readonly progress?: (done: number) => void;
}

/** What a pass gathered. */
export interface Passed {
  /** By evaluator. */
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
  for await (const { uploaded, indices } of batches) {
    const arrays = await run(uploaded);
    const look = (await readTree(arrays)) as unknown as Look<HostArray>;
    disposeTree([arrays, uploaded]);
    const rows = [...indices.keys()].filter((row) => indices[row] >= 0);
    rows.forEach((row) => seen.push(indices[row]));
    for (const [name, measured] of Object.entries(look.measured)) {
      if (!gatherings.has(name)) gatherings.set(name, new Gathering());
      gatherings.get(name)!.add(measured, rows);
    }
    see?.(indices, look.recorded);
    progress?.(seen.length);
  }
  const gathered = [...gatherings].map(([name, gathering]) => [name, gathering.result()] as const);
  return { gathered: Object.fromEntries(gathered), indices: seen };
}

/** The examples of a split that an evaluator reads. */
interface Examples {
  readonly source: Source;
  /** Which examples of their split they are; all of them where undefined. */
  readonly picked?: readonly number[];
  /** The label of every example of the split, where the evaluator picks. */
  readonly labels: readonly number[];
}

/** The examples of a split that an evaluator asks for. */
export async function pickStream(
  { pick, eachText: isEach }: StreamRequest,
  source: Source,
): Promise<Examples> {
  if (isEach) {
    const { source: texts, owners } = await eachText(source);
    return { source: texts, picked: owners, labels: [] };
  }
  if (!pick) return { source, labels: [] };
  const labels = await classesOf(source);
  const picked = pick(labels);
  return { source: selectSource(source, Uint32Array.from(picked)), picked, labels };
}

/** What an evaluator took from a stream, from the pass over its examples. */
export const streamOf = (
  name: string,
  { source, picked, labels }: Examples,
  { gathered, indices }: Passed,
): Stream => {
  const places = picked && new Map(picked.map((index, place) => [index, place])); // any text's example has the same image
  return {
    ...gathered[name],
    indices: indices.map((index) => picked?.[index] ?? index),
    labels,
    read: async (index) => source.read(places?.get(index) ?? index),
  };
};

/** Examples that an evaluation reads, and how their batches are made. */
export interface EvaluationStream extends BatchOptions {
  readonly source: Source;
}

/** What an evaluation is made of. */
interface EvaluationOptions {
  readonly engine: Engine;
  readonly evaluator: Evaluator;
  /** By name: the judged one, and those that the evaluator asks for. */
  readonly streams: Readonly<Record<string, EvaluationStream>>;
  /** What the evaluator's head reads of a batch, traced from the arrays that an evaluation is given. */
  readonly outputs: (arrays: Tree<Tensor>, batch: Batch) => Outputs;
  readonly task: Pick<Task, "heads" | "main">;
  /** Keeps what a report shows; it sees the judged stream of evaluations that ask for it. */
  readonly recorder?: Recorder;
}

/** An evaluation: values from a model's arrays; `record` lets the recorder see every batch. */
export type Evaluation = (
  arrays: Tree<DeviceArray>,
  options?: { readonly record?: boolean },
) => Promise<Values>;

/** The one evaluator of an evaluation among those of a pass. */
const ONLY = "evaluation";

/** An evaluator over its streams, compiled at its first use. */
export function createEvaluation({
  engine,
  evaluator,
  streams,
  outputs,
  task,
  recorder,
}: EvaluationOptions): Evaluation {
  const programs = new Map<string, ReturnType<typeof compile>>();
  const compile = (stream: string) => {
    const { preprocessing } = streams[stream];
    const look = lookWith({
      ...{ evaluators: { [ONLY]: evaluator }, task, stream },
      recorder: stream === JUDGED ? recorder : undefined,
    });
    return jit(engine, function evaluate(arrays: Tree<Tensor>, raw) {
      const batch = preprocessing.onDevice(raw as DeviceFeatures);
      return look(outputs(arrays, batch), batch);
    });
  };
  const picked = new Map<string, Promise<Examples>>();
  return async (arrays, { record = false } = {}) => {
    const gathered: Record<string, Stream> = {};
    const see: PassListener["see"] = record
      ? (indices, rows) => recorder?.see(indices, rows)
      : undefined;
    for (const [name, { source, ...batching }] of Object.entries(streams)) {
      const program = programs.get(name) ?? compile(name);
      programs.set(name, program);
      const examples = picked.get(name) ?? pickStream(evaluator.streams?.[name] ?? {}, source);
      picked.set(name, examples);
      const run = (batch: DeviceTree): Promise<DeviceTree> => program(arrays, batch);
      const listener = name === JUDGED ? { see } : {};
      const found = await examples;
      gathered[name] = streamOf(
        ONLY,
        found,
        await pass(found.source, { ...batching, engine, run }, listener),
      );
    }
    return Object.fromEntries(await evaluator.summarise(gathered));
  };
}
