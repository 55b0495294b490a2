/** @file The training loop: data, initial state, the compiled step, then batch after batch. */

import { join } from "node:path";
import { type Batch, trainingBatches } from "../data/batches.ts";
import { prefetch } from "../data/prefetch.ts";
import { DataProblems } from "../data/problems.ts";
import { createWorkerPool } from "../data/workers.ts";
import type { JoinedCluster } from "../engines/cluster/join.ts";
import type { ClusterPlace } from "../engines/cluster/place.ts";
import { type Engine, jit } from "../engines/engine.ts";
import { type OpenOptions, openEngine } from "../engines/select.ts";
import { cpuBudget } from "../engines/threads.ts";
import { OcelliError } from "../errors.ts";
import { type Environment, describeChanges, describeEnvironment } from "../runs/environment.ts";
import { showTime } from "../runs/list-show.ts";
import { writeReport } from "../runs/report.ts";
import { Run, resumeCommand, unusedFolder } from "../runs/run.ts";
import { type Checkpoint, checkpointChunks } from "../weights/checkpoint.ts";
import { readStateFile } from "../weights/checkpoint-file.ts";
import { type Config, type ConfigInput, configSchema } from "./config.ts";
import {
  type DeviceTree,
  type TreeReader,
  disposeTree,
  readScalars,
  stateReader,
  treeReader,
  uploadTree,
} from "./device.ts";
import type { Values } from "./evaluation.ts";
import { type Journal, createJournal } from "./journal.ts";
import type { DeviceFeatures } from "../preprocess/operation.ts";
import { inputPictures } from "./pictures.ts";
import { FiniteWatch } from "./finite-watch.ts";
import { type Plan, planTraining } from "./plan.ts";
import {
  type DeviceState,
  type Loading,
  type StoredLoop,
  compileStep,
  createEvaluations,
  firstState,
  restoreState,
  servedArrays,
} from "./programs.ts";
import { Predictions } from "./predictions.ts";
import { Meter, type Reporter, SILENT } from "./progress.ts";
import { type LoopState, Saver } from "./saver.ts";
import { checkData, checkSplits } from "./same-data.ts";
import { validate } from "./schema.ts";
import { shardBatch, shareOf } from "./sharding.ts";
import { type SplitRecord, recordSplits, slicesOf } from "./split-record.ts";
import { openTogether, stopper, together } from "./together.ts";
import type { RunFolder } from "./witness.ts";

/** Options of {@link train} and {@link resume}. */
export interface RunOptions {
  /** The engine's name, or what opens one of your own; `auto`, or the one that a resumed run recorded, unless given. */
  readonly engine?: string | ((options: OpenOptions) => Promise<Engine>);
  /** This process's place among several that train together; it trains alone unless given. */
  readonly cluster?: ClusterPlace;
  /** Aborted: the current step is finished and saved, and training ends. */
  readonly signal?: AbortSignal;
  /** Where progress is told; nowhere unless given. */
  readonly reporter?: Reporter;
  /** Shown every program in the engine's own language, such as StableHLO, before it is compiled. */
  readonly showProgram?: (text: string) => void;
}

/** Options of {@link resume}. */
export interface ResumeOptions extends RunOptions {
  /** Devices to compute over from now on, such as `data=4`; those of before unless given. */
  readonly mesh?: string;
}

/** Options of {@link train}. */
export interface TrainOptions extends RunOptions {
  /** The run folder; `runs/NAME` unless given, with a number where that exists. */
  readonly workdir?: string;
}

/** What a training yields. */
export interface TrainResult {
  /** Of the first evaluation that has one, at the last step, from 0 to 1; absent when training was interrupted. */
  readonly accuracy?: number;
  readonly loss?: number;
  /** Values of every evaluation, by its name. */
  readonly evals: Readonly<Record<string, Values>>;
  readonly steps: number;
  /** Of this process: what ran before a resumed run was stopped does not count. */
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
  readonly run: RunFolder;
  readonly journal: Journal;
  readonly loading: Loading;
  /** Whether training is to end before a step. */
  readonly stops: (step: number) => boolean;
  /** Where a resumed run goes on; undefined for a beginning. */
  readonly stored: StoredLoop | undefined;
}

