/** @file Trainings that the page starts: child processes of `ocelli train`, which it can stop. */

import { type ChildProcess, spawn } from "node:child_process";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
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
  /** Settles once it has ended, or could not be started. */
  readonly end: Promise<void>;
  state: Training["state"];
  lines: string[];
}

/** Starts and stops trainings. */
export class Launcher {
  readonly #dir: string;
  readonly #program: string;
  readonly #started = new Map<string, Started>();
  /** Names of runs that are about to start: two requests at once must not share a folder. */
  readonly #starting = new Set<string>();
  #isClosed = false;

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

  /** How many still run. */
  get going(): number {
    return [...this.#started.values()].filter(isGoing).length;
  }

  /**
   * Starts a training.
   *
   * @throws an argument error where the run exists, or too many are under way
   */
  async start(wanted: Start): Promise<void> {
    const { name } = wanted;
    if (this.going + this.#starting.size >= AT_ONCE) {
      throw new OcelliError("argument", `${AT_ONCE} trainings run already; stop one first.`);
    }
    const taken = () =>
      new OcelliError("argument", `there is a run ${name} already; choose another name.`);
    const known = this.#started.get(name);
    if (this.#starting.has(name) || (known && isGoing(known))) throw taken();
    this.#starting.add(name);
    try {
      const workdir = join(this.#dir, name);
      if (await lstat(workdir).then(() => true, () => false)) throw taken(); // prettier-ignore
      if (this.#isClosed) throw new OcelliError("argument", "the page's server is about to end.");
      this.#spawn(workdir, wanted);
    } finally {
      this.#starting.delete(name);
    }
  }

  #spawn(workdir: string, { recipe, name, data, engine, values }: Start): void {
    // `--key=value` keeps a value that begins with dashes a value.
    const flags = [
      `--workdir=${workdir}`,
      ...(data === undefined ? [] : [`--data=${data}`]),
      ...(engine === undefined ? [] : [`--engine=${engine}`]),
      ...values.map(([key, value]) => `--${key}=${value}`),
    ];
    const child = spawn(process.execPath, [this.#program, "train", recipe, ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      // Ctrl-C in a terminal goes to the whole group: it would arrive there and, from here, a second time
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const started: Started = { child, end, state: "running", lines: [] };
    this.#started.delete(name);
    this.#started.set(name, started);
    this.#forget();
    const hear = (line: string): void => {
      started.lines = [...started.lines, line].slice(-LINES);
    };
    hearLines(child.stdout, hear);
    hearLines(child.stderr, hear);
    child.on("error", (error) => {
      started.state = "failed";
      hear(error.message);
      resolve();
    });
    child.on("close", (code, signal) => {
      // the signal itself ends a program that has only begun to load
      const isStopped = code === 130 || (signal === "SIGINT" && started.state === "stopping");
      started.state = code === 0 || isStopped ? "ended" : "failed";
      resolve();
    });
  }

  /**
   * Stops a training after its current step, as Ctrl-C does.
   *
   * @throws an argument error for a run that was not started here, or has ended
   */
  stop(name: string): void {
    const started = this.#started.get(name);
    if (!started || hasExited(started)) {
      throw new OcelliError("argument", `no training of ${name} was started here and still runs.`);
    }
    if (started.state === "stopping") return; // a second signal would end it without saving
    started.state = "stopping";
    started.child.kill("SIGINT");
  }

  /** Stops them all, and waits until what they learned is saved and they have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const going = [...this.#started].filter(([, started]) => isGoing(started));
    for (const [name, started] of going) if (!hasExited(started)) this.stop(name);
    await Promise.all(going.map(([, { end }]) => end));
  }

  #forget(): void {
    for (const [name, { state }] of this.#started) {
      if (this.#started.size <= KEPT) return;
      if (state === "ended" || state === "failed") this.#started.delete(name);
    }
  }
}

const isGoing = ({ state }: Started): boolean => state === "running" || state === "stopping";

const hasExited = ({ child }: Started): boolean =>
  child.exitCode !== null || child.signalCode !== null;

/** Hears the lines of a stream, cut where they are long, as they are complete. */
function hearLines(stream: Readable, hear: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8"); // a character may come in two pieces
  stream.on("data", (piece: string) => {
    const lines = (rest + piece).split("\n").map((line) => line.slice(0, LONGEST));
    rest = lines.pop() ?? "";
    lines.filter(Boolean).forEach(hear);
  });
  stream.on("end", () => {
    if (rest !== "") hear(rest);
  });
}
