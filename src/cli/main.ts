/** @file The command line program: `ocelli COMMAND …`. */

import { OcelliError, unknownName } from "../errors.ts";
import { missingPackage } from "../packages/peers.ts";
import { packageVersion } from "../runs/environment.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { bench } from "./bench.ts";
import { caption } from "./caption.ts";
import { claim } from "./claim.ts";
import { classify } from "./classify.ts";
import { config } from "./config.ts";
import { completionOf } from "./completion.ts";
import { embed } from "./embed.ts";
import { engines } from "./engines.ts";
import { evalCommand } from "./eval.ts";
import { explain } from "./explain.ts";
import { exportCommand } from "./export.ts";
import { commandHelp, programHelp } from "./help.ts";
import { label } from "./label.ts";
import { models } from "./models.ts";
import { createOutput } from "./output.ts";
import { predict } from "./predict.ts";
import { pretrainCommand } from "./pretrain.ts";
import { printableName } from "./printable.ts";
import { probe } from "./probe.ts";
import { recipes } from "./recipes.ts";
import { relaunch } from "./relaunch.ts";
import { report } from "./report.ts";
import { push } from "./push.ts";
import { search } from "./search.ts";
import { serve } from "./serve.ts";
import { runs } from "./runs.ts";
import { watchStreams } from "./standard-streams.ts";
import { surveyCommand } from "./survey.ts";
import { sweep } from "./sweep.ts";
import { train } from "./train.ts";
import { transferCommand } from "./transfer.ts";
import { ui } from "./ui.ts";

const COMMANDS: readonly Command[] = [
  surveyCommand,
  label,
  train,
  pretrainCommand,
  transferCommand,
  embed,
  probe,
  sweep,
  predict,
  caption,
  classify,
  search,
  evalCommand,
  explain,
  runs,
  report,
  ui,
  exportCommand,
  push,
  serve,
  recipes,
  claim,
  models,
  config,
  engines,
  bench,
  completionOf(() => COMMANDS),
];

/** Mistakes of the caller end with 2, failures of the machine or of Ocelli with 1. */
const FAILURES: ReadonlySet<string> = new Set([
  "engine",
  "disk",
  "diverged",
  "disposed",
  "not-differentiable",
]);

/** The shell's code for a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/** Runs the program; resolves to its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  watchStreams();
  relaunch(args);
  try {
    return await dispatch(args);
  } catch (raised) {
    const error = missingPackage(raised) ?? raised;
    if (error instanceof OcelliError) {
      process.stderr.write(
        `ocelli: ${printableName(error.message.replaceAll(/\s*\n\s*/g, " "))}\n`,
      );
      return FAILURES.has(error.code) ? 1 : 2;
    }
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  }
}

async function dispatch([name, ...rest]: readonly string[]): Promise<number> {
  if (name === "help" && rest.length > 0) return dispatch([rest[0], "--help"]);
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(`${programHelp(COMMANDS)}\n`);
    return name === undefined ? 2 : 0;
  }
  if (name === "--version") {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  const command = COMMANDS.find((command) => command.name === name);
  if (!command) {
    const valid = COMMANDS.map((command) => command.name);
    throw unknownName(name.startsWith("-") ? "option" : "command", name, valid, "argument");
  }
  const call = parseArguments(command, rest);
  if (call.switches.has("help")) {
    process.stdout.write(`${commandHelp(command)}\n`);
    return 0;
  }
  const files = call.lists.get("use");
  if (files) await (await import("../served/modules.ts")).useFiles(files);
  const json = call.switches.has("json");
  const output = createOutput(json ? process.stderr : process.stdout, {
    quiet: call.switches.has("quiet"),
    elsewhere: json,
  });
  const result = await command.run(call, output);
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return result.interrupted ? INTERRUPTED : 0;
}
