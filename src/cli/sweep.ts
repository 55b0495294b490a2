/** @file `ocelli sweep`: one recipe with many settings. */

import { OcelliError } from "../errors.ts";
import type { SweepInput } from "../sweep/sweep.ts";
import { type Command, QUIET_FLAG, USE_FLAG } from "./command.ts";
import { loadConfig } from "./load-config.ts";
import { stoppable } from "./stoppable.ts";

/** Trials shown, the best first. */
const SHOWN = 20;

export const sweep: Command = {
  name: "sweep",
  summary: "Train a recipe with many settings and compare the results",
  operands: "SWEEP|CONFIG",
  arity: [1, 1],
  flags: {
    grid: {
      type: "text",
      value: "KEY=A,B;…",
      help: "values to try, in every combination",
    },
    random: {
      type: "text",
      value: "KEY=MIN..MAX;…",
      help: "ranges to draw from at random: MIN..MAX, log:MIN..MAX, A|B|C",
    },
    trials: { type: "integer", help: "number of random draws (default: 1)" },
    metric: {
      type: "text",
      value: "NAME",
      help: "metric to sort by, such as accuracy or validation/loss (default: the task's headline)",
    },
    data: { type: "text", value: "PATH", help: "your data, as for ocelli train" },
    workdir: {
      type: "text",
      value: "DIR",
      help: "folder of the runs; running again resumes (default: runs/NAME)",
    },
    engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
    quiet: QUIET_FLAG,
    use: USE_FLAG,
  },
  examples: [
    "ocelli sweep sweep",
    'ocelli sweep quickstart --grid "lr=1e-3,2e-3;width=64,96" --workdir runs/widths',
    'ocelli sweep quickstart --random "lr=log:3e-4..3e-3" --trials 8 --json',
  ],
  async run({ operands: [name], texts, integers }, output) {
    const loaded = await loadConfig(name);
    const spec = await specOf(name, loaded, texts, integers.get("trials"));
    const { showSettings, sweep: runSweep } = await import("../sweep/sweep.ts");
    const workdir = texts.get("workdir");
    const engine = texts.get("engine");
    const result = await stoppable(output, (signal) =>
      runSweep(spec, { workdir, engine, signal, reporter: output }),
    );
    output.result(`${result.trials.length} of ${result.total} trials, by ${result.metric}:`);
    for (const { value, settings, folder } of result.trials.slice(0, SHOWN)) {
      output.result(`  ${value.toPrecision(5)}  ${showSettings(settings)}  ${folder}`);
    }
    if (result.interrupted) output.result("give the same command again to resume");
    return result;
  },
};

/** The sweep of a file, or of a plain configuration and the command line. */
async function specOf(
  name: string,
  loaded: unknown,
  texts: ReadonlyMap<string, string>,
  trials: number | undefined,
): Promise<SweepInput> {
  const grid = texts.get("grid");
  const random = texts.get("random");
  const metric = texts.get("metric");
  const data = texts.get("data");
  const isSweep = typeof loaded === "object" && loaded !== null && "base" in loaded;
  const given = isSweep ? (loaded as SweepInput) : undefined;
  let base = (given?.base ?? loaded) as Record<string, unknown>;
  if (data !== undefined) {
    const { dataAt } = await import("./data.ts");
    base = { ...base, data: await dataAt(data, "sweep") };
  }
  if (!given && grid === undefined && random === undefined) {
    throw new OcelliError("argument", `${name} is no sweep: it needs --grid or --random.`, {
      hint: "See ocelli sweep --help.",
    });
  }
  return {
    name: `${String(base.name)}-sweep`,
    ...given,
    base,
    ...(grid === undefined ? {} : { grid: mapParts(grid, "grid", (text) => text.split(",")) }),
    ...(random === undefined ? {} : { random: mapParts(random, "random", parseRange) }),
    ...(trials === undefined ? {} : { trials }),
    ...(metric === undefined ? {} : { metric }),
  };
}

/** `KEY=VALUE;KEY=VALUE` by key. */
function mapParts<T>(text: string, flag: string, parse: (text: string) => T): Record<string, T> {
  const parts = text.split(";").map((part) => {
    const [, key, value] = /^\s*([\w.-]+)\s*=\s*(.+?)\s*$/.exec(part) ?? [];
    if (key) return [key, parse(value)] as const;
    throw new OcelliError("argument", `--${flag}: "${part}" is not KEY=VALUES.`, {
      hint: `Such as --${flag} "${flag === "grid" ? "lr=1e-3,2e-3" : "lr=log:1e-4..1e-2"}".`,
    });
  });
  return Object.fromEntries(parts);
}

function parseRange(text: string) {
  const [, log, min, max] = /^(log:)?([-\d.e+]+)\.\.([-\d.e+]+)$/i.exec(text) ?? [];
  if (min === undefined) return text.split("|");
  const ends = { min: Number(min), max: Number(max) };
  if (Number.isFinite(ends.min) && Number.isFinite(ends.max)) {
    const integer = !log && /^-?\d+$/.test(min) && /^-?\d+$/.test(max);
    return { ...ends, log: log !== undefined, integer };
  }
  throw new OcelliError("argument", `--random: "${text}" is no range MIN..MAX.`);
}
