/** @file Long work that Ctrl-C stops in order. */

import type { Output } from "./command.ts";
import { keepGoing } from "./standard-streams.ts";

/** A terminal that closes and what ends a session or a batch job stop as Ctrl-C does. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Programs that start this one pass on what it was sent as well: the same wish arrives twice within milliseconds. */
const SAME_WISH = 200;

/**
 * Runs a training, or other work, that Ctrl-C stops after the current step, and a second one at once. A standard output
 * that is closed or full does not end it.
 *
 * @param told the line at the first Ctrl-C
 */
export async function stoppable<T>(
  output: Output,
  run: (signal: AbortSignal) => Promise<T>,
  told = "stopping after this step; Ctrl-C again stops at once",
): Promise<T> {
  const stop = new AbortController();
  let first = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (!stop.signal.aborted) {
      first = performance.now();
      output.result(told);
      stop.abort();
    } else if (signal !== "SIGHUP" && performance.now() - first > SAME_WISH) process.exit(130);
  };
  const ignore = () => undefined;
  for (const signal of SIGNALS) process.on(signal, onSignal);
  if (process.platform !== "win32") process.on("SIGXFSZ", ignore); // the write fails with EFBIG, and says so
  try {
    return await keepGoing(() => run(stop.signal));
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off("SIGXFSZ", ignore);
  }
}
