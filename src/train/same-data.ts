/** @file Whether a resumed run's data is the data that it was begun with. */

import { OcelliError } from "../errors.ts";
import type { Journal } from "./journal.ts";
import type { Plan } from "./plan.ts";
import type { LoopState } from "./saver.ts";
import { type SplitRecord, recordSplits, splitChanges } from "./split-record.ts";
import type { RunFolder } from "./witness.ts";

/** An error where the data is not what a checkpoint's position is of. */
export function checkData({ source }: Plan, { data }: LoopState): void {
  if (source.length !== data.examples) {
    const counts = `${data.examples} training images before, ${source.length} now`;
    throw new OcelliError("data", `the data has changed since the run was stopped: ${counts}.`);
  }
  if (String(source.classes) !== String(data.classes)) {
    throw new OcelliError("data", "the data has changed since the run was stopped: other classes.");
  }
}

/**
 * An error where the examples trained on are others than a run recorded; others that it is judged by are told. Where
 * nothing was trained yet, without a journal, the record is made anew.
 */
export async function checkSplits(
  run: RunFolder,
  plan: Plan,
  trained: string,
  journal?: Journal,
): Promise<void> {
  const before = (await run.readJson("splits")) as SplitRecord | undefined;
  const now = await recordSplits(plan);
  if (!before || !journal) return run.writeJson("splits", now);
  for (const [split, change] of splitChanges(before, now)) {
    const what = `the data has changed since the run was stopped: ${split} has ${change}`;
    if (split === trained) throw new OcelliError("data", `${what}.`);
    journal.line(`${what}; its values are of other images than before`);
  }
}