/**
 * Trains a model.
 *
 * @throws a configuration error of one line; data, disk, engine and argument errors that say how to mend them
 * @example
 * const { accuracy, workdir } = await train(quickstart, { workdir: "runs/first" });
 */
export async function train(
  input: ConfigInput,
  { workdir, ...options }: TrainOptions = {},
): Promise<TrainResult> {
  const config = validate(configSchema, input);
  const plan = await planTraining(config, options.reporter);
  const open = () => Run.create(workdir ?? unusedFolder(join("runs", config.name)));
  return runTraining(config, plan, open, options, async ({ run, engine }) => {
    await run.writeJson("environment", describeEnvironment(engine));
    await run.writeJson("splits", await recordSplits(plan));
    await run.writeJson("config", config); // the last: a folder that has it can be gone on with
    return undefined;
  });
}

/**
 * Goes on with a run that was stopped, from its newest checkpoint. With the same engine build, threads and processor
 * the result is that of a run that never stopped, bit for bit; what has changed is told.
 *
 * @param folder the run folder
 * @throws an argument error where there is nothing to go on with; a data error where the data has changed
 */
export async function resume(folder: string, options: ResumeOptions = {}): Promise<TrainResult> {
  const { run, config: stored } = await Run.reopen(folder);
  const recorded = validate(configSchema, stored);
  const config = { ...recorded, mesh: options.mesh ?? recorded.mesh };
  const begun = (await run.checkpoints.steps()).length > 0;
  const planned = begun ? { ...config, init: undefined } : config; // a checkpoint has all that it needs
  const record = ((await run.readJson("splits")) ?? {}) as Partial<SplitRecord>;
  const plan = await planTraining(planned, options.reporter, slicesOf(record));
  const before = ((await run.readJson("environment")) ?? {}) as Partial<Environment>;
  const chosen = { ...options, engine: options.engine ?? before.engine };
  return runTraining(
    config,
    plan,
    () => Promise.resolve(run),
    chosen,
    async ({ run, engine, journal }) => {
      const now = describeEnvironment(engine);
      for (const change of describeChanges(before, now)) {
        journal.line(`changed ${change}; numbers may differ from those of an unbroken run`);
      }
      await run.checkpoints.clean();
      const newest = await run.checkpoints.newest((file) => readStateFile<LoopState>(file));
      for (const name of newest?.damaged ?? [])
        journal.line(`damaged ${name}; the one before it serves`);
      if (newest) checkData(plan, newest.value.loop);
      await checkSplits(run, plan, config.split, newest ? journal : undefined);
      await run.rewind(newest?.value.loop.logs);
      const step = newest?.value.loop.step ?? 0;
      journal.line(
        step > 0
          ? `resumed after step ${step}`
          : "resumed without a checkpoint: from the beginning",
      );
      return newest?.value;
    },
  );
}

/** What is done between the opening of a run and its first step. */
type Prepare = (
  opened: Pick<Session, "run" | "engine" | "journal">,
) => Promise<StoredLoop | undefined>;

/** Runs the loop, in this process alone or in several. */
const runTraining = (
  config: Config,
  plan: Plan,
  open: () => Promise<Run>,
  options: RunOptions,
  prepare: Prepare,
): Promise<TrainResult> =>
  together(options.cluster, config, (cluster) =>
    runProcess(config, plan, open, options, prepare, cluster),
  );

