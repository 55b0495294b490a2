/** @file The best state of a training by one value of an evaluation, and when to stop as there is no better one. */

import { OcelliError, unknownName } from "../../errors.ts";
import { moreIsBetter } from "../../runs/list-show.ts";
import type { Config } from "../../config/config.ts";
import type { Values } from "../../served/pass.ts";

/** Which value decides. */
export interface BestRule {
  /** `NAME/VALUE` as the configuration has it. */
  readonly metric: string;
  /** The evaluation's name, and its value's. */
  readonly evaluation: string;
  readonly value: string;
  readonly isMore: boolean;
  /** Evaluations in a row without a better value after which training ends. */
  readonly patience: number | undefined;
}

/** The best value so far, as a checkpoint keeps it. */
export interface BestState {
  readonly value: number;
  readonly step: number;
  /** Evaluations since. */
  readonly since: number;
}

/**
 * The rule of a configuration, for evaluations of these names; undefined where it has none.
 *
 * @throws a configuration error for an evaluation that is not there, or a value that is neither good nor bad
 */
export function planBest(
  { best: metric, patience }: Pick<Config, "best" | "patience">,
  evaluations: readonly string[],
): BestRule | undefined {
  if (metric === undefined) {
    if (patience === undefined) return undefined;
    throw new OcelliError("config", "patience needs a value to wait for.", {
      hint: `Name it as best, such as --best ${evaluations[0]}/loss.`,
    });
  }
  const at = metric.lastIndexOf("/");
  const [evaluation, value] = [metric.slice(0, Math.max(0, at)), metric.slice(at + 1)];
  if (!evaluations.includes(evaluation)) {
    const valid = evaluations.map((name) => `${name}/${value || "loss"}`);
    throw unknownName("value of an evaluation", metric, valid, "config");
  }
  const isMore = moreIsBetter(value);
  if (isMore === undefined) {
    throw new OcelliError("config", `of "${value}" neither more nor less is better.`, {
      hint: `Take another value, such as --best ${evaluation}/loss.`,
    });
  }
  return { metric, evaluation, value, isMore, patience };
}

/** Follows the best value. */
export class BestWatch {
  readonly rule: BestRule | undefined;
  #state: BestState | undefined;

  constructor(rule: BestRule | undefined, stored: BestState | undefined) {
    this.rule = rule;
    this.#state = stored;
  }

  /** The best so far; undefined before the first evaluation. */
  get state(): BestState | undefined {
    return this.#state;
  }

  /** Whether training ends, as `patience` evaluations in a row brought nothing better. */
  get isOver(): boolean {
    const patience = this.rule?.patience;
    return patience !== undefined && (this.#state?.since ?? 0) >= patience;
  }

  /** Takes in an evaluation; true where its value is the best so far. */
  see(name: string, values: Values, step: number): boolean {
    if (!this.rule || name !== this.rule.evaluation) return false;
    const { value: key, metric, isMore } = this.rule;
    if (!Object.hasOwn(values, key)) {
      const valid = Object.keys(values).map((valid) => `${name}/${valid}`);
      throw unknownName("value of an evaluation", metric, valid, "config");
    }
    const value = values[key];
    const before = this.#state;
    const isBetter = !before || (isMore ? value > before.value : value < before.value);
    this.#state = isBetter ? { value, step, since: 0 } : { ...before, since: before.since + 1 };
    return isBetter;
  }
}

/** What a result says of the state that is served, from the values that it has. */
export const describeBest = (
  { metric, evaluation, value }: BestRule,
  evals: Readonly<Record<string, Values>>,
  step: number,
) => ({ metric, value: evals[evaluation][value], step });
