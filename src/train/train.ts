/** @file The training loop: data, initial state, the compiled step, then batch after batch. */

import { join } from "node:path";
import { balancedSource } from "../data/splits/balanced.ts";
import { type Batch, trainingBatches } from "../data/stream/batches.ts";
import { withSplitBy } from "../data/config.ts";
import { prefetch } from "../data/stream/prefetch.ts";
import { DataProblems, isProblems } from "../data/problems.ts";
import { createWorkerPool } from "../data/stream/workers.ts";
import type { JoinedCluster } from "../engines/cluster/join.ts";
import type { ClusterPlace } from "../engines/cluster/place.ts";
import { type Engine, jit } from "../engines/engine.ts";
import { type OpenOptions, openEngine } from "../engines/select.ts";
import { cpuBudget } from "../engines/threads.ts";
import { OcelliError } from "../errors.ts";
import { type Environment, describeChanges, describeEnvironment } from "../runs/environment.ts";
import { firstWith, inOrder } from "../runs/headline.ts";
import { showTime } from "../runs/list-show.ts";
import { writeReport } from "../runs/report.ts";
import { Run, makeUnusedFolder, resumeCommand } from "../runs/run.ts";
import { readStateFile } from "../weights/checkpoint-file.ts";
import { BestWatch, describeBest } from "./watch/best.ts";
import { ByteWatch } from "./watch/byte-watch.ts";
import { type Config, type ConfigInput, configSchema } from "../config/config.ts";
import {
  type DeviceTree,
  disposeTree,
  readScalars,
  stateReader,
  treeReader,
  uploadTree,
} from "../served/device-trees.ts";
import type { Values } from "../served/pass.ts";
import type { Duration } from "../optim/index.ts";
import { type Journal, createJournal } from "./watch/journal.ts";
import { judge, judgeAtEnd } from "./watch/judge.ts";
import type { DeviceFeatures } from "../preprocess/operation.ts";
import { withBackgrounds, withBlack } from "../config/backgrounds.ts";
import { pictureNote } from "./watch/picture-note.ts";
import { inputPictures } from "../served/pictures.ts";
import { FiniteWatch } from "./watch/finite-watch.ts";
import { type Plan, planTraining } from "./plan/plan.ts";
import {
  type Loading,
  type ReadyEvaluation,
  type StoredLoop,
  compileStep,
  createEvaluations,
  firstState,
  restoreState,
} from "./programs.ts";
import { Meter, type Reporter, SILENT, showMetric } from "./watch/progress.ts";
import { type LoopState, Saver } from "./resume/saver.ts";
import { describeLength } from "./resume/longer.ts";
import { checkSameData, nextEpoch } from "./resume/same-data.ts";
import { migrateConfig } from "../config/migrate.ts";
import { validate } from "../config/validate.ts";
import { saveServed, servedState } from "./resume/served-state.ts";
import { shardBatch } from "../engines/mesh.ts";
import { shareOf } from "./devices/sharding.ts";
import { type SplitRecord, recordSplits, slicesOf } from "../served/split-record.ts";
import { openTogether, stopper, together } from "./devices/cluster.ts";
import type { RunFolder } from "./devices/follower.ts";

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
  /** How long to train in all; as long as was planned unless given. A finished run goes on for longer. */
  readonly duration?: Duration;
  /** Whether to go on where the images to train on are others than before, which is an error unless given. */
  readonly acceptChanges?: boolean;
}

/** Options of {@link train}. */
export interface TrainOptions extends RunOptions {
  /** The run folder, or one that is open already; `runs/NAME` unless given, with a number where that exists. */
  readonly workdir?: string | Run;
}

/** What a training yields. */
export interface TrainResult {
  /** Of the first evaluation that has one, at the last step, from 0 to 1; absent when training was interrupted. */
  readonly accuracy?: number;
  readonly loss?: number;
  /** Its expected calibration error, where classes exclude one another. */
  readonly ece?: number;
  /** Values of every evaluation, by its name, in the order of the configuration. */
  readonly evals: Readonly<Record<string, Values>>;
  /** The state that is served and that the values above are of, where `best` names a value; the last one else. */
  readonly best?: { readonly metric: string; readonly value: number; readonly step: number };
  readonly steps: number;
  /** Of this process: what ran before a resumed run was stopped does not count. */
  readonly seconds: number;
  readonly parameters: number;
  readonly engine: string;
  readonly workdir: string;
  readonly interrupted: boolean;
  /** Images that were noticed to have other bytes than when they were read before, of all stretches of the run. */
  readonly changedImages?: number;
}

