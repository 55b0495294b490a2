/** @file Where in the user's code an operation was called, for error messages. */

const HERE = /[\\/]src[\\/](graph|nn)[\\/]/;

/** "at file:line" of the nearest frame outside the graph and layer code; empty where the stack is unknown. */
export function callerLine(): string {
  const stack = new Error().stack?.split("\n").slice(1) ?? [];
  const frame = stack.find(
    (line) => !HERE.test(line) && !line.includes("node:") && !line.includes("errors.ts"),
  );
  const place = frame?.match(/\(?((?:file:\/\/)?[^()\s]+:\d+):\d+\)?$/)?.[1];
  return place ? `at ${place.replace(/^file:\/\//, "")}` : "";
}
