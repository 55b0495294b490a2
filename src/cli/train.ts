/** @file `ocelli train`: a configuration, overrides, and the one training loop. */

import { ENGINE_NAMES } from "../engines/select.ts";
import { unknownName } from "../errors.ts";
import type { Command } from "./command.ts";
import { loadConfig } from "./load-config.ts";

const FLAGS = {
  workdir: { type: "text", value: "DIR", help: "the run folder (runs/NAME, numbered)" },
  engine: { type: "text", value: "E", help: "auto, ort or interpreter (auto)" },
} as const;

export const train: Command = {
  name: "train",
  summary: "Train a model by a recipe or a configuration file",
  operands: "CONFIG",
  arity: [1, 1],
  flags: FLAGS,
  takesOverrides: true,
  examples: [
    "ocelli train quickstart",
    "ocelli train quickstart --duration.epochs 1 --lr 3e-4 --workdir runs/short",
    "ocelli train ./my-config.ts --seed 1 --json",
  ],
  async run({ operands: [name], texts, overrides }, output) {
    const engine = texts.get("engine") ?? "auto";
    if (!ENGINE_NAMES.includes(engine)) {
      throw unknownName("engine", engine, ENGINE_NAMES, "argument");
    }
    // Loaded here so that help and mistakes in flags answer at once.
    const [{ configSchema }, { override }, { validate }] = await Promise.all([
      import("../train/config.ts"),
      import("../train/overrides.ts"),
      import("../train/schema.ts"),
    ]);
    const others = [...Object.keys(FLAGS), "json", "help"];
    const overridden = overrides.reduce(
      (config, [path, text]) => override(configSchema, config, path, text, others),
      await loadConfig(name),
    );
    const config = validate(configSchema, overridden);
    const { train: trainModel } = await import("../train/train.ts");
    const stop = new AbortController();
    const onSignal = () => {
      if (stop.signal.aborted) process.exit(130);
      output.line("stopping after this step; Ctrl-C again stops at once");
      stop.abort();
    };
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
    try {
      const workdir = texts.get("workdir");
      return await trainModel(config, { workdir, engine, signal: stop.signal, reporter: output });
    } finally {
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    }
  },
};
