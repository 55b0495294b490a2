/** @file Trainings opened and closed: planned, begun or resumed in a run folder, on an engine, and its result written. */

import { join } from "node:path";
import { withSplitBy } from "../data/config.ts";
import { DataProblems, isProblems } from "../data/problems.ts";
import { createWorkerPool } from "../data/stream/workers.ts";
import type { JoinedCluster } from "../engines/cluster/join.ts";
import type { ClusterPlace } from "../engines/cluster/place.ts";
import type { Engine } from "../engines/engine.ts";
import type { Choice } from "../engines/fastest.ts";
import { type OpenOptions, deviceCandidates, openEngine } from "../engines/select.ts";
import { openForTraining } from "./devices/trial.ts";
import { cpuBudget } from "../engines/threads.ts";
import { OcelliError } from "../errors.ts";
import { type Environment, describeChanges, describeEnvironment } from "../runs/environment.ts";
import { showTime } from "../runs/list-show.ts";
import { writeReport } from "../runs/report.ts";
import { Run, makeUnusedFolder, resumeCommand } from "../runs/run.ts";
import { readStateFile } from "../weights/checkpoint-file.ts";
import { ByteWatch } from "./watch/byte-watch.ts";
import { type Config, configSchema } from "../config/config.ts";
import { type ConfigWith, type Definition, use as useDefinitions } from "../config/use.ts";
import { recordDefinitions, useRunFiles } from "../served/modules.ts";
import type { Duration } from "../optim/index.ts";
import { createJournal } from "./watch/journal.ts";
import { withBackgrounds, withBlack } from "../config/backgrounds.ts";
import { type Session, type Trained, keepNotes, trainLoop } from "./loop.ts";
import { type Plan, planTraining } from "./plan/plan.ts";
import type { StoredLoop } from "./programs.ts";
import { type Reporter, SILENT } from "./watch/progress.ts";
import type { LoopState } from "./resume/loop-state.ts";
import { describeLength } from "./resume/longer.ts";
import { describeServed } from "./resume/served-state.ts";
import { checkSameData, nextEpoch } from "./resume/same-data.ts";
import { migrateConfig } from "../config/migrate.ts";
import { validate } from "../config/validate.ts";
import { type SplitRecord, recordSplits, slicesOf } from "../served/split-record.ts";
import { withRecordedTokenizer } from "../served/tokenizers.ts";
import { openTogether, stopper, together } from "./devices/cluster.ts";
import type { RunFolder } from "./devices/follower.ts";

/** Options of {@link train} and {@link resume}. */
export interface RunOptions {
  /** The engine's name, or what opens one of your own. Default: `auto`, or the one that a resumed run recorded. */
  readonly engine?: string | ((options: OpenOptions) => Promise<Engine>);
  /** This process's place among several that train together. Default: it trains alone. */
  readonly cluster?: ClusterPlace;
  /** Aborted: the current step is finished and saved, and training ends. */
  readonly signal?: AbortSignal;
  /** Definitions of your own that the configuration names. */
  readonly use?: readonly Definition[];
  /** Where progress is told. Default: nowhere. */
  readonly reporter?: Reporter;
  /** Shown every program in the engine's own language, such as StableHLO, before it is compiled. */
  readonly showProgram?: (text: string) => void;
  /** The command that a stopped run is said to be resumed by. Default: "train". */
  readonly command?: "train" | "pretrain";
}

/** Options of {@link resume}. */
export interface ResumeOptions extends RunOptions {
  /** Devices to compute over from now on, such as `data=4`. Default: those of before. */
  readonly mesh?: string;
  /** How long to train in all. Default: as long as was planned. A finished run trains further. */
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
export interface TrainResult extends Trained {
  /** Of this process: what ran before a resumed run was stopped does not count. */
  readonly seconds: number;
  readonly engine: string;
  readonly workdir: string;
  /** Images that were noticed to have other bytes than when they were read before, of all stretches of the run. */
  readonly changedImages?: number;
}

/**
 * Trains a model.
 *
 * @throws a configuration error of one line; data, disk, engine and argument errors that say how to mend them
 * @example
 * const { accuracy, workdir } = await train(quickstart, { workdir: "runs/first" });
 */
export async function train<const Use extends readonly Definition[] = []>(
  input: ConfigWith<NoInfer<Use>>,
  { workdir, ...options }: TrainOptions & { readonly use?: Use } = {},
): Promise<TrainResult> {
  useDefinitions(options.use ?? []);
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
    await run.writeJson("card", describeServed(plan, config));
    if (plan.tokenizer) await run.writeTokenizer(plan.tokenizer.bytes);
    await recordDefinitions(run, config);
    await run.writeJson("config", config); // the last: a folder that has it can be resumed
    return undefined;
  });
}

