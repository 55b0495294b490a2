/** @file `ocelli claim`: a published system's headline, at a size that runs here. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ENGINE_NAMES } from "../engines/select.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { writeAtomically } from "../files.ts";
import type { Claim } from "../claim/define.ts";
import { type Command, type Output, USE_FLAG } from "./command.ts";
import { listClaims, loadClaim, claimReadme } from "./load-config.ts";
import { stoppable } from "./stoppable.ts";

export const claim: Command = {
  name: "claim",
  summary: "Test the headline claim of a published system against a baseline, on real data",
  operands: "[SYSTEM]",
  arity: [0, 1],
  flags: {
    full: {
      type: "switch",
      help: "tune every arm, run every seed, and write the table into the README",
    },
    all: {
      type: "switch",
      help: "run every claim, and write one page with all tables and plots",
    },
    data: {
      type: "text",
      value: "PATH",
      help: "images to test the claim on (default: the claim's own data)",
    },
    workdir: {
      type: "text",
      value: "DIR",
      help: "folder of the runs; running again resumes (default: runs/claims/SYSTEM-SCALE; with --all runs/claims)",
    },
    engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
    use: USE_FLAG,
  },
  examples: [
    "ocelli claim",
    "ocelli claim vit-22b",
    "ocelli claim vit --data cifar10 --full --workdir runs/vit-claim",
    "ocelli claim --all --full",
  ],
  async run({ operands: [name], texts, switches }, output) {
    const engine = texts.get("engine");
    if (engine !== undefined && !ENGINE_NAMES.includes(engine)) {
      throw unknownName("engine", engine, ENGINE_NAMES, "argument");
    }
    const path = texts.get("data");
    const scale = switches.has("full") ? "full" : "quick";
    const workdir = texts.get("workdir");
    if (switches.has("all")) {
      if (name !== undefined) {
        throw new OcelliError(
          "argument",
          `ocelli claim: --all runs every claim, not only ${name}.`,
          {
            hint: "Leave one of the two out.",
          },
        );
      }
      const data = path === undefined ? undefined : await readData(path);
      const { runClaims } = await import("./claim-all.ts");
      const loading = listClaims().map((one) => loadClaim(one.name));
      const claims = (await Promise.all(loading)) as Claim[];
      const all = await stoppable(output, (signal) =>
        runClaims(
          {
            claims,
            scale,
            workdir: workdir ?? join("runs", "claims"),
            options: { data, engine, signal },
            done: async (one, { table }) => {
              if (scale === "full" && !data) await fillReadme(one, table, output);
            },
          },
          output,
        ),
      );
      if (all.interrupted) output.line("give the same command again to go on");
      return all;
    }
    if (name === undefined) {
      if (texts.size > 0 || switches.has("full")) {
        throw new OcelliError("argument", "ocelli claim: it needs SYSTEM.", {
          hint: "ocelli claim lists them; --all runs every one.",
        });
      }
      return list(output);
    }
    const loaded = (await loadClaim(name)) as Claim;
    const data = path === undefined ? undefined : await readData(path);
    const { runClaim } = await import("../claim/claim.ts");
    output.line(`claim   ${loaded.headline}`);
    const result = await stoppable(output, (signal) =>
      runClaim(loaded, { scale, data, workdir, engine, signal, reporter: output }),
    );
    if (result.interrupted) {
      output.line("give the same command again to go on");
      return result;
    }
    output.line(`\n${result.table}\n`);
    output.line(
      `${result.holds ? "holds" : "does not hold"}${scale === "quick" ? " in direction" : ""}`,
    );
    output.line(`runs    ${result.workdir}`);
    if (scale === "full" && !data) await fillReadme(name, result.table, output);
    return result;
  },
};

function list(output: Output) {
  const claims = listClaims().map(({ name, summary }) => ({ name, summary }));
  for (const { name, summary } of claims) output.line(`${name.padEnd(20)} ${summary}`);
  return { claims };
}

async function readData(path: string) {
  const { dataAt } = await import("./data.ts");
  return dataAt(path, "claim");
}

/** Puts the table into the room's README, where that is here. */
async function fillReadme(name: string, table: string, output: Output): Promise<void> {
  const path = claimReadme(name);
  if (path === undefined) return;
  const { withTable } = await import("../claim/table.ts");
  await writeAtomically(path, withTable(await readFile(path, "utf8"), name, table));
  output.line(`table   ${path}`);
}