/** A training under way. */
interface Session {
  readonly config: Config;
  readonly plan: Plan;
  readonly engine: Engine;
  readonly run: RunFolder;
  readonly journal: Journal;
  readonly loading: Loading;
  readonly bytes: ByteWatch;
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
  const given = withBackgrounds(validate(configSchema(), input));
  const config = { ...given, data: withSplitBy(given.data, "class") };
  const plan = await planTraining(config, options.reporter);
  const report = options.reporter && ((line: string) => options.reporter!.line(line));
  const open = async () =>
    workdir instanceof Run
      ? workdir
      : Run.create(workdir ?? (await makeUnusedFolder(join("runs", config.name))), report);
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
  const report = options.reporter && ((line: string) => options.reporter!.line(line));
  const leads = !options.cluster || options.cluster.index === 0;
  const opening = { longer: options.duration !== undefined, report };
  const { run, config: stored } = await (leads
    ? Run.reopen(folder, opening)
    : Run.look(folder, opening));
  try {
    return await resumeRun(run, stored, options);
  } finally {
    run.close();
  }
}

async function resumeRun(run: Run, stored: unknown, options: ResumeOptions): Promise<TrainResult> {
  const { duration, acceptChanges: accept = false } = options;
  const recorded = withBlack(validate(configSchema(), migrateConfig(stored)));
  const data = withSplitBy(recorded.data, "id");
  const config = {
    ...recorded,
    data,
    mesh: options.mesh ?? recorded.mesh,
    duration: duration ?? recorded.duration,
  };
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
    async ({ run, engine, journal, problems, bytes }) => {
      const now = describeEnvironment(engine);
      for (const change of describeChanges(before, now)) {
        journal.line(`changed ${change}; numbers may differ from those of an unbroken run`);
      }
      const newest = await run.checkpoints.newest((file) => readStateFile<LoopState>(file));
      for (const name of newest?.damaged ?? [])
        journal.line(`damaged ${name}; the one before it serves`);
      const loop = newest?.value.loop;
      const trained = config.split;
      const changed = await checkSameData(run, plan, journal, { loop, trained, accept });
      const length =
        loop && (await describeLength(engine, plan, { before: recorded, duration, loop }));
      if (length !== undefined) journal.line(length);
      if (duration) await run.writeJson("config", { ...(stored as object), duration });
      await recordChanges(run, loop?.step ?? 0, [...changed, ...(length ? [length] : [])]);
      if (newest) {
        await bytes.restore(await run.readJson("images"));
        const before = await run.readJson("problems");
        if (isProblems(before)) problems.restore(before);
      }
      run.rewind(newest?.value.loop.logs);
      const step = newest?.value.loop.step ?? 0;
      journal.line(
        step > 0
          ? `resumed after step ${step}`
          : "resumed without a checkpoint: from the beginning",
      );
      if (!newest || changed.length === 0) return newest?.value;
      const { position } = newest.value.loop;
      return {
        ...newest.value,
        loop: { ...newest.value.loop, position: position && nextEpoch(position) },
      };
    },
  );
}

/** Adds what was changed at a step to a run's record; from now on the run has not finished. */
async function recordChanges(
  run: RunFolder,
  step: number,
  changes: readonly string[],
): Promise<void> {
  const result = (await run.readJson("result")) as Partial<TrainResult> | undefined;
  if (result?.interrupted === false)
    await run.writeJson("result", { ...result, interrupted: true });
  if (changes.length === 0) return;
  const before = (await run.readJson("changes")) as { readonly changes?: unknown[] } | undefined;
  const added = changes.map((what) => ({ step, what }));
  await run.writeJson("changes", { changes: [...(before?.changes ?? []), ...added] });
}

