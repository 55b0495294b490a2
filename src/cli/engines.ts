/** @file `ocelli engines`: what can compute on this machine. */

import { listEngines } from "../engines/select.ts";
import { cpuBudget } from "../engines/threads.ts";
import type { Command } from "./command.ts";

export const engines: Command = {
  name: "engines",
  summary: "List the engines of this machine",
  operands: "",
  arity: [0, 0],
  flags: {},
  examples: ["ocelli engines", "ocelli engines --json"],
  async run(_call, output) {
    const budget = cpuBudget();
    const reports = await listEngines(budget);
    const chosen = reports.find(({ available, name }) => available && name !== "interpreter");
    for (const { name, summary, available, detail } of reports) {
      const state = available ? detail : `not available: ${detail}`;
      output.line(`${name.padEnd(12)} ${summary}\n${" ".repeat(13)}${state}`);
    }
    output.line(`auto takes ${chosen?.name ?? "none"}, with ${budget.engine} threads`);
    return { engines: reports, auto: chosen?.name ?? null, threads: budget.engine };
  },
};
