/** @file Stopped runs, gone on with to the end that they would have had. */

import { type ResumeOptions, type TrainResult, resume as resumeTraining } from "../train.ts";
import { mergeRun } from "./adapters.ts";

/**
 * Goes on with a run that was stopped, from its newest checkpoint; a transfer's adapters are written into the kernels at
 * its end. With the same engine build, threads and processor the result is that of a run that never stopped, bit for
 * bit; what has changed is told.
 *
 * @param folder the run folder
 * @throws an argument error where there is nothing to go on with; a data error where the data has changed
 */
export async function resume(folder: string, options: ResumeOptions = {}): Promise<TrainResult> {
  const result = await resumeTraining(folder, options);
  const leads = !options.cluster || options.cluster.index === 0;
  if (leads && !result.interrupted) await mergeRun(folder, result.engine);
  return result;
}
