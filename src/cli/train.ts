/** @file `ocelli train`: a configuration, overrides, and the one training loop. */

import { ENGINE_NAMES } from "../engines/select.ts";
import { OcelliError, unknownName } from "../errors.ts";
import type { Command } from "./command.ts";
import { readConfig } from "./read-config.ts";
import { stoppable } from "./stoppable.ts";

const FLAGS = {
  data: {
    type: "text",
    value: "PATH",
    help: "your images: a folder with a folder per class, .tar, .parquet, …",
  },
  workdir: { type: "text", value: "DIR", help: "the run folder (runs/NAME, numbered)" },
  engine: { type: "text", value: "E", help: "auto, ort, xla-cpu, … (auto)" },
  resume: { type: "text", value: "RUN", help: "go on with a run that was stopped, by its folder" },
} as const;

export const train: Command = {
  name: "train",
  summary: "Train a model by a recipe or a configuration file",
  operands: "CONFIG",
  arity: [0, 1],
  flags: FLAGS,
  takesOverrides: true,
  examples: [
    "ocelli train quickstart",
    "ocelli train quickstart --duration.epochs 1 --lr 3e-4 --workdir runs/short",
    "ocelli train folder --data pets",
    "ocelli train ./my-config.ts --seed 1 --json",
    "ocelli train --resume runs/quickstart",
  ],
  async run({ operands: [name], texts, overrides }, output) {
    const engine = texts.get("engine");
    if (engine !== undefined && !ENGINE_NAMES.includes(engine)) {
      throw unknownName("engine", engine, ENGINE_NAMES, "argument");
    }
    const workdir = texts.get("workdir");
    const folder = texts.get("resume");
    if (folder !== undefined) {
      const mesh = overrides.find(([key]) => key === "mesh")?.[1];
      const others = overrides.flatMap(([key]) => (key === "mesh" ? [] : [`--${key}`]));
      const given = [name, workdir && "--workdir", texts.get("data") && "--data", ...others];
      checkResume(given.filter((it) => it !== undefined && it !== ""));
      const { resume } = await import("../train/train.ts");
      return stoppable(output, (signal) =>
        resume(folder, { engine, mesh, signal, reporter: output }),
      );
    }
    if (name === undefined) {
      throw new OcelliError("argument", "ocelli train: it needs CONFIG.", {
        hint: "See ocelli train --help.",
      });
    }
    const config = await readConfig(name, { overrides, data: texts.get("data"), flags: FLAGS });
    const { train: trainModel } = await import("../train/train.ts");
    return stoppable(output, (signal) =>
      trainModel(config, { workdir, engine, signal, reporter: output }),
    );
  },
};

/** A resumed run has its configuration and its folder. */
function checkResume([given]: readonly (string | undefined)[]): void {
  if (given === undefined) return;
  throw new OcelliError("argument", `--resume RUN takes neither a configuration nor ${given}.`, {
    hint: "The run goes on as it was begun.",
  });
}
