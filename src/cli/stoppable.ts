/** @file Training that Ctrl-C stops in order. */

import type { Output } from "./command.ts";

/** Runs a training that Ctrl-C stops after the current step, and a second one at once. */
export async function stoppable<T>(
  output: Output,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130);
    output.line("stopping after this step; Ctrl-C again stops at once");
    stop.abort();
  };
  const ignore = () => undefined;
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  if (process.platform !== "win32") process.on("SIGXFSZ", ignore); // the write fails with EFBIG, and says so
  try {
    return await run(stop.signal);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGXFSZ", ignore);
  }
}
