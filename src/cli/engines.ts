/** @file `ocelli engines`: what can compute on this machine, and how to install more. */

import { listEngines } from "../engines/select.ts";
import { cpuBudget } from "../engines/threads.ts";
import { unknownName } from "../errors.ts";
import type { Command, Output } from "./command.ts";

export const engines: Command = {
  name: "engines",
  summary: "List the engines of this machine, or install one",
  operands: "[install NAME]",
  arity: [0, 2],
  flags: {},
  examples: ["ocelli engines", "ocelli engines --json", "ocelli engines install xla-cpu"],
  run({ operands: [verb, name] }, output) {
    if (verb === undefined) return list(output);
    if (verb !== "install") throw unknownName("engines command", verb, ["install"], "argument");
    return install(name, output);
  },
};

async function list(output: Output) {
  const budget = cpuBudget();
  const reports = await listEngines(budget);
  const chosen = reports.find(({ available, fast }) => available && fast);
  for (const { name, summary, available, detail } of reports) {
    const state = available ? detail : `not available: ${detail}`;
    output.line(`${name.padEnd(12)} ${summary}\n${" ".repeat(13)}${state}`);
  }
  output.line(`auto takes ${chosen?.name ?? "none"}, with ${budget.engine} threads`);
  return { engines: reports, auto: chosen?.name ?? null, threads: budget.engine };
}

async function install(name: string | undefined, output: Output) {
  const { PLUGINS } = await import("../engines/xla/plugins.ts");
  if (name === undefined || !Object.hasOwn(PLUGINS, name)) {
    throw unknownName("plugin", name ?? "", Object.keys(PLUGINS), "argument");
  }
  const { installPlugin } = await import("../engines/xla/install.ts");
  return installPlugin(name, { report: (line) => output.line(line) });
}
