/** @file A child process that is asked by lines and answers each by a line of JSON. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { OcelliError } from "../src/errors.ts";

/** The process's side that asks. */
export interface Lines {
  /** The next line of its own accord, such as the first. */
  next(): Promise<unknown>;
  /** Its answer to a line. */
  ask(line: string): Promise<unknown>;
  /** Ends the process at once, such as after another one has failed. */
  [Symbol.dispose](): void;
}

/**
 * Starts a process; `name` is what errors call it.
 *
 * @throws an engine error with the last words of a process that ends early
 */
export function openLines(
  name: string,
  [command, ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Lines {
  const child = spawn(command, args, { stdio: "pipe", env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let errors = "";
  child.stderr.on("data", (text: Buffer) => (errors = (errors + text.toString()).slice(-2000)));
  child.stdin.on("error", () => undefined); // the answer that does not come says why
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) throw new OcelliError("engine", `the worker ${name} ended early: ${errors.trim()}`);
    return JSON.parse(value as string) as unknown;
  };
  return {
    next,
    ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    [Symbol.dispose]: () => void child.kill(),
  };
}
