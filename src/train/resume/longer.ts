/** @file A run resumed for longer, or with other images: what that does to its schedule. */

import { type Engine, jit } from "../../engines/engine.ts";
import { OcelliError } from "../../errors.ts";
import { type Tensor, fromNumbers, toNumbers } from "../../graph/index.ts";
import { type Duration, makeOptimizer, toSteps } from "../../optim/index.ts";
import type { Config } from "../../config/config.ts";
import type { Plan } from "../plan/plan.ts";
import type { LoopState } from "./loop-state.ts";

/** A duration in words: `20 epochs`. */
const showDuration = (duration: Duration): string =>
  Object.entries(duration)
    .map(([unit, amount]) => `${amount as number} ${unit}`)
    .join();

/**
 * What becomes of a run whose length in steps is another than before; undefined where it is the same.
 *
 * @param before the configuration that the run had
 * @throws an argument error where a new duration ends before what is trained already
 */
export async function describeLength(
  engine: Engine,
  plan: Plan,
  { before, duration, loop }: { before: Config; duration: Duration | undefined; loop: LoopState },
): Promise<string | undefined> {
  const { batchSize } = before;
  const { step, data } = loop;
  const { totalSteps } = plan;
  const examples = data.examples;
  const old = toSteps(before.duration, { batchSize, examples });
  if (duration && totalSteps <= step) {
    const done = `${step} steps are trained already`;
    throw new OcelliError(
      "argument",
      `${showDuration(duration)} are ${totalSteps} steps, but ${done}.`,
      {
        hint: "Name a longer duration: it counts from the run's beginning.",
      },
    );
  }
  if (old === totalSteps) return undefined;
  const length = `${totalSteps} steps in all instead of ${old}`;
  const optimizer = makeOptimizer(before.optimizer, { batchSize, examples, totalSteps: old });
  const [was, is] = [
    await rateAt(engine, optimizer, step),
    await rateAt(engine, plan.optimizer, step),
  ];
  const rate =
    was === is
      ? `the learning rate goes on at ${showRate(is)}`
      : `the schedule spans them all, so that the learning rate goes on at ${showRate(is)} instead of ${showRate(was)}`;
  return `${length}: ${rate}`;
}

const showRate = (rate: number): string => String(Number(rate.toPrecision(3)));

/** The learning rate at a step. */
async function rateAt(
  engine: Engine,
  { learningRate }: Plan["optimizer"],
  step: number,
): Promise<number> {
  const at = jit(engine, function rate(step: Tensor) {
    return learningRate(step);
  });
  const rate = await at(fromNumbers([step], [], "int32"));
  const [value] = toNumbers(await rate.read());
  rate.dispose();
  return value;
}
