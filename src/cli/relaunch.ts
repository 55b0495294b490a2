/** @file Starting the program again with settings that must precede the process. */

import { spawnSync } from "node:child_process";
import { launchEnvironment } from "../engines/xla/environment.ts";

/**
 * XLA on the CPU maps a step's temporaries afresh each time unless the allocator is told otherwise before the process
 * starts. For a command line that names this engine, runs it again with these settings, and says so once.
 *
 * @returns the exit code of that run, or undefined where there is nothing to set
 */
export function relaunch(args: readonly string[]): number | undefined {
  const at = args.indexOf("--engine");
  const engine = at >= 0 ? args[at + 1] : args.find((arg) => arg.startsWith("--engine="))?.slice(9);
  if (engine !== "xla-cpu") return undefined;
  const settings = launchEnvironment();
  if (Object.keys(settings).length === 0) return undefined;
  process.stderr.write(
    `ocelli: starting again with ${Object.keys(settings).join(", ")} for ${engine}\n`,
  );
  process.on("SIGINT", () => undefined); // Ctrl-C is for the run, which ends in its own way
  const command = [...process.execArgv, process.argv[1], ...args];
  const { status } = spawnSync(process.execPath, command, {
    stdio: "inherit",
    env: { ...process.env, ...settings },
  });
  return status ?? 1;
}
