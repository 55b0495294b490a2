/** @file The evaluations of a training, run and told. */

import type { Values } from "../../served/pass.ts";
import type { Journal } from "./journal.ts";
import type { Plan } from "../plan/plan.ts";
import { Predictions } from "../../served/predictions.ts";
import type { DeviceState, ReadyEvaluation } from "../programs.ts";
import type { RunFolder } from "../devices/follower.ts";

/** What evaluations need of a training. */
interface Judging {
  readonly plan: Plan;
  readonly run: RunFolder;
  readonly journal: Journal;
}

/**
 * Runs an evaluation of the plan, and tells it: beside an accuracy, how far confidence is from it, where classes exclude
 * one another. `seen` is what the model took for what.
 */
export async function judge(
  { plan, journal }: Judging,
  { name, run: evaluate }: ReadyEvaluation,
  state: DeviceState,
  step: number,
): Promise<{ readonly values: Values; readonly seen: Predictions }> {
  const { source } = plan.evaluations.find((planned) => planned.name === name)!;
  const seen = new Predictions(plan.card.classes, source, plan.preprocessing.eval.alpha);
  const measured = await evaluate(state, (batch) => seen.see(batch));
  const isSure = measured.accuracy !== undefined && plan.card.loss === "softmax";
  const values = isSure && seen.ece !== undefined ? { ...measured, ece: seen.ece } : measured;
  journal.evaluation(step, name, values);
  return { values, seen };
}

/** The evaluations at the last step, into `evals`; what the first one with an accuracy took for what is kept. */
export async function judgeAtEnd(
  session: Judging,
  evaluations: readonly ReadyEvaluation[],
  state: DeviceState,
  step: number,
  evals: Record<string, Values>,
): Promise<void> {
  const judged = [];
  for (const evaluation of evaluations) {
    const one = await judge(session, evaluation, state, step);
    evals[evaluation.name] = one.values;
    judged.push(one);
  }
  const kept = judged.find(({ values }) => values.accuracy !== undefined) ?? judged.at(0);
  if (kept && kept.seen.count > 0) {
    await session.run.writeJson("predictions", await kept.seen.summary());
  }
}
