/** @file Watches for steps that are not finite: the first one is explained, too many in a row end the training. */

import type { Engine } from "../../engines/engine.ts";
import { OcelliError } from "../../errors.ts";
import { objectiveAt } from "../../objectives/index.ts";
import type { Config } from "../../config/config.ts";
import type { DeviceTree } from "../../served/device-trees.ts";
import type { Values } from "../../served/pass.ts";
import { describeNonFinite, explainNonFinite } from "./nonfinite.ts";
import type { Plan } from "../plan/plan.ts";
import type { DeviceState } from "../programs.ts";
import type { RunFolder } from "../devices/follower.ts";

/** What the watch needs of a training. */
interface Watched {
  readonly config: Config;
  readonly plan: Plan;
  readonly engine: Engine;
  readonly run: RunFolder;
  readonly journal: { line(text: string): void };
}

/** How far the watch is, as a checkpoint keeps it. */
interface WatchState {
  /** Steps in a row that were not finite. */
  readonly skipped: number;
  readonly explained: boolean;
}

/** Sees the metrics of every step. */
export class FiniteWatch {
  private readonly training: Watched;
  private skipped: number;
  private explained: boolean;

  constructor(
    training: Watched,
    { skipped, explained }: WatchState = { skipped: 0, explained: false },
  ) {
    this.training = training;
    this.skipped = skipped;
    this.explained = explained;
  }

  get state(): WatchState {
    return { skipped: this.skipped, explained: this.explained };
  }

  /**
   * What to give a step as `updates` (see `makeTrainStep`): until one step was explained, every step before was an
   * update or left out for the loss scale's sake, and a step after one that was not is held back; -1 for any number.
   */
  updates(step: number): number {
    return this.explained ? -1 : step;
  }

  /**
   * Takes in a step's metrics. The first that is not finite is replayed: `state` is still that before it. A step that was
   * left out for the loss scale's sake is none of these.
   *
   * @returns whether it was: then the step after it was held back
   * @throws a diverged error after too many in a row
   */
  async see(step: number, values: Values, state: DeviceState, batch: DeviceTree): Promise<boolean> {
    if (values.skipped === 0) {
      this.skipped = 0;
      return false;
    }
    if (values.overflowed === 1) return false;
    this.skipped++;
    const first = !this.explained;
    if (first) await this.explain(step, state, batch);
    const { maxSkipped } = this.training.config;
    if (this.skipped < maxSkipped) return first;
    throw new OcelliError(
      "diverged",
      `${maxSkipped} steps in a row, the last of them step ${step}, were not finite.`,
      {
        hint: `${this.training.run.path("nonfinite")} says where it began. Try a smaller learning rate.`,
      },
    );
  }

  private async explain(step: number, state: DeviceState, batch: DeviceTree): Promise<void> {
    const { config, plan, engine, run, journal } = this.training;
    this.explained = true;
    const objective = objectiveAt(plan.objective, step - 1);
    const found = await explainNonFinite(engine, config, { ...plan, objective }, state, batch);
    await run.writeJson("nonfinite", { step, ...found });
    journal.line(`step ${step} is not finite and left out: ${describeNonFinite(found)}`);
  }
}
