/** @file `ocelli train`: a configuration, overrides, and the one training loop. */

import { type ClusterPlace, parseCluster } from "../engines/cluster/place.ts";
import { ENGINE_NAMES } from "../engines/select.ts";
import { OcelliError, unknownName } from "../errors.ts";
import type { Duration } from "../optim/index.ts";
import type { TrainResult } from "../train/train.ts";
import { type Call, type Command, type Output, QUIET_FLAG, USE_FLAG } from "./command.ts";
import { readConfig } from "./read-config.ts";
import { stoppable } from "./stoppable.ts";

const FLAGS = {
  data: {
    type: "text",
    value: "PATH",
    help: "your data: a folder with a folder per class, .tar, .parquet, …",
  },
  workdir: { type: "text", value: "DIR", help: "run folder (default: runs/NAME, numbered)" },
  engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
  cluster: {
    type: "text",
    value: "PLACE",
    help: "multi-process training: coordinator=HOST:PORT,process=0,processes=2, or env",
  },
  "print-program": {
    type: "switch",
    help: "print every program before it is compiled (engines xla-…)",
  },
  resume: {
    type: "text",
    value: "RUN",
    help: "resume a stopped run; with --epochs N, train until N epochs in total",
  },
  "accept-changes": {
    type: "switch",
    help: "with --resume: accept that the training images have changed",
  },
  quiet: QUIET_FLAG,
  use: USE_FLAG,
} as const;

export const train: Command = {
  name: "train",
  summary: "Train a model from a recipe or a configuration file",
  operands: "CONFIG",
  arity: [0, 1],
  flags: FLAGS,
  takesOverrides: true,
  examples: [
    "ocelli train quickstart",
    "ocelli train quickstart --duration.epochs 1 --lr 3e-4 --workdir runs/short",
    "ocelli train folder --data pets",
    "ocelli train folder --data pets --best validation/loss --patience 5 --balance sampling",
    "ocelli train ./my-config.ts --seed 1 --json",
    "ocelli train --resume runs/quickstart",
    "ocelli train --resume runs/quickstart --epochs 20",
  ],
  async run({ operands: [name], texts, switches, overrides }, output) {
    const engine = texts.get("engine");
    if (engine !== undefined && !ENGINE_NAMES.includes(engine)) {
      throw unknownName("engine", engine, ENGINE_NAMES, "argument");
    }
    const placed = texts.get("cluster");
    const cluster = placed === undefined ? undefined : parseCluster(placed);
    const showProgram = switches.has("print-program") ? printer(engine, output) : undefined;
    const workdir = texts.get("workdir");
    const folder = texts.get("resume");
    if (folder !== undefined) {
      const mesh = overrides.find(([key]) => key === "mesh")?.[1];
      const duration = newDuration(overrides);
      const known = ["mesh", ...Object.keys(DURATIONS)];
      const others = overrides.flatMap(([key]) => (known.includes(key) ? [] : [`--${key}`]));
      const given = [name, workdir && "--workdir", texts.get("data") && "--data", ...others];
      checkResume(given.filter((it) => it !== undefined && it !== ""));
      const { resume } = await import("../transfer/resume.ts");
      const acceptChanges = switches.has("accept-changes");
      const changed = { mesh, duration, acceptChanges };
      return inCluster(cluster, async () => {
        const result = await stoppable(output, (signal) =>
          resume(folder, { ...changed, engine, cluster, signal, showProgram, reporter: output }),
        );
        return tellResult(result, output);
      });
    }
    if (switches.has("accept-changes")) {
      throw new OcelliError("argument", "--accept-changes is for --resume RUN.");
    }
    if (name === undefined) {
      throw new OcelliError("argument", "ocelli train: it needs CONFIG.", {
        hint: "See ocelli train --help.",
      });
    }
    const config = await readConfig(name, { overrides, data: texts.get("data"), flags: FLAGS });
    const { train: trainModel } = await import("../train/train.ts");
    return inCluster(cluster, async () => {
      const result = await stoppable(output, (signal) =>
        trainModel(config, { workdir, engine, cluster, signal, showProgram, reporter: output }),
      );
      return tellResult(result, output);
    });
  },
};

/** The run folder with its headline, on one line. */
async function tellResult(result: TrainResult, output: Output): Promise<TrainResult> {
  const { showValue } = await import("../runs/list-show.ts");
  const { workdir, headline, interrupted, steps } = result;
  const value = headline && `${headline.metric} ${showValue(headline.metric, headline.value)}`;
  output.result(
    `result  ${workdir}: ${interrupted ? `stopped at step ${steps}` : (value ?? "trained, not judged")}`,
  );
  return result;
}

/** Prints programs; an error for an engine that is known to have no text of them. */
function printer(engine: string | undefined, output: Output): (text: string) => void {
  if (engine === undefined || !engine.startsWith("xla-")) {
    throw new OcelliError(
      "argument",
      `--print-program is for XLA; the engine is ${engine ?? "auto"}.`,
      {
        hint: "Add --engine xla-cpu, or another that ocelli engines lists.",
      },
    );
  }
  return (text) => output.line(text);
}

/** Time for the error's line to be written. */
const LAST_WORDS_MS = 1000;

/** Runs a training; where it fails in a cluster, what still waits for a process that is gone does not keep this one. */
async function inCluster<T>(cluster: ClusterPlace | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const isLost = error instanceof OcelliError && error.code === "engine";
    if (cluster && isLost) setTimeout(() => process.exit(1), LAST_WORDS_MS).unref();
    throw error;
  }
}

/** How a new duration of a resumed run is written, and its unit. */
const DURATIONS = {
  epochs: "epochs",
  steps: "steps",
  "duration.epochs": "epochs",
  "duration.steps": "steps",
} as const;

/** The duration that a resumed run is to have from now on; undefined where none is named. */
function newDuration(overrides: Call["overrides"]): Duration | undefined {
  const named = overrides.filter(([key]) => Object.hasOwn(DURATIONS, key));
  if (named.length === 0) return undefined;
  const [[key, text]] = named;
  const unit = DURATIONS[key as keyof typeof DURATIONS];
  const amount = Number(text);
  const isValid = unit === "steps" ? /^\d+$/.test(text) && amount > 0 : amount > 0;
  if (named.length === 1 && isValid && Number.isFinite(amount)) {
    return unit === "steps" ? { steps: amount } : { epochs: amount };
  }
  const problem =
    named.length > 1 ? "is given with another duration" : `must be a number above 0, not "${text}"`;
  throw new OcelliError("argument", `--${key} ${problem}.`, {
    hint: "It says how long the run is in all.",
  });
}

/** A resumed run has its configuration and its folder. */
function checkResume([given]: readonly (string | undefined)[]): void {
  if (given === undefined) return;
  throw new OcelliError("argument", `--resume RUN takes neither a configuration nor ${given}.`, {
    hint: "A run resumes with its own configuration; only --epochs, --steps, --mesh and --accept-changes may change it.",
  });
}
