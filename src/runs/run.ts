/** @file Run folders: what a training leaves behind. */

import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  statSync,
  writeSync,
} from "node:fs";
import { access, constants, mkdir, readFile, readdir, stat, truncate } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { OcelliError } from "../errors.ts";
import { encodeEvent } from "../formats/events.ts";
import { encodeRecord } from "../formats/tfrecord.ts";
import { PARTIAL, diskError, reasonOf, writeAtomically } from "./atomic.ts";
import { CheckpointStore } from "./checkpoints.ts";
import type { Environment } from "./environment.ts";

/** The files of a run folder. */
const RUN_FILES = {
  /** The whole configuration, defaults filled in. */
  config: "config.json",
  environment: "environment.json",
  /** Which examples the run is trained on and judged by. */
  splits: "splits.json",
  /** What was changed where the run was gone on with. */
  changes: "changes.json",
  /** One JSON object a line: `{ step, … }`. */
  metrics: "metrics.jsonl",
  /** The same for TensorBoard. */
  events: "events.tfevents",
  /** Parameters, variables and what prediction needs. */
  checkpoint: "checkpoint.safetensors",
  /** The result, as `--json` prints it. */
  result: "result.json",
  /** The classes that the last evaluation took for one another, and its most confident mistakes. */
  predictions: "predictions.json",
  /** Examples that were left out, and why. */
  problems: "problems.json",
  /** Checksums of the images that were read. */
  images: "images.json",
  /** Where the first step that was not finite went wrong. */
  nonfinite: "nonfinite.json",
} as const;

type RunFile = keyof typeof RUN_FILES;
type JsonFile = Exclude<RunFile, "metrics" | "events" | "checkpoint">;

/** One line of the metrics: a step, and numbers by name. */
type MetricsLine = Readonly<Record<string, number>> & { readonly step: number };

/** How far the growing files are, in bytes: what a resumed run cuts them back to. */
export interface LogLengths {
  readonly metrics: number;
  readonly events: number;
}

/** A run folder that is being written. It owns its growing files until it is closed. */
export class Run {
  readonly folder: string;
  readonly checkpoints: CheckpointStore;
  private readonly logs = new Map<"metrics" | "events", number>(); // file descriptors

  private constructor(folder: string) {
    this.folder = folder;
    this.checkpoints = new CheckpointStore(join(folder, "checkpoints"));
  }

  /** Makes the folder; one that holds a run already, or cannot be written, is an error. */
  static async create(folder: string): Promise<Run> {
    const names = await prepareFolder(folder);
    const used = Object.values(RUN_FILES).find((name) => names.includes(name));
    if (!used) return new Run(folder);
    const unfinished = names.includes(RUN_FILES.config) && !(await finished(folder));
    throw new OcelliError("argument", `${folder} already holds a run (${used}).`, {
      hint: unfinished
        ? `It has not finished; go on with: ${resumeCommand(folder)}. Or choose another --workdir.`
        : "Choose another --workdir.",
    });
  }

  /** A run that has not finished, unless it is to be `longer`, to be gone on with; `config` is its configuration. */
  static async reopen(
    folder: string,
    { longer = false }: { readonly longer?: boolean } = {},
  ): Promise<{ run: Run; config: unknown }> {
    const text = await readFile(join(folder, RUN_FILES.config), "utf8").catch(() => undefined);
    if (text === undefined) {
      throw new OcelliError(
        "argument",
        `${folder} holds no run to go on with: it has no ${RUN_FILES.config}.`,
        { hint: "Give the folder that ocelli train printed." },
      );
    }
    if (!longer && (await finished(folder))) {
      throw new OcelliError("argument", `${folder} has finished; there is nothing to go on with.`, {
        hint: `To train it longer, name the epochs in all: ${resumeCommand(folder)} --epochs N.`,
      });
    }
    await prepareFolder(folder);
    return { run: new Run(folder), config: JSON.parse(text) as unknown };
  }

  path(file: RunFile): string {
    return join(this.folder, RUN_FILES[file]);
  }

  /** Writes one of the JSON files. */
  writeJson(file: JsonFile, value: object | Environment): Promise<void> {
    return writeAtomically(this.path(file), `${JSON.stringify(value, null, 2)}\n`);
  }