/** Runs the loop between the opening and the closing of what it needs. */
async function runProcess(
  config: Config,
  plan: Plan,
  open: () => Promise<Run>,
  { engine: chosen, signal, reporter = SILENT, showProgram }: RunOptions,
  prepare: Prepare,
  cluster: JoinedCluster | undefined,
): Promise<TrainResult> {
  const began = performance.now();
  const leads = !cluster || cluster.index === 0;
  const openOptions = { mesh: plan.mesh, products: config.products, cluster };
  const engine = await (typeof chosen === "function"
    ? chosen(openOptions)
    : openEngine(chosen, openOptions)); // before there is a folder to leave behind
  if (showProgram) engine.showPrograms?.(showProgram);
  const run = await openTogether(cluster, open).catch(async (error: unknown) => {
    await engine.dispose();
    throw error;
  });
  const journal = createJournal(run, leads ? reporter : SILENT, plan.totalSteps);
  const workers = createWorkerPool(cpuBudget().decode);
  const problems = new DataProblems(({ id, reason }) => journal.line(`left out ${id}: ${reason}`));
  try {
    const stored = await prepare({ run, engine, journal });
    journal.begin(config, plan, engine);
    const trained = await trainLoop({
      config,
      plan,
      engine,
      run,
      journal,
      loading: { workers, onBadImage: config.onBadImage, problems },
      stops: stopper(signal, cluster),
      stored,
    });
    const seconds = Math.round(performance.now() - began) / 1000;
    const result = { ...trained, seconds, engine: engine.name, workdir: run.folder };
    if (problems.count > 0) await run.writeJson("problems", problems);
    await run.writeJson("result", result);
    if (leads) await writeReport(run.folder);
    if (result.interrupted) journal.line(`go on with: ${resumeCommand(run.folder)}`);
    else journal.line(`done in ${showTime(seconds)}: ${run.folder}`);
    return result;
  } catch (error) {
    const isFull = error instanceof OcelliError && error.code === "disk";
    if (isFull || (await run.checkpoints.steps()).length > 0) {
      journal.line(`stopped by an error; go on with: ${resumeCommand(run.folder)}`);
    }
    throw error;
  } finally {
    workers[Symbol.dispose]();
    run.close();
    await engine.dispose();
  }
}

/** A batch on the device, and where the stream goes on after it. */
interface LoadedBatch {
  readonly arrays: DeviceTree;
  readonly next: Batch["next"];
}

