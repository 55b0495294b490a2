/** @file Runs the command line program inside this process and captures what it prints. */

import { main } from "../../src/cli/main.ts";

/** What a call printed, and its exit code. */
export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `ocelli ARGS…`. */
export async function runCli(args: readonly string[]): Promise<Captured> {
  const texts = { stdout: "", stderr: "" };
  const original = { stdout: process.stdout.write, stderr: process.stderr.write };
  const capture = (name: keyof typeof texts) =>
    ((chunk: string | Uint8Array) => {
      texts[name] += typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);
      return true;
    }) as typeof process.stdout.write;
  process.stdout.write = capture("stdout");
  process.stderr.write = capture("stderr");
  try {
    const code = await main(args);
    return { code, ...texts };
  } finally {
    process.stdout.write = original.stdout;
    process.stderr.write = original.stderr;
  }
}

/** The JSON object on the last line of standard output. */
export function lastJson<T>({ stdout }: Captured): T {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as T;
}

/** Arguments of a training that takes a second on the interpreter: 8 steps of 8 digits. */
export const TINY = [
  "--engine=interpreter",
  "--split=train[:64]",
  "--batchSize=8",
  "--duration.steps=8",
  "--model.width=16",
  "--model.depth=1",
  "--model.numHeads=2",
  "--model.mlpDim=32",
  "--model.patchSize=[14,14]",
  "--evals.test.split=test[:20]",
];