  /** One of the JSON files; undefined where it is absent or damaged. */
  async readJson(file: JsonFile): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.path(file), "utf8")) as unknown;
    } catch {
      return undefined;
    }
  }

  writeCheckpoint(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    return writeAtomically(this.path("checkpoint"), chunks);
  }

  /** Writes pictures, PNG files, into a folder of the run. */
  async writePictures(folder: string, pictures: readonly Uint8Array[]): Promise<void> {
    const path = join(this.folder, folder);
    await makeFolder(path);
    for (const [i, picture] of pictures.entries()) {
      await writeAtomically(join(path, `${String(i).padStart(2, "0")}.png`), [picture]);
    }
  }

  /** Appends a line to the metrics, and the same to TensorBoard's events. */
  log({ step, ...values }: MetricsLine): void {
    this.append("metrics", new TextEncoder().encode(`${JSON.stringify({ step, ...values })}\n`));
    const wallTime = Date.now() / 1000;
    this.append("events", encodeRecord(encodeEvent({ wallTime, step, scalars: values })));
  }

  /** Flushes the growing files to the disk; their lengths. */
  flush(): LogLengths {
    const lengthOf = (file: "metrics" | "events"): number => {
      const descriptor = this.open(file);
      fsyncSync(descriptor);
      return fstatSync(descriptor).size;
    };
    return { metrics: lengthOf("metrics"), events: lengthOf("events") };
  }

  /** Cuts the growing files back to what they were. */
  async rewind(lengths: LogLengths = { metrics: 0, events: 0 }): Promise<void> {
    for (const file of ["metrics", "events"] as const) {
      if (existsSync(this.path(file))) await truncate(this.path(file), lengths[file]);
    }
  }

  private open(file: "metrics" | "events"): number {
    const known = this.logs.get(file);
    if (known !== undefined) return known;
    try {
      const descriptor = openSync(this.path(file), "a");
      this.logs.set(file, descriptor);
      if (file === "events" && fstatSync(descriptor).size === 0) {
        const wallTime = Date.now() / 1000;
        this.append("events", encodeRecord(encodeEvent({ wallTime, fileVersion: 2 })));
      }
      return descriptor;
    } catch (error) {
      throw diskError(this.path(file), error);
    }
  }

  private append(file: "metrics" | "events", bytes: Uint8Array): void {
    const descriptor = this.open(file);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    } catch (error) {
      throw diskError(this.path(file), error);
    }
  }

  close(): void {
    for (const descriptor of this.logs.values()) closeSync(descriptor);
    this.logs.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** How a stopped run is gone on with. */
export const resumeCommand = (folder: string): string =>
  `ocelli train --resume ${/^[\w./~-]+$/.test(folder) ? folder : `'${folder}'`}`;

/** Whether a run came to its end: its result says so. */
async function finished(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, RUN_FILES.result), "utf8").catch(() => undefined);
  if (text === undefined) return false;
  return (JSON.parse(text) as { interrupted?: boolean }).interrupted !== true;
}

/** A folder that exists and can be written; its entries, without unfinished files. */
async function prepareFolder(folder: string): Promise<string[]> {
  try {
    await makeFolder(resolve(folder));
    await access(folder, constants.W_OK);
    return (await readdir(folder)).filter((name) => !name.endsWith(PARTIAL));
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    const isFile = code === "ENOTDIR" || code === "EEXIST";
    const reason = isFile ? "a file is in its way" : reasonOf(code);
    throw new OcelliError("argument", `the run folder ${folder} cannot be written: ${reason}.`, {
      cause,
    });
  }
}

/** Makes a folder and those above it; Node's own way to do so never ends where the system has no room for folders. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(folder)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(folder) === folder || existsSync(dirname(folder))) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
}

/** The first of `base`, `base-2`, `base-3`, … that does not exist. */
export function unusedFolder(base: string): string {
  let folder = base;
  for (let i = 2; existsSync(folder); i++) folder = `${base}-${i}`;
  return folder;
}

/** The checkpoint's file, of a run folder or of the path of a checkpoint; undefined where there is none. */
export function findCheckpoint(path: string): string | undefined {
  const file = checkpointAt(path);
  return existsSync(file) ? file : undefined;
}

function checkpointAt(path: string): string {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  return path.endsWith(".safetensors") && !isFolder ? path : join(path, RUN_FILES.checkpoint);
}

/** The same; an error where there is none. */
export function runCheckpoint(path: string): string {
  const found = findCheckpoint(path);
  if (found !== undefined) return found;
  const hint = existsSync(path)
    ? "A run that has not finished has none; its log says so."
    : "Give the folder that ocelli train printed, or a .safetensors file.";
  throw new OcelliError("data", `there is no checkpoint at ${checkpointAt(path)}.`, { hint });
}