/** What is done between the opening of a run and its first step. */
type Prepare = (
  opened: Pick<Session, "run" | "engine" | "journal" | "bytes"> & {
    readonly problems: DataProblems;
  },
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
  planned: Plan,
  open: () => Promise<Run>,
  { engine: chosen, signal, reporter = SILENT, showProgram }: RunOptions,
  prepare: Prepare,
  cluster: JoinedCluster | undefined,
): Promise<TrainResult> {
  const began = performance.now();
  const leads = !cluster || cluster.index === 0;
  if (cluster && planned.best) {
    throw new OcelliError(
      "config",
      "best is for one process: several do not keep the best state.",
      {
        hint: "Leave best and patience out.",
      },
    );
  }
  const openOptions = { mesh: planned.mesh, products: config.products, cluster };
  const engine = await (typeof chosen === "function"
    ? chosen(openOptions)
    : openEngine(chosen, openOptions)); // before there is a folder to leave behind
  if (showProgram) engine.showPrograms?.(showProgram);
  const run = await openTogether(cluster, open).catch(async (error: unknown) => {
    await engine.dispose();
    throw error;
  });
  const journal = createJournal(run, leads ? reporter : SILENT, planned.totalSteps);
  const bytes = new ByteWatch((line) => journal.line(line));
  const plan = bytes.watch(planned);
  const workers = createWorkerPool(cpuBudget().decode);
  const problems = new DataProblems(({ id, reason }) => journal.line(`left out ${id}: ${reason}`));
  try {
    const stored = await prepare({ run, engine, journal, problems, bytes });
    journal.begin(config, plan, engine);
    const trained = await trainLoop({
      config,
      plan,
      engine,
      run,
      journal,
      loading: { workers, onBadImage: config.onBadImage, problems },
      bytes,
      stops: stopper(signal, cluster),
      stored,
    });
    const seconds = Math.round(performance.now() - began) / 1000;
    const changed = bytes.count > 0 && { changedImages: bytes.count };
    const result = { ...trained, ...changed, seconds, engine: engine.name, workdir: run.folder };
    await keepNotes({ run, bytes, problems });
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

/** Keeps what was noticed of the data beside the checkpoint, for when the run goes on. */
async function keepNotes({
  run,
  bytes,
  problems,
}: Pick<Session, "run" | "bytes"> & { readonly problems?: DataProblems }): Promise<void> {
  if (problems?.isWorthKeeping) await run.writeJson("problems", problems);
  if (bytes.isNew) await run.writeJson("images", bytes);
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
  if (stored) state = await restoreState(engine, state, stored, (line) => journal.line(line));
  let { step, position } = stored?.loop ?? { step: 0, position: undefined };
  const trainStep = compileStep(engine, config, plan);
  const recorder = plan.task.record?.();
  const evaluations = createEvaluations(engine, config, plan, loading, recorder);
  const share = shareOf(engine, config.batchSize);
  const rows = share && { first: share.first, of: config.batchSize };
  const batching = { ...config, ...loading, preprocessing: plan.preprocessing.train, share };
  const drawn = plan.labels ? balancedSource(plan.source, plan.labels) : plan.source;
  const batches = prefetch<Batch, LoadedBatch>(trainingBatches(drawn, batching, position), {
    load: async ({ features, next }) => ({
      arrays: await uploadTree(engine, features, shardBatch(engine.mesh, config.batchSize), rows),
      next,
    }),
    release: ({ arrays }) => disposeTree(arrays),
  });
  const tellPictures = pictureNote(loading.problems, plan.preprocessing.train.alpha, journal);
  const meter = new Meter(totalSteps, config.batchSize);
  if (stored) meter.restore(stored.loop.gathered);
  const watch = new FiniteWatch(session, stored?.loop);
  const read = treeReader(engine);
  const saver = new Saver(session.run, plan.checkpoint.retention, stateReader(engine));
  const evals: Record<string, Values> = {};
  const best = new BestWatch(plan.best, stored?.loop.best);
  /** Runs an evaluation; a state that is the best by it is kept to be served. */
  const evaluateAt = async (evaluation: ReadyEvaluation): Promise<void> => {
    const values = await judge(session, evaluation, state, step);
    evals[evaluation.name] = values;
    if (best.see(evaluation.name, values, step)) await saveServed(session, state, step, read);
  };
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
  const save = async (): Promise<void> => {
    await saver.save(state, {
      step,
      position,
      gathered: meter.gathered,
      ...watch.state,
      ...(best.state && { best: best.state }),
      data: { examples: plan.source.length, names: plan.source.names },
    });
    await keepNotes({ ...session, problems: loading.problems });
  };

  try {
    while (step < totalSteps && !best.isOver && !stops(step)) {
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
      journal.step(step);
      position = batch!.next;
      pending = { step, batch: batch!.arrays, metrics: readScalars(next.metrics) };

      if (step === Math.ceil(plan.source.length / config.batchSize)) tellPictures();
      if (step % logSteps === 0 || step === totalSteps) {
        await settle();
        journal.progress(meter.report(step));
      }
      for (const evaluation of evaluations) {
        const { every } = evaluation;
        if (!every || step % every !== 0 || step === totalSteps) continue;
        await meter.outside(evaluateAt(evaluation));
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

  const interrupted = step < totalSteps && !best.isOver;
  let chosen: TrainResult["best"];
  const deciding = evaluations.find(({ name }) => name === plan.best?.evaluation);
  if (!interrupted && deciding && best.state?.step !== step) await evaluateAt(deciding);
  if (!best.state) await saveServed(session, state, step, read);
  if (interrupted)
    journal.line(`stopped after step ${step}; saved ${session.run.path("checkpoint")}`);
  else {
    const { served, of, dispose } = await servedState(session, best, state, step);
    await judgeAtEnd(session, { evaluations, recorder }, served, step, evals);
    dispose();
    if (plan.best) chosen = describeBest(plan.best, evals, of);
    if (chosen) {
      const shown = showMetric(plan.best!.value, chosen.value);
      const early = best.isOver
        ? ` of ${step}, no better one in ${plan.best!.patience} evaluations`
        : "";
      journal.line(`best    ${chosen.metric} ${shown} at step ${of}${early}: this state is served`);
    }
  }
  tellPictures();
  disposeTree(state);
  const inTheirOrder = inOrder(
    evals,
    plan.evaluations.map(({ name }) => name),
  );
  const final = interrupted ? undefined : firstWith(inTheirOrder, "accuracy")?.values;
  return {
    accuracy: final?.accuracy,
    loss: final?.loss,
    ece: final?.ece,
    evals: inTheirOrder,
    ...(chosen && { best: chosen }),
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
