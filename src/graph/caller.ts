/** @file Where in the user's code an operation was called, for error messages. */

/** This directory and that of the layers beside it: frames in them are not the user's. */
const INSIDE = ["./", "../nn/"].map((path) => new URL(path, import.meta.url).href);

/** "at file:line" of the nearest frame outside the graph and layer code; empty where the stack is unknown. */
export function callerLine(): string {
  const frame = deepStack().find(
    (line) =>
      !line.includes("node:") && !INSIDE.some((directory) => asUrl(line).includes(directory)),
  );
  const place = frame?.match(/([^()\s]+:\d+):\d+\)?$/)?.[1];
  return place ? `at ${place.replace(/^file:\/\//, "")}` : "";
}

/** The stack's lines; engines keep ten frames unless asked for more. */
function deepStack(): string[] {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  const stack = new Error().stack?.split("\n").slice(1) ?? [];
  Error.stackTraceLimit = limit;
  return stack;
}

/** A stack line with its file as a URL, as `import.meta.url` is. */
const asUrl = (line: string): string => line.replace(/(\(|at )(\/)/, "$1file://$2");
