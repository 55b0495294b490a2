/** @file Run folders: what a training leaves behind. */

import { closeSync, existsSync, openSync, writeSync } from "node:fs";
import { access, constants, mkdir, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { OcelliError } from "../errors.ts";
import { writeAtomically } from "./atomic.ts";
import type { Environment } from "./environment.ts";

/** The files of a run folder. */
const RUN_FILES = {
  /** The whole configuration, defaults filled in. */
  config: "config.json",
  environment: "environment.json",
  /** One JSON object a line: `{ step, … }`. */
  metrics: "metrics.jsonl",
  /** Parameters, variables and what prediction needs. */
  checkpoint: "checkpoint.safetensors",
  /** The result, as `--json` prints it. */
  result: "result.json",
} as const;

/** One line of the metrics: a step, and numbers by name. */
type MetricsLine = Readonly<Record<string, number>> & { readonly step: number };

/** A run folder that is being written. It owns the metrics file until it is closed. */
export class Run {
  readonly folder: string;
  private readonly metrics: number; // a file descriptor

  private constructor(folder: string) {
    this.folder = folder;
    this.metrics = openSync(this.path("metrics"), "a");
  }

  /** Makes the folder; one that holds a run already, or cannot be written, is an error. */
  static async create(folder: string): Promise<Run> {
    const names = await prepareFolder(folder);
    const used = Object.values(RUN_FILES).find((name) => names.includes(name));
    if (used) {
      throw new OcelliError("argument", `${folder} already holds a run (${used}).`, {
        hint: "Choose another --workdir.",
      });
    }
    return new Run(folder);
  }

  path(file: keyof typeof RUN_FILES): string {
    return join(this.folder, RUN_FILES[file]);
  }

  /** Writes one of the JSON files. */
  writeJson(file: "config" | "environment" | "result", value: object | Environment): Promise<void> {
    return writeAtomically(this.path(file), `${JSON.stringify(value, null, 2)}\n`);
  }

  writeCheckpoint(chunks: readonly Uint8Array[]): Promise<void> {
    return writeAtomically(this.path("checkpoint"), chunks);
  }

  /** Appends a line to the metrics. */
  log(line: MetricsLine): void {
    writeSync(this.metrics, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.metrics);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A folder that exists and can be written; its entries. */
async function prepareFolder(folder: string): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return await readdir(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOTDIR" || code === "EEXIST" ? "a file is in its way" : String(code);
    throw new OcelliError("argument", `the run folder ${folder} cannot be written: ${reason}.`, {
      cause,
    });
  }
}

/** The first of `base`, `base-2`, `base-3`, … that does not exist. */
export function unusedFolder(base: string): string {
  let folder = base;
  for (let i = 2; existsSync(folder); i++) folder = `${base}-${i}`;
  return folder;
}

/** The checkpoint's bytes, of a run folder or of the path of a checkpoint. */
export async function readRunCheckpoint(path: string): Promise<Uint8Array> {
  const file = /\.safetensors$/.test(path) ? path : join(path, RUN_FILES.checkpoint);
  try {
    return await readFile(file);
  } catch (cause) {
    const hint = existsSync(path)
      ? "A run that has not finished has none; its log says so."
      : "Give the folder that ocelli train printed, or a .safetensors file.";
    throw new OcelliError("data", `there is no checkpoint at ${file}.`, { hint, cause });
  }
}
