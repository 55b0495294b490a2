/** @file `ocelli ui`: all runs on a local page. */

import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcelliError, nearestNames } from "../errors.ts";
import type { Command } from "./command.ts";

/** Where trainings put their runs. */
const DEFAULT_DIR = "runs";
const LAST_PORT = 65_535;

export const ui: Command = {
  name: "ui",
  summary: "Show runs on a local web page, updated live",
  operands: "[DIR]",
  arity: [0, 1],
  flags: {
    port: { type: "integer", help: "port (default: 6464)" },
    host: {
      type: "text",
      value: "H",
      help: "address to listen on (default: 127.0.0.1, this machine only)",
    },
  },
  examples: ["ocelli ui", "ocelli ui runs/sweep --port 8080"],
  async run({ operands: [named], texts, integers }, output) {
    const dir = named ?? DEFAULT_DIR;
    const port = integers.get("port") ?? 6464;
    if (port > LAST_PORT) {
      throw new OcelliError("argument", `--port must be at most ${LAST_PORT}, not ${port}.`);
    }
    if (!(await isFolder(dir))) {
      if (named !== undefined) throw await noFolder(dir);
      output.line(`there is no folder ${dir} yet: its runs show up as they begin`);
    }
    const { serveDashboard } = await import("../dashboard/server.ts");
    const { listRecipes, loadConfig } = await import("./load-config.ts");
    const recipes = listRecipes().map(({ name, summary }) => ({
      ...{ name, summary },
      load: () => loadConfig(name),
    }));
    const server = await serveDashboard({
      ...{ dir, port, host: texts.get("host") ?? "127.0.0.1" },
      trainings: { recipes, program: process.argv[1] },
    });
    output.line(`${server.url} shows the runs of ${dir}; Ctrl-C ends it`);
    await Promise.race([
      once(process, "SIGINT"),
      once(process, "SIGTERM"),
      once(process, "SIGHUP"),
    ]);
    const going = server.going();
    if (going > 0) {
      const what = going === 1 ? "the training" : `the ${going} trainings`;
      output.line(
        `stopping ${what} started here after the current step; Ctrl-C again does not wait`,
      );
    }
    await server.close();
    return { url: server.url, dir };
  },
};

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The error for a path that is no folder, with the folders beside it, the nearest first. */
async function noFolder(dir: string): Promise<OcelliError> {
  const beside = await readdir(dirname(dir), { withFileTypes: true }).catch(() => []);
  const folders = beside.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  const names = folders.map(({ name }) => join(dirname(dir), name));
  const valid = nearestNames(basename(dir), names).slice(0, 8);
  return new OcelliError("argument", `there is no folder ${dir}.`, {
    given: dir,
    valid,
    hint:
      valid.length > 0
        ? `There are: ${valid.join(", ")}.`
        : `Name a folder of runs, or none for ${DEFAULT_DIR}.`,
  });
}
