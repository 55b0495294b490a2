/** @file Run folders: what a training leaves behind. */

import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  writeSync,
} from "node:fs";
import { access, constants, mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { OcelliError } from "../errors.ts";
import { encodeEvent } from "../formats/events.ts";
import { encodeRecord } from "../formats/tfrecord.ts";
import {
  diskError,
  makeFolder,
  makeOwnFolder,
  openGrowing,
  readOwn,
  reasonOf,
  removePartials,
  writeAtomically,
} from "../files.ts";
import { CheckpointStore } from "./checkpoints.ts";
import type { Environment } from "./environment.ts";
import { type FolderLock, lockFolder } from "./lock/lock.ts";
import { isObject } from "./read-config.ts";

/** The files of a run folder. */
export const RUN_FILES = {
  /** The whole configuration, defaults filled in. */
  config: "config.json",
  environment: "environment.json",
  /** Definitions of the user that the configuration names, and their files. */
  definitions: "definitions.json",
  /** What the model is, beside its arrays, and what it is judged by. */
  card: "card.json",
  /** The vocabulary of the task's tokenizer, as its file was. */
  tokenizer: "tokenizer.vocabulary",
  /** Which examples the run is trained on and judged by. */
  splits: "splits.json",
  /** What was changed when the run was resumed. */
  changes: "changes.json",
  /** One JSON object a line: `{ step, … }`. */
  metrics: "metrics.jsonl",
  /** The same for TensorBoard. */
  events: "events.tfevents",
  /** Parameters, variables and what prediction needs. */
  checkpoint: "checkpoint.safetensors",
  /** All arrays of the objective in the best state, where one is served and evaluations read the objective. */
  best: "best.safetensors",
  /** The result, as `--json` prints it. */
  result: "result.json",
  /** What the last evaluation of a classifier took for what, and its most confident mistakes. */
  predictions: "predictions.json",
  /** What the model answers for some examples. */
  answers: "answers.json",
  /** Examples that were left out, and why. */
  problems: "problems.json",
  /** Checksums of the images that were read. */
  images: "images.json",
  /** Where the first step that was not finite went wrong. */
  nonfinite: "nonfinite.json",
} as const;

/** The folder of some inputs as the model sees them. */
const PICTURES = "augmented";

/** Files of a model's arrays. */
type Checkpoint = "checkpoint" | "best";
type RunFile = keyof typeof RUN_FILES;
type JsonFile = Exclude<RunFile, "metrics" | "events" | "tokenizer" | Checkpoint>;

/** One line of the metrics: a step, and numbers by name. */
type MetricsLine = Readonly<Record<string, number>> & { readonly step: number };

/** How far the growing files are, in bytes: what a resumed run cuts them back to. */
export interface LogLengths {
  readonly metrics: number;
  readonly events: number;
}

/** Told what is worth knowing while a run folder is opened, such as that a stale lock was taken over. */
type Report = (line: string) => void;

/** In place of a lock where another process of a cluster holds it. */
const NOT_OURS: FolderLock = {
  check() {
    throw new OcelliError("argument", "another process of the cluster writes the run folder.");
  },
  release: () => undefined,
};

/** A run folder that is being written, by this process alone. It owns its lock and its growing files until it is closed. */
export class Run {
  readonly folder: string;
  readonly checkpoints: CheckpointStore;
  private readonly lock: FolderLock;
  private readonly logs = new Map<"metrics" | "events", number>(); // file descriptors

  private constructor(folder: string, lock: FolderLock) {
    this.folder = folder;
    this.lock = lock;
    this.checkpoints = new CheckpointStore(join(folder, "checkpoints"), () => lock.check());
  }

  /** Makes the folder; one that holds a run already, is being written by another process, or cannot be written, is an error. */
  static create(folder: string, report?: Report): Promise<Run> {
    return Run.opened(folder, report, async () => {
      const names = await readdir(folder);
      const used = Object.values(RUN_FILES).filter((name) => names.includes(name));
      if (isUnbegun(used, await readConfig(folder), await finished(folder))) {
        for (const name of used) await rm(join(folder, name));
        return;
      }
      const unfinished = names.includes(RUN_FILES.config) && !(await finished(folder));
      throw new OcelliError("argument", `${folder} already holds a run (${used[0]}).`, {
        hint: unfinished
          ? `It has not finished; resume it with: ${resumeCommand(folder)}. Or choose another --workdir.`
          : "Choose another --workdir.",
      });
    });
  }

  /** A run that has not finished, unless it is to be `longer`, to be resumed; `config` is its configuration. */
  static async reopen(
    folder: string,
    { longer = false, report }: { readonly longer?: boolean; readonly report?: Report } = {},
  ): Promise<{ run: Run; config: unknown }> {
    await resumable(folder, longer);
    let config: unknown;
    const run = await Run.opened(folder, report, async () => {
      config = await resumable(folder, longer); // as whoever wrote there before has left it
    });
    return { run, config };
  }

  /** The same as a process sees it that computes along with the one that writes. */
  static async look(
    folder: string,
    { longer = false }: { readonly longer?: boolean } = {},
  ): Promise<{ run: Run; config: unknown }> {
    return { run: new Run(folder, NOT_OURS), config: await resumable(folder, longer) };
  }

  /** Locks a folder, checks it, and clears away what interrupted writes left. */
  private static async opened(
    folder: string,
    report: Report | undefined,
    check: () => Promise<void>,
  ): Promise<Run> {
    await prepareFolder(folder);
    const run = new Run(folder, await lockFolder(folder, { report }));
    try {
      await check();
      for (const place of [folder, join(folder, PICTURES)]) await removePartials(place);
      await run.checkpoints.clean();
      return run;
    } catch (error) {
      run.close();
      throw error;
    }
  }

  path(file: RunFile): string {
    return join(this.folder, RUN_FILES[file]);
  }

  /** Writes one of the JSON files. */
  async writeJson(file: JsonFile, value: object | Environment): Promise<void> {
    this.lock.check();
    await writeAtomically(this.path(file), `${JSON.stringify(value, null, 2)}\n`);
  }

  /** One of the JSON files; undefined where it is absent or damaged. */
  async readJson(file: JsonFile): Promise<unknown> {
    try {
      return JSON.parse(String(await readOwn(this.path(file)))) as unknown;
    } catch {
      return undefined;
    }
  }

  async writeCheckpoint(
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    file: Checkpoint = "checkpoint",
  ): Promise<void> {
    this.lock.check();
    await writeAtomically(this.path(file), chunks);
  }

  /** Writes the copy of the tokenizer's vocabulary. */
  async writeTokenizer(bytes: Uint8Array): Promise<void> {
    this.lock.check();
    await writeAtomically(this.path("tokenizer"), [bytes]);
  }

  /** Writes pictures, PNG files, into a folder of the run. */
  async writePictures(pictures: readonly Uint8Array[]): Promise<void> {
    const path = join(this.folder, PICTURES);
    this.lock.check();
    try {
      await makeOwnFolder(path);
    } catch (error) {
      throw diskError(path, error);
    }
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
  rewind(lengths: LogLengths = { metrics: 0, events: 0 }): void {
    for (const file of ["metrics", "events"] as const) {
      if (!existsSync(this.path(file))) continue;
      const descriptor = this.open(file);
      if (fstatSync(descriptor).size > lengths[file]) ftruncateSync(descriptor, lengths[file]);
    }
    this.closeLogs(); // an empty file gets its head when it is opened
  }

  private open(file: "metrics" | "events"): number {
    const known = this.logs.get(file);
    if (known !== undefined) return known;
    try {
      const descriptor = openGrowing(this.path(file));
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
    this.lock.check();
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    } catch (error) {
      throw diskError(this.path(file), error);
    }
  }

  private closeLogs(): void {
    for (const descriptor of this.logs.values()) closeSync(descriptor);
    this.logs.clear();
  }

  /** Closes the growing files, and gives the folder free. */
  close(): void {
    this.closeLogs();
    this.lock.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A path as a shell takes it. */
export const shellWord = (path: string): string =>
  /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;

/** The command line that resumes a stopped run, by the command that began it. */
export const resumeCommand = (folder: string, command: "train" | "pretrain" = "train"): string =>
  `ocelli ${command} --resume ${shellWord(folder)}`;

/** An object from one of a run's files; undefined where it is absent, damaged or a link. */
async function readObject(folder: string, file: JsonFile) {
  try {
    const value: unknown = JSON.parse(String(await readOwn(join(folder, RUN_FILES[file]))));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const readConfig = (folder: string) => readObject(folder, "config");

/** Whether a run came to its end: its result says so. */
export async function finished(folder: string): Promise<boolean> {
  const result = await readObject(folder, "result");
  return result !== undefined && result.interrupted !== true;
}

/** The configuration of a run that can be resumed. */
async function resumable(folder: string, longer: boolean): Promise<unknown> {
  if (lstatSync(join(folder, RUN_FILES.config), { throwIfNoEntry: false }) === undefined) {
    throw new OcelliError(
      "argument",
      `${folder} holds no run to resume: it has no ${RUN_FILES.config}.`,
      { hint: "Give the folder that ocelli train printed." },
    );
  }
  const config = await readConfig(folder);
  if (config === undefined) {
    throw new OcelliError("format", `${join(folder, RUN_FILES.config)} is damaged, or a link.`);
  }
  if (!longer && (await finished(folder))) {
    throw new OcelliError("argument", `${folder} has finished; there is nothing to resume.`, {
      hint: `To train it longer, give the total number of epochs: ${resumeCommand(folder)} --epochs N.`,
    });
  }
  return config;
}

/**
 * Whether a folder's files are what a start left that was killed: a training writes its configuration last, and a
 * probe's files are all written at its end, so that it is made again.
 */
function isUnbegun(
  used: readonly string[],
  config: Readonly<Record<string, unknown>> | undefined,
  hasFinished: boolean,
): boolean {
  if (hasFinished) return false;
  if (config) return isObject(config.transfer);
  const first: readonly string[] = [
    RUN_FILES.environment,
    RUN_FILES.splits,
    RUN_FILES.card,
    RUN_FILES.tokenizer,
  ];
  return used.every((name) => first.includes(name));
}

/** A folder that exists and can be written. */
async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(resolve(folder));
    await access(folder, constants.W_OK);
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    const isFile = code === "ENOTDIR" || code === "EEXIST";
    const reason = isFile ? "a file is in its way" : reasonOf(code);
    throw new OcelliError("argument", `the run folder ${folder} cannot be written: ${reason}.`, {
      cause,
    });
  }
}

/** Makes the first of `base`, `base-2`, `base-3`, … that does not exist: of two that ask at once, each has its own. */
export async function makeUnusedFolder(base: string): Promise<string> {
  await makeFolder(dirname(resolve(base)));
  for (let i = 1; ; i++) {
    const folder = i === 1 ? base : `${base}-${i}`;
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw diskError(folder, error);
    }
  }
}
