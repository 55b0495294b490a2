/** @file `ocelli report`: a run as one page. */

import type { Command } from "./command.ts";

export const report: Command = {
  name: "report",
  summary: "Write the report of a run as one HTML file",
  operands: "RUN",
  arity: [1, 1],
  flags: {},
  examples: ["ocelli report runs/quickstart"],
  async run({ operands: [run] }, output) {
    const { writeReport } = await import("../runs/report.ts");
    const file = await writeReport(run);
    output.line(file);
    return { file };
  },
};
