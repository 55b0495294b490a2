/** @file `ocelli engines`: what can compute on this machine, and how to install more. */

import { listAdapters } from "../engines/ort/runtime/gpu/adapters.ts";
import type { Candidate } from "../engines/fastest.ts";
import { deviceCandidates, listEngines } from "../engines/select.ts";
import { type CpuBudget, cpuBudget } from "../engines/threads.ts";
import { OcelliError, unknownName } from "../errors.ts";
import type { Command, Output } from "./command.ts";

export const engines: Command = {
  name: "engines",
  summary: "List the engines available here, or install one",
  operands: "[install NAME]",
  arity: [0, 2],
  flags: {
    plugin: {
      type: "text",
      value: "FILE",
      help: "install this PJRT plugin (ROCm, TPU, your own build) as NAME, such as xla-rocm",
    },
  },
  examples: [
    "ocelli engines",
    "ocelli engines --json",
    "ocelli engines install xla-cpu",
    "ocelli engines install xla-rocm --plugin /opt/xla/pjrt_c_api_gpu_plugin.so",
  ],
  run({ operands: [verb, name], texts }, output) {
    const file = texts.get("plugin");
    if (verb !== undefined && verb !== "install") {
      throw unknownName("engines command", verb, ["install"], "argument");
    }
    if (verb === undefined) {
      if (file !== undefined) throw needsName(file);
      return list(output);
    }
    return file === undefined ? install(name, output) : installOwn(name, file, output);
  },
};

const needsName = (file: string): OcelliError =>
  new OcelliError("argument", `--plugin ${file} needs a name for this plugin.`, {
    hint: `For example: ocelli engines install xla-own --plugin ${file}`,
  });

/** What `auto` does, by the devices that it may choose from. */
function describeAuto(
  chosen: string | undefined,
  { engine: threads }: CpuBudget,
  candidates: readonly Candidate[],
): string {
  const named = candidates.map(({ name, device }) => `${name} (${device})`);
  if (named.length < 2) return `auto takes ${chosen ?? "none"}, with ${threads} threads`;
  return `auto trains on the fastest of ${named.join(" and ")}, timed at the first training of a size; for the rest it takes ${chosen ?? "none"}`;
}

async function list(output: Output) {
  const budget = cpuBudget();
  const reports = await listEngines(budget);
  const chosen = reports.find(({ available, fast }) => available && fast);
  for (const { name, summary, available, detail, memoryBytes } of reports) {
    const memory = memoryBytes === undefined ? "" : `, ${(memoryBytes / 2 ** 30).toFixed(1)} GB`;
    const state = available ? `${detail}${memory}` : `not available: ${detail}`;
    output.line(`${name.padEnd(12)} ${summary}\n${" ".repeat(13)}${state}`);
  }
  const adapters = listAdapters();
  for (const { name, kind, maxStorageBytes } of adapters ?? []) {
    const megabytes = Math.floor(maxStorageBytes / 2 ** 20).toLocaleString("en");
    output.line(`adapter      ${name}: ${kind}, arrays of up to ${megabytes} MB`);
  }
  output.line(describeAuto(chosen?.name, budget, deviceCandidates(budget, adapters)));
  return {
    engines: reports,
    adapters: adapters ?? [],
    auto: chosen?.name ?? null,
    threads: budget.engine,
  };
}

async function install(name: string | undefined, output: Output) {
  const { PLUGINS } = await import("../engines/xla/plugins.ts");
  if (name === undefined || !Object.hasOwn(PLUGINS, name)) {
    throw unknownName("plugin", name ?? "", Object.keys(PLUGINS), "argument");
  }
  const { installPlugin } = await import("../engines/xla/install.ts");
  return installPlugin(name, { report: (line) => output.line(line) });
}

async function installOwn(name: string | undefined, file: string, output: Output) {
  if (name === undefined) throw needsName(file);
  const { installOwnPlugin } = await import("../engines/xla/own-plugins.ts");
  return installOwnPlugin(name, file, (line) => output.line(line));
}
