/** @file `ocelli ui`: all runs on a local page. */

import { once } from "node:events";
import { OcelliError } from "../errors.ts";
import type { Command } from "./command.ts";

const LAST_PORT = 65_535;

export const ui: Command = {
  name: "ui",
  summary: "Show the runs of a folder on a local web page, live",
  operands: "[DIR]",
  arity: [0, 1],
  flags: {
    port: { type: "integer", help: "the port (6464)" },
    host: {
      type: "text",
      value: "H",
      help: "the address to listen at (127.0.0.1: this machine only)",
    },
  },
  examples: ["ocelli ui", "ocelli ui runs/sweep --port 8080"],
  async run({ operands: [dir = "runs"], texts, integers }, output) {
    const port = integers.get("port") ?? 6464;
    if (port > LAST_PORT) {
      throw new OcelliError("argument", `--port must be at most ${LAST_PORT}, not ${port}.`);
    }
    const { serveDashboard } = await import("../dashboard/server.ts");
    const server = await serveDashboard({ dir, port, host: texts.get("host") ?? "127.0.0.1" });
    output.line(`${server.url} shows the runs of ${dir}; Ctrl-C ends it`);
    await Promise.race([
      once(process, "SIGINT"),
      once(process, "SIGTERM"),
      once(process, "SIGHUP"),
    ]);
    await server.close();
    return { url: server.url, dir };
  },
};
