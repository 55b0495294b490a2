/** @file Standard output and standard error, which may end or be full before the program is done. */

import { reasonOf } from "../files.ts";

/** Trainings that go on whether their output is read or not. */
let going = 0;
/** Whether a training has lost its output, which is said once. */
let lost = false;

/** Runs what does not end with its readers. */
export async function keepGoing<T>(run: () => Promise<T>): Promise<T> {
  going++;
  try {
    return await run();
  } finally {
    going--;
  }
}

function onOutputError({ code = "" }: NodeJS.ErrnoException): void {
  const reason = code === "EPIPE" ? "nobody reads it any more" : reasonOf(code);
  if (going > 0 || lost) {
    if (!lost) process.stderr.write(`ocelli: standard output is lost: ${reason}; going on\n`);
    lost = true;
    return;
  }
  if (code === "EPIPE") process.exit(0); // who reads has seen enough: `ocelli … | head`
  process.stderr.write(`ocelli: standard output cannot be written: ${reason}.\n`);
  process.exit(1);
}

/** There is nowhere left to say it. */
const ignore = (): void => undefined;

/** Takes care of both streams, once for the process. */
export function watchStreams(): void {
  if (process.stdout.listeners("error").includes(onOutputError)) return;
  process.stdout.on("error", onOutputError);
  process.stderr.on("error", ignore);
}
