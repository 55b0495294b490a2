/** @file The training loop: data, initial state, the compiled step, then batch after batch. */

import { join } from "node:path";
import { trainingBatches } from "../data/batches.ts";
import { prefetch } from "../data/prefetch.ts";
import type { Engine } from "../engines/engine.ts";
import { openEngine } from "../engines/select.ts";
import { describeEnvironment } from "../runs/environment.ts";
import { Run, unusedFolder } from "../runs/run.ts";
import { checkpointChunks } from "../weights/checkpoint.ts";
import { type Config, type ConfigInput, configSchema } from "./config.ts";
import { disposeTree, readScalars, readTree, uploadTree } from "./device.ts";
import type { Values } from "./evaluation.ts";
import { type Journal, createJournal } from "./journal.ts";
import { type Plan, planTraining } from "./plan.ts";
import {
  type DeviceState,
  compileStep,
  createEvaluations,
  firstState,
  servedArrays,
} from "./programs.ts";
import { Meter, type Reporter, SILENT, showDuration } from "./progress.ts";
import { validate } from "./schema.ts";

/** Options of {@link train}. */
export interface TrainOptions {
  /** The run folder; `runs/NAME` unless given, with a number where that exists. */
  readonly workdir?: string;
  /** The engine's name; `auto` unless given. */
  readonly engine?: string;
  /** Aborted: the current step is finished and saved, and training ends. */
  readonly signal?: AbortSignal;
  /** Where progress is told; nowhere unless given. */
  readonly reporter?: Reporter;
}

/** What a training yields. */
export interface TrainResult {
  /** Values of the first evaluation at the last step, from 0 to 1; absent when training was interrupted. */
  readonly accuracy?: number;
  readonly loss?: number;
  /** Values of every evaluation, by its name. */
  readonly evals: Readonly<Record<string, Values>>;
  readonly steps: number;
  readonly seconds: number;
  readonly parameters: number;
  readonly engine: string;
  readonly workdir: string;
  readonly interrupted: boolean;
}

/** A training under way. */
interface Session {
  readonly config: Config;
  readonly plan: Plan;
  readonly engine: Engine;
  readonly run: Run;
  readonly journal: Journal;
  readonly signal: AbortSignal | undefined;
}

/**
 * Trains a model.
 *
 * @throws a configuration error of one line; data, engine and argument errors that say how to mend them
 * @example
 * const { accuracy, workdir } = await train(quickstart, { workdir: "runs/first" });
 */
export async function train(
  input: ConfigInput,
  { workdir, engine: engineName, signal, reporter = SILENT }: TrainOptions = {},
): Promise<TrainResult> {
  const began = performance.now();
  const config = validate(configSchema, input);
  const plan = await planTraining(config);
  const run = await Run.create(workdir ?? unusedFolder(join("runs", config.name)));
  const engine = await openEngine(engineName);
  const journal = createJournal(run, reporter, plan.totalSteps);
  try {
    await run.writeJson("config", config);
    await run.writeJson("environment", describeEnvironment(engine));
    journal.begin(config, plan, engine);
    const trained = await trainLoop({ config, plan, engine, run, journal, signal });
    const seconds = Math.round(performance.now() - began) / 1000;
    const result = { ...trained, seconds, engine: engine.name, workdir: run.folder };
    await run.writeJson("result", result);
    if (!result.interrupted) journal.line(`done in ${showDuration(seconds)}: ${run.folder}`);
    return result;
  } finally {
    run.close();
    await engine.dispose();
  }
}

async function trainLoop(
  session: Session,
): Promise<Omit<TrainResult, "seconds" | "engine" | "workdir">> {
  const { config, plan, engine, run, journal, signal } = session;
  const { totalSteps, logSteps, parameters } = plan;
  let state = await firstState(engine, config, plan);
  const trainStep = compileStep(engine, plan);
  const evaluations = createEvaluations(engine, config, plan);
  const batching = { ...config, preprocessing: plan.preprocessing.train };
  const batches = prefetch(trainingBatches(plan.source, batching), {
    load: ({ features }) => uploadTree(engine, features),
    release: disposeTree,
  });
  const meter = new Meter(totalSteps, config.batchSize);
  const evals: Record<string, Values> = {};
  let reading: Promise<Values> | undefined;
  let step = 0;
  while (step < totalSteps && !signal?.aborted) {
    const { value: batch } = await meter.waitFor(batches.next());
    const next = await trainStep(state, batch!);
    disposeTree(batch!);
    state = next.state;
    step++;

    // Of the step before this one: the device has work while metrics are read.
    if (reading) meter.add(await reading);
    reading = readScalars(next.metrics);
    if (step % logSteps === 0 || step === totalSteps) {
      meter.add(await reading);
      reading = undefined;
      journal.progress(meter.report(step));
    }
    for (const { name, every, run: evaluate } of evaluations) {
      if (!every || step % every !== 0 || step === totalSteps) continue;
      evals[name] = await evaluate(state);
      journal.evaluation(step, name, evals[name]);
      meter.skip();
    }
  }
  await reading;
  await batches.return();

  await saveCheckpoint(session, state, step);
  const interrupted = step < totalSteps;
  if (interrupted) journal.line(`stopped after step ${step}; saved ${run.path("checkpoint")}`);
  for (const { name, run: evaluate } of interrupted ? [] : evaluations) {
    evals[name] = await evaluate(state);
    journal.evaluation(step, name, evals[name]);
  }
  disposeTree(state);
  const final = interrupted ? undefined : Object.values(evals)[0];
  return {
    accuracy: final?.accuracy,
    loss: final?.loss,
    evals,
    steps: step,
    parameters,
    interrupted,
  };
}

async function saveCheckpoint({ plan, run }: Session, state: DeviceState, step: number) {
  const { params, variables } = servedArrays(state);
  const arrays = { params: await readTree(params), variables: await readTree(variables) };
  await run.writeCheckpoint(checkpointChunks({ card: { ...plan.card, step }, ...arrays }));
}