async function trainLoop(
  session: Session,
): Promise<Omit<TrainResult, "seconds" | "engine" | "workdir">> {
  const { config, plan, engine, journal, loading, stops, stored } = session;
  const { totalSteps, logSteps, parameters } = plan;
  let state = await firstState(engine, config, plan);
  if (stored) state = await restoreState(engine, state, stored);
  let { step, position } = stored?.loop ?? { step: 0, position: undefined };
  const trainStep = compileStep(engine, config, plan);
  const evaluations = createEvaluations(engine, config, plan, loading);
  const share = shareOf(engine, config.batchSize);
  const rows = share && { first: share.first, of: config.batchSize };
  const batching = { ...config, ...loading, preprocessing: plan.preprocessing.train, share };
  const batches = prefetch<Batch, LoadedBatch>(trainingBatches(plan.source, batching, position), {
    load: async ({ features, next }) => ({
      arrays: await uploadTree(engine, features, shardBatch(engine.mesh, config.batchSize), rows),
      next,
    }),
    release: ({ arrays }) => disposeTree(arrays),
  });
  const meter = new Meter(totalSteps, config.batchSize);
  if (stored) meter.restore(stored.loop.gathered);
  const watch = new FiniteWatch(session, stored?.loop);
  const read = treeReader(engine);
  const saver = new Saver(session.run, plan.checkpoint.retention, stateReader(engine));
  const evals: Record<string, Values> = {};
  /** The step whose metrics are not read yet. */
  let pending:
    { readonly step: number; readonly batch: DeviceTree; metrics: Promise<Values> } | undefined;

  /** Takes in the metrics of the pending step; true where `state`, which follows it, stands still for it. */
  const settle = async (): Promise<boolean> => {
    if (!pending) return false;
    const { batch, metrics, step: of } = pending;
    pending = undefined;
    const values = await metrics;
    meter.add(values);
    const explained = await meter.outside(watch.see(of, values, state, batch));
    disposeTree(batch);
    return explained;
  };
  const save = (): Promise<void> =>
    saver.save(state, {
      step,
      position,
      gathered: meter.gathered,
      ...watch.state,
      data: { examples: plan.source.length, classes: plan.source.classes },
    });

  try {
    while (step < totalSteps && !stops(step)) {
      const { value: batch } = await meter.waitFor(batches.next(), pending?.metrics);
      if (step === 0) await saveInputs(session, batch!.arrays);
      let next = await trainStep(state, batch!.arrays, step, watch.updates(step));
      state = next.state;
      // Of the step before this one: the device has work while metrics are read.
      if (await settle()) {
        disposeTree(next.metrics);
        next = await trainStep(state, batch!.arrays, step, watch.updates(step)); // it was held back
        state = next.state;
      }
      step++;
      position = batch!.next;
      pending = { step, batch: batch!.arrays, metrics: readScalars(next.metrics) };

      if (step % logSteps === 0 || step === totalSteps) {
        await settle();
        journal.progress(meter.report(step));
      }
      for (const { name, every, run: evaluate } of evaluations) {
        if (!every || step % every !== 0 || step === totalSteps) continue;
        evals[name] = await meter.outside(evaluate(state));
        journal.evaluation(step, name, evals[name]);
      }
      if (plan.checkpoint.every && step % plan.checkpoint.every === 0) {
        await settle();
        await save();
      }
      saver.check();
    }
    await settle();
    await save();
    await saver.settled();
  } catch (error) {
    // What was trained is not lost with the data, where one process has it all; with the disk, the last checkpoint stays.
    if (error instanceof OcelliError && error.code === "data" && step > 0 && !engine.part) {
      await settle();
      await save();
      await saver.settled();
    }
    throw error;
  } finally {
    await batches.return();
  }

  await saveServed(session, state, step, read);
  const interrupted = step < totalSteps;
  if (interrupted)
    journal.line(`stopped after step ${step}; saved ${session.run.path("checkpoint")}`);
  const seen = new Predictions(plan.card.classes, plan.evaluations[0]?.source);
  for (const [i, { name, run: evaluate }] of (interrupted ? [] : evaluations).entries()) {
    evals[name] = await evaluate(state, i === 0 ? (batch) => seen.see(batch) : undefined);
    journal.evaluation(step, name, evals[name]);
  }
  if (seen.count > 0) await session.run.writeJson("predictions", await seen.summary());
  disposeTree(state);
  const judged = Object.values(evals).find(({ accuracy }) => accuracy !== undefined);
  const final = interrupted ? undefined : judged;
  return {
    accuracy: final?.accuracy,
    loss: final?.loss,
    evals,
    steps: step,
    parameters,
    interrupted,
  };
}

/** Saves some inputs of the first step as the model sees them. */
async function saveInputs({ engine, plan, run }: Session, batch: DeviceTree): Promise<void> {
  const show = jit(engine, function inputs(raw: DeviceFeatures) {
    return plan.preprocessing.train.onDevice(raw).image;
  });
  const image = await show(batch);
  const pictures = await inputPictures(await image.read());
  image.dispose();
  await run.writePictures("augmented", pictures);
}

/** Saves what prediction and export take. */
async function saveServed(
  { plan, run }: Session,
  state: DeviceState,
  step: number,
  read: TreeReader,
): Promise<void> {
  const { params, variables } = servedArrays(state, plan.objective);
  const reading = await read({ params, variables });
  const arrays = (await reading.arrays) as Pick<Checkpoint, "params" | "variables">;
  await run.writeCheckpoint(checkpointChunks({ card: { ...plan.card, step }, ...arrays }));
}
