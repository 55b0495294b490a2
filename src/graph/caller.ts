/** @file Where in the user's code an operation was called, for error messages. */

/** This directory and that of the layers beside it: frames in them are not the user's. */
const INSIDE = ["./", "../nn/"].map((path) => new URL(path, import.meta.url).href);

/** "at file:line" of the nearest frame outside the graph and layer code; empty where the stack is unknown. */
export function callerLine(): string {
  for (const line of deepStack()) {
    const place = /([^()\s]+:\d+):\d+\)?$/.exec(line)?.[1];
    if (!place || place.startsWith("node:")) continue;
    const url = place.startsWith("/") ? `file://${place}` : place;
    if (!INSIDE.some((directory) => url.startsWith(directory))) {
      return `at ${place.replace(/^file:\/\//, "")}`;
    }
  }
  return "";
}

/** The stack's lines; engines keep ten frames unless asked for more. */
function deepStack(): string[] {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  const stack = new Error().stack?.split("\n").slice(1) ?? [];
  Error.stackTraceLimit = limit;
  return stack;
}