/**
 * Goes on with a run that was stopped, from its newest checkpoint. With the same engine build, threads and processor
 * the result is that of a run that never stopped, bit for bit; what has changed is told.
 *
 * @param folder the run folder
 * @throws an argument error where there is nothing to resume; a data error where the data has changed
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
  useDefinitions(options.use ?? []);
  await useRunFiles(run.folder);
  const recorded = withBlack(validate(configSchema(), migrateConfig(stored)));
  const data = withSplitBy(recorded.data, "id");
  const config = {
    ...recorded,
    data,
    mesh: options.mesh ?? recorded.mesh,
    duration: duration ?? recorded.duration,
  };
  const begun = (await run.checkpoints.steps()).length > 0;
  const started = begun ? { ...config, init: undefined } : config; // a checkpoint has all that it needs
  const planned = withRecordedTokenizer(started, await run.readJson("card"));
  const record = ((await run.readJson("splits")) ?? {}) as Partial<SplitRecord>;
  const plan = await planTraining(planned, options.reporter, {
    slices: slicesOf(record),
    folder: run.folder,
  });
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
      await recordDefinitions(run, recorded); // their files may lie elsewhere now
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

/** Opens the engine of a training: the one that was chosen, or the fastest device. */
async function openFor(
  config: Config,
  plan: Plan,
  chosen: RunOptions["engine"],
  options: OpenOptions,
): Promise<Choice> {
  if (typeof chosen === "function") return { engine: await chosen(options) };
  const { mesh, products, cluster } = options;
  const isFree = (chosen ?? "auto") === "auto" && !mesh && !products && !cluster;
  const candidates = isFree ? deviceCandidates() : [];
  return candidates.length > 1
    ? openForTraining(config, plan, candidates)
    : { engine: await openEngine(chosen, options) };
}

/** Runs the loop between the opening and the closing of what it needs. */
async function runProcess(
  config: Config,
  planned: Plan,
  open: () => Promise<Run>,
  { engine: chosen, signal, reporter = SILENT, showProgram, command }: RunOptions,
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
  const { engine, because } = await openFor(config, planned, chosen, openOptions); // before there is a folder to leave behind
  if (showProgram) engine.showPrograms?.(showProgram);
  const run = await openTogether(cluster, open).catch(async (error: unknown) => {
    await engine.dispose();
    throw error;
  });
  const journal = createJournal(run, leads ? reporter : SILENT, {
    total: planned.totalSteps,
    perEpoch: planned.source.length / config.batchSize,
  });
  const bytes = new ByteWatch((line) => journal.line(line));
  const plan = bytes.watch(planned);
  const workers = createWorkerPool(cpuBudget().decode);
  const problems = new DataProblems(({ id, reason }) => journal.line(`left out ${id}: ${reason}`));
  try {
    const stored = await prepare({ run, engine, journal, problems, bytes });
    journal.begin(config, plan, engine);
    if (because) journal.line(`        ${because}`);
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
    if (result.interrupted) journal.line(`resume with: ${resumeCommand(run.folder, command)}`);
    else journal.line(`done in ${showTime(seconds)}: ${run.folder}`);
    return result;
  } catch (error) {
    const isFull = error instanceof OcelliError && error.code === "disk";
    if (isFull || (await run.checkpoints.steps()).length > 0) {
      journal.line(`stopped by an error; resume with: ${resumeCommand(run.folder, command)}`);
    }
    throw error;
  } finally {
    workers[Symbol.dispose]();
    run.close();
    await engine.dispose();
  }
}
