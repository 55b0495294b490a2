/** @file Starting the program again with settings that must precede the process. */

import { join } from "node:path";
import { environmentWith, launchEnvironment } from "../engines/xla/environment.ts";
import { readOwnSync } from "../files.ts";
import { isCpuPlugin } from "../engines/xla/find-plugin.ts";

/** Of a ViT-S/16 step at batch 8: 1644 MB with oneTBB's, 2940 MB with glibc's own. */
const BETTER_ALLOCATOR = "ocelli engines install xla-cpu brings one that takes half the memory";

/**
 * XLA on the CPU maps a step's temporaries afresh each time unless the allocator is told otherwise before the process
 * starts. For a command line that takes this engine, by name or as the engine of the run that it resumes, the process is
 * replaced by one with these settings, and this is said once; signals and the exit code are that one's.
 */
export function relaunch(args: readonly string[]): void {
  const resumed = valueOf("--resume", args);
  const engine = valueOf("--engine", args) ?? (resumed && engineOfRun(resumed));
  if (engine === undefined || !isCpuPlugin(engine) || !process.execve) return;
  const settings = launchEnvironment();
  if (Object.keys(settings).length === 0) return;
  const advice = "LD_PRELOAD" in settings ? "" : ` (${BETTER_ALLOCATOR})`;
  process.stderr.write(
    `ocelli: starting again with ${Object.keys(settings).join(", ")} for ${engine}${advice}\n`,
  );
  const command = [process.execPath, ...process.execArgv, process.argv[1], ...args];
  process.execve(process.execPath, command, environmentWith(settings));
}

/** The value of a flag, as `--flag value` or `--flag=value`. */
function valueOf(flag: string, args: readonly string[]): string | undefined {
  const at = args.indexOf(flag);
  if (at >= 0) return args[at + 1];
  return args.find((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1);
}

/** The engine that a run recorded; undefined where it cannot be read, which the command itself will say. */
function engineOfRun(folder: string): string | undefined {
  try {
    const text = String(readOwnSync(join(folder, "environment.json")));
    return (JSON.parse(text) as { engine?: string }).engine;
  } catch {
    return undefined;
  }
}
