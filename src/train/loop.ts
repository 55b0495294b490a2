/** @file The training loop: batch after batch, with what is logged, evaluated and saved on the way. */

import { balancedSource } from "../data/classification/balanced.ts";
import { type Batch, trainingBatches } from "../data/stream/batches.ts";
import { besideBatches, besideSeed } from "../data/stream/beside.ts";
import { prefetch } from "../data/stream/prefetch.ts";
import type { DataProblems } from "../data/problems.ts";
import { type Engine, jit } from "../engines/engine.ts";
import { shardBatch } from "../engines/mesh.ts";
import { OcelliError } from "../errors.ts";
import { type Headline, headlineOf, inOrder } from "../runs/headline.ts";
import { embeddedSource } from "./embeddings.ts";
import { BestWatch, describeBest } from "./watch/best.ts";
import type { ByteWatch } from "./watch/byte-watch.ts";
import type { Config } from "../config/config.ts";
import {
  type DeviceTree,
  disposeTree,
  readScalars,
  stateReader,
  treeReader,
  uploadTree,
} from "../served/device-trees.ts";
import type { Values } from "../served/pass.ts";
import type { Journal } from "./watch/journal.ts";
import { headlineNote } from "./watch/headline-note.ts";
import { judge, judgeAtEnd } from "./watch/judge.ts";
import type { DeviceFeatures } from "../preprocess/operation.ts";
import { pictureNote } from "./watch/picture-note.ts";
import { inputPictures } from "../served/pictures.ts";
import { collapseNote } from "./watch/collapse-note.ts";
import { FiniteWatch } from "./watch/finite-watch.ts";
import type { Plan } from "./plan/plan.ts";
import type { Unlabelled } from "./plan/unlabelled.ts";
import {
  type Loading,
  type ReadyEvaluation,
  type StoredLoop,
  TRAIN_STEP,
  compileStep,
  createEvaluations,
  firstState,
  restoreState,
} from "./programs.ts";
import { Meter, showMetric } from "./watch/progress.ts";
import { Saver } from "./resume/saver.ts";
import { saveServed, servedState } from "./resume/served-state.ts";
import { shareOf } from "./devices/sharding.ts";
import type { RunFolder } from "./devices/follower.ts";

/** What a training came to. */
export interface Trained {
  /** The value that the task is judged by, as {@link headlineOf} finds it; absent when training was interrupted. */
  readonly headline?: Headline;
  /** Of the same evaluation, where it has them: accuracy from 0 to 1, and expected calibration error. */
  readonly accuracy?: number;
  readonly loss?: number;
  readonly ece?: number;
  /** Values of every evaluation, by its name, in the order of the configuration. */
  readonly evals: Readonly<Record<string, Values>>;
  /** The state that is served and that the values above are of, where `best` names a value; the last one else. */
  readonly best?: { readonly metric: string; readonly value: number; readonly step: number };
  readonly steps: number;
  readonly parameters: number;
  readonly interrupted: boolean;
}

/** A training under way. */
export interface Session {
  readonly config: Config;
  readonly plan: Plan;
  readonly engine: Engine;
  readonly run: RunFolder;
  readonly journal: Journal;
  readonly loading: Loading;
  readonly bytes: ByteWatch;
  /** Whether training is to end before a step. */
  readonly stops: (step: number) => boolean;
  /** Where a resumed run begins; undefined for a new one. */
  readonly stored: StoredLoop | undefined;
}

/** Keeps what was noticed of the data beside the checkpoint, for when the run resumes. */
export async function keepNotes({
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

/** Says which operators of the step do not run on the engine's GPU. */
function tellFallbacks({ fallbacks }: Engine, journal: Journal): void {
  const found = fallbacks?.get(TRAIN_STEP);
  if (!found) return;
  const counts = Object.entries(found).sort(([, a], [, b]) => b - a);
  const list = counts.map(([operator, n]) => `${operator} ${n}`).join(", ");
  journal.line(`        computed on the processor in each step: ${list}`);
}

/** Trains to the end, or until it is stopped, and judges the state that is served. */
export async function trainLoop(session: Session): Promise<Trained> {
  const { config, plan, engine, journal, loading, stops, stored } = session;
  const { totalSteps, logSteps, parameters } = plan;
  let state = await firstState(engine, config, plan);
  if (stored) state = await restoreState(engine, state, stored, (line) => journal.line(line));
  let { step, position } = stored?.loop ?? { step: 0, position: undefined };
  const begun = step;
  const trainStep = compileStep(engine, config, plan);
  const recorder = plan.task.record?.();
  const evaluations = createEvaluations(engine, config, plan, loading, recorder);
  const share = shareOf(engine, config.batchSize);
  const rows = share && { first: share.first, of: config.batchSize };
  const batching = { ...config, ...loading, preprocessing: plan.preprocessing.train, share };
  const second = plan.unlabelled;
  if (second && engine.part) throw onlyAlone();
  const source = plan.locked ? await embeddedSource(session, plan.locked, state) : plan.source;
  const drawn = plan.labels ? balancedSource(source, plan.labels) : source;
  const own = trainingBatches(drawn, batching, position);
  const stream = second
    ? besideBatches(
        own,
        trainingBatches(second.source, secondBatching(session, second), position?.beside),
      )
    : own;
  const batches = prefetch<Batch, LoadedBatch>(stream, {
    load: async ({ features, next }) => ({
      arrays: await uploadTree(engine, features, shardBatch(engine.mesh, config.batchSize), rows),
      next,
    }),
    release: ({ arrays }) => disposeTree(arrays),
  });
  const tellPictures = pictureNote(loading.problems, plan.preprocessing.train.alpha, journal);
  const tellCollapse = collapseNote(journal);
  const meter = new Meter(totalSteps, config.batchSize + (second?.batchSize ?? 0));
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
    tellCollapse(of, values);
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
      if (step === 0 && !plan.locked) await saveInputs(session, batch!.arrays);
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
      if (step === begun + 1) tellFallbacks(engine, journal); // the step is compiled now
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
  let chosen: Trained["best"];
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
  const judged = interrupted ? undefined : headlineOf(inTheirOrder, plan.headline);
  const note = interrupted ? undefined : headlineNote(plan, judged?.headline);
  if (note !== undefined) journal.line(note);
  const { accuracy, loss, ece } = (judged && inTheirOrder[judged.evaluation]) ?? {};
  return {
    headline: judged?.headline,
    accuracy,
    loss,
    ece,
    evals: inTheirOrder,
    ...(chosen && { best: chosen }),
    steps: step,
    parameters,
    interrupted,
  };
}

/** How the batches of a second stream are made. */
const secondBatching = (
  { config, loading }: Session,
  { preprocessing, batchSize, name }: Unlabelled,
) => ({
  ...loading,
  ...{ preprocessing, batchSize, split: name, seed: besideSeed(config.seed) },
});

const onlyAlone = (): OcelliError =>
  new OcelliError("config", "unlabelled images are for one process: several do not share them.", {
    hint: "Leave --cluster out; one process may still compute over several devices.",
  });

/** Saves some inputs of the first step as the model sees them. */
async function saveInputs({ engine, plan, run }: Session, batch: DeviceTree): Promise<void> {
  const show = jit(engine, function inputs(raw: DeviceFeatures) {
    return plan.preprocessing.train.onDevice(raw).image;
  });
  const image = await show(batch);
  const pictures = await inputPictures(await image.read());
  image.dispose();
  await run.writePictures(pictures);
}
