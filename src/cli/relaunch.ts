/** @file Starting the program again with settings that must precede the process. */

import { join } from "node:path";
import { environmentWith, launchEnvironment } from "../engines/xla/environment.ts";
import { readOwnSync } from "../files.ts";
import { isCpuPlugin } from "../engines/xla/find-plugin.ts";

/** Of a ViT-S/16 step at batch 8: 1644 MB with oneTBB's, 2940 MB with glibc's own. */
const BETTER_ALLOCATOR = "ocelli engines install xla-cpu brings one that takes half the memory";

/**
 * How a server's memory stays flat: V8's own rules let the young generation double now and then, up to 96 MB in every
 * thread, and the old one grow to more than twice what is in use.
 */
const SERVER_FLAGS = ["--max-semi-space-size=16", "--heap-growing-percent=25"];

/**
 * XLA on the CPU maps a step's temporaries afresh each time unless the allocator is told otherwise before the process
 * starts. For a command line that takes this engine, by name or as the engine of the run that it resumes, the process is
 * replaced by one with these settings, and this is said once; signals and the exit code are that one's. `ocelli serve`
 * starts again with {@link SERVER_FLAGS} in the same way; Node 22 cannot replace a process, and goes without.
 */
export function relaunch(args: readonly string[]): void {
  if (!process.execve || process.platform === "win32" || !isOwnProcess()) return;
  const resumed = valueOf("--resume", args);
  const engine = valueOf("--engine", args) ?? (resumed && engineOfRun(resumed));
  const settings = engine !== undefined && isCpuPlugin(engine) ? launchEnvironment() : {};
  const flags = args[0] === "serve" ? missingFlags() : [];
  const names = Object.keys(settings);
  if (names.length === 0 && flags.length === 0) return;
  if (names.length > 0) {
    const advice = "LD_PRELOAD" in settings ? "" : ` (${BETTER_ALLOCATOR})`;
    process.stderr.write(
      `ocelli: starting again with ${names.join(", ")} for ${engine}${advice}\n`,
    );
  }
  const command = [process.execPath, ...process.execArgv, ...flags, process.argv[1], ...args];
  const environment = names.length > 0 ? environmentWith(settings) : process.env;
  process.execve(process.execPath, command, environment);
}

/** Whether this process was started as `ocelli`: one that calls the program as a function must not be replaced. */
const isOwnProcess = (): boolean => /[\\/]ocelli(\.js)?$/.test(process.argv[1] ?? "");

/** Flags of a server that neither the command line nor the environment of this process has set. */
function missingFlags(): string[] {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ""]
    .join(" ")
    .replaceAll("_", "-");
  return SERVER_FLAGS.filter((flag) => !given.includes(flag.split("=")[0]));
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
