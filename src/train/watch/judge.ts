/** @file The evaluations of a training, run and told. */

import { JUDGED } from "../../evaluate/index.ts";
import type { Values } from "../../served/pass.ts";
import { picturesOf } from "../../served/pictures.ts";
import type { Recorder } from "../../tasks/index.ts";
import type { RunFolder } from "../devices/follower.ts";
import type { Plan } from "../plan/plan.ts";
import type { DeviceState, ReadyEvaluation } from "../programs.ts";
import type { Journal } from "./journal.ts";

/** What evaluations need of a training. */
interface Judging {
  readonly plan: Plan;
  readonly run: RunFolder;
  readonly journal: Journal;
}

/** Runs an evaluation of the plan, and tells it. */
export async function judge(
  { journal }: Pick<Judging, "journal">,
  { name, run: evaluate }: ReadyEvaluation,
  state: DeviceState,
  step: number,
  record = false,
): Promise<Values> {
  const values = await evaluate(state, { record });
  journal.evaluation(step, name, values);
  return values;
}

/** The evaluations at the last step, into `evals`; what the recorder kept is written for the report. */
export async function judgeAtEnd(
  { plan, run, journal }: Judging,
  {
    evaluations,
    recorder,
  }: {
    readonly evaluations: readonly ReadyEvaluation[];
    readonly recorder: Recorder | undefined;
  },
  state: DeviceState,
  step: number,
  evals: Record<string, Values>,
): Promise<void> {
  for (const evaluation of evaluations) {
    evals[evaluation.name] = await judge({ journal }, evaluation, state, step, true);
  }
  const recorded = plan.evaluations[plan.recorded];
  if (!recorder || !recorded) return;
  const { source, preprocessing } = recorded.streams[JUDGED];
  const summary = await recorder.summary(picturesOf(source, preprocessing.alpha));
  if (summary !== undefined) await run.writeJson(recorder.file, summary);
}
