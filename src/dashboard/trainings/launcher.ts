/** @file Trainings that the page starts: child processes of `ocelli train`, which it can stop. */

import { type ChildProcess, spawn } from "node:child_process";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { OcelliError } from "../../errors.ts";

/** Trainings under way at a time. */
const AT_ONCE = 4;
/** Trainings that are remembered, and lines of each. */
const KEPT = 20;
const LINES = 12;
/** Characters of a line. */
const LONGEST = 400;

/** What a training is started with; all of it is checked by who reads the form. */
export interface Start {
  readonly recipe: string;
  /** The run's name below the folder of runs. */
  readonly name: string;
  /** A path or name, as `--data` takes it. */
  readonly data?: string;
  readonly engine?: string;
  /** Values of the configuration by key, as texts. */
  readonly values: readonly (readonly [key: string, value: string])[];
}

/** A training that the page started. */
export interface Training {
  readonly run: string;
  readonly state: "running" | "stopping" | "ended" | "failed";
  /** What it said last. */
  readonly lines: readonly string[];
}

interface Started {
  readonly child: ChildProcess;
  state: Training["state"];
  lines: string[];
}

/** Starts and stops trainings. */
export class Launcher {
  readonly #dir: string;
  readonly #program: string;
  readonly #started = new Map<string, Started>();

  /**
   * @param dir the folder of runs
   * @param program the file of the command line program
   */
  constructor(dir: string, program: string) {
    this.#dir = dir;
    this.#program = program;
  }

  /** The trainings that were started, the newest last. */
  list(): Training[] {
    return [...this.#started].map(([run, { state, lines }]) => ({ run, state, lines }));
  }

  /**
   * Starts a training.
   *
   * @throws an argument error where the run exists, or too many are under way
   */
  async start({ recipe, name, data, engine, values }: Start): Promise<void> {
    const isGoing = ({ state }: Started) => state === "running" || state === "stopping";
    if ([...this.#started.values()].filter(isGoing).length >= AT_ONCE) {
      throw new OcelliError("argument", `${AT_ONCE} trainings run already; stop one first.`);
    }
    const workdir = join(this.#dir, name);
    const known = this.#started.get(name);
    const exists = await lstat(workdir).then(() => true, () => false); // prettier-ignore
    if (exists || (known && isGoing(known))) {
      throw new OcelliError("argument", `there is a run ${name} already; choose another name.`);
    }
    // `--key=value` keeps a value that begins with dashes a value.
    const flags = [
      `--workdir=${workdir}`,
      ...(data === undefined ? [] : [`--data=${data}`]),
      ...(engine === undefined ? [] : [`--engine=${engine}`]),
      ...values.map(([key, value]) => `--${key}=${value}`),
    ];
    const child = spawn(process.execPath, [this.#program, "train", recipe, ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    const started: Started = { child, state: "running", lines: [] };
    this.#started.delete(name);
    this.#started.set(name, started);
    this.#forget();
    const hear = (chunk: Buffer): void => {
      const lines = [...started.lines, ...chunk.toString("utf8").split("\n")];
      started.lines = lines.filter(Boolean).slice(-LINES).map((line) => line.slice(0, LONGEST)); // prettier-ignore
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", (error) => {
      started.state = "failed";
      hear(Buffer.from(error.message));
    });
    child.on("close", (code) => {
      started.state = code === 0 || code === 130 ? "ended" : "failed";
    });
  }

  /**
   * Stops a training after its current step, as Ctrl-C does.
   *
   * @throws an argument error for a run that was not started here, or has ended
   */
  stop(name: string): void {
    const started = this.#started.get(name);
    if (!started || started.child.exitCode !== null || started.child.signalCode !== null) {
      throw new OcelliError("argument", `no training of ${name} was started here and still runs.`);
    }
    if (started.state === "stopping") return; // a second signal would end it without saving
    started.state = "stopping";
    started.child.kill("SIGINT");
  }

  /** Stops them all, as the page's server ends. */
  close(): void {
    for (const [name, { state }] of this.#started) if (state === "running") this.stop(name);
  }

  #forget(): void {
    for (const [name, { state }] of this.#started) {
      if (this.#started.size <= KEPT) return;
      if (state === "ended" || state === "failed") this.#started.delete(name);
    }
  }
}
