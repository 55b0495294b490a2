/** @file Whether a resumed run's data is the data that it was begun with. */

import type { Position } from "../../data/stream/order.ts";
import { OcelliError } from "../../errors.ts";
import type { Journal } from "../watch/journal.ts";
import type { Plan } from "../plan/plan.ts";
import { type LoopState, namesOf } from "./loop-state.ts";
import { type SplitRecord, recordSplits, splitChanges } from "../../served/split-record.ts";
import type { RunFolder } from "../devices/follower.ts";

const ACCEPT = "Undo the change, or resume with the data as it is now: --accept-changes.";

/** What of the data is checked against. */
interface Before {
  /** Where the loop stood; undefined where nothing was trained yet. */
  readonly loop: LoopState | undefined;
  /** The split that is trained on. */
  readonly trained: string;
  /** Whether a run may resume with other training images. */
  readonly accept: boolean;
}

/**
 * Checks the examples of a resumed run against those that it recorded. Others that it is judged by are told. Where nothing
 * was trained yet, the record is made anew.
 *
 * @returns the changes of what is trained on that were accepted, a line each
 * @throws a data error where other examples are trained on and that is not accepted, or where the names are others
 */
export async function checkSameData(
  run: RunFolder,
  plan: Plan,
  journal: Journal,
  { loop, trained, accept }: Before,
): Promise<string[]> {
  const before = (await run.readJson("splits")) as SplitRecord | undefined;
  const now = await recordSplits(plan);
  for (const [field, known] of Object.entries(loop ? namesOf(loop) : {})) {
    if (String(plan.source.names[field] ?? []) === String(known)) continue;
    throw new OcelliError(
      "data",
      `the data has changed since the run was stopped: other names of ${field}.`,
    );
  }
  const accepted: string[] = [];
  const take = (change: string): void => {
    const what = `the data has changed since the run was stopped: ${change}`;
    if (!accept) throw new OcelliError("data", `${what}.`, { hint: ACCEPT });
    accepted.push(change);
    journal.line(`${what}; accepted`);
  };
  for (const [split, change] of before && loop ? splitChanges(before, now) : []) {
    const what = `${split}: ${change}`;
    if (split === trained || split === plan.unlabelled?.name) take(what);
    else {
      journal.line(
        `the data has changed since the run was stopped: ${what}; its values are of other images than before`,
      );
    }
  }
  if (loop && accepted.length === 0 && plan.source.length !== loop.data.examples) {
    take(`${loop.data.examples} training images before, ${plan.source.length} now`);
  }
  if (!before || !loop || accepted.length > 0) await run.writeJson("splits", now);
  return accepted;
}

/** The beginning of the epoch after a place: a place in an order of other examples means nothing. */
export function nextEpoch({ epoch, index, parts, beside }: Position): Position {
  const begun = epoch + (index > 0 ? 1 : 0);
  return {
    ...{ epoch: begun, index: 0 },
    ...(parts && { parts: parts.map(nextEpoch) }),
    ...(beside && { beside: nextEpoch(beside) }),
  };
}
