/** @file Operations of a user in other threads: those whose files are known are loaded there. */

import { fileOf, isAddition } from "../../define.ts";
import { OPERATIONS } from "../../preprocess/operations.ts";
import { parseCalls } from "../../preprocess/parse.ts";

/** The files of operations that were added, and the names of those without a file, which stay in this thread. */
export function travelling(): {
  readonly files: readonly string[];
  readonly stay: readonly string[];
} {
  const added = OPERATIONS.filter(isAddition);
  const files = added.map(fileOf).filter((file) => file !== undefined);
  const stay = added.filter((operation) => fileOf(operation) === undefined);
  return { files: [...new Set(files)], stay: stay.map(({ name }) => name) };
}

/** Whether other threads can run a preprocessing. */
export function travels(text: string): boolean {
  const { stay } = travelling();
  return stay.length === 0 || !parseCalls(text).some(({ name }) => stay.includes(name));
}
