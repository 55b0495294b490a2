/** @file Stopped runs, resumed to the end that they would have had. */

import { join } from "node:path";
import { readOwn } from "../files.ts";
import { finished } from "../runs/run.ts";
import { type ResumeOptions, type TrainResult, resume as resumeTraining } from "../train/train.ts";
import { mergeRun } from "./classification/adapters.ts";

/**
 * Goes on with a run that was stopped, from its newest checkpoint; a transfer's adapters are written into the kernels at
 * its end. With the same engine build, threads and processor the result is that of a run that never stopped, bit for
 * bit; what has changed is told.
 *
 * @param folder the run folder
 * @throws an argument error where there is nothing to resume; a data error where the data has changed
 */
export async function resume(folder: string, options: ResumeOptions = {}): Promise<TrainResult> {
  const leads = !options.cluster || options.cluster.index === 0;
  const done = leads ? await mergeLate(folder, options) : undefined;
  if (done) return done;
  const result = await resumeTraining(folder, options);
  if (leads && !result.interrupted) await mergeRun(folder, result.engine);
  return result;
}

/** The result of a run that was stopped between its end and the writing of its adapters into the kernels, now done. */
async function mergeLate(
  folder: string,
  { reporter }: ResumeOptions,
): Promise<TrainResult | undefined> {
  if (!(await finished(folder))) return undefined;
  const result = JSON.parse(String(await readOwn(join(folder, "result.json")))) as TrainResult;
  if (!(await mergeRun(folder, result.engine))) return undefined;
  reporter?.line(`done: ${folder}`);
  return result;
}
