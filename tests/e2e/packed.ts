/** @file The published package as an archive, for tests that install it as a stranger would. */

import { type ExecFileSyncOptions, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { npmSettings } from "../../src/packages/npm-settings.ts";
import { requestText } from "../../src/packages/request.ts";

const isWindows = process.platform === "win32";
const { registry, access } = npmSettings();

/** The package index's name. */
export const INDEX = registry.hostname;

/** Whether the package index answers; a line says where it does not. */
export async function isIndexReachable(): Promise<boolean> {
  const reachable = await Promise.race([
    requestText(new URL("fflate/latest", registry), access, "*/*").then(
      () => true,
      () => false,
    ),
    setTimeout(10_000).then(() => false),
  ]);
  if (!reachable) console.log("skipped: the package index cannot be reached");
  return reachable;
}

const NPM_FILES = /^npm_config_(userconfig|globalconfig|registry|cache)$/i;

/** The variables of this process but for those of the npm and the tests that run it. */
export const freshEnvironment = (more: Record<string, string> = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => NPM_FILES.test(name) || !/^npm_|^NODE_OPTIONS$|^VITEST|^NODE_ENV$/i.test(name),
    ),
  ),
  ...more,
});

/** Runs a program of the search path, such as npm; what it prints. */
export const runTool = (
  cwd: string,
  env: NodeJS.ProcessEnv,
  command: string,
  ...args: string[]
): string => {
  const how: ExecFileSyncOptions & { encoding: "utf8" } = {
    ...{ cwd, env, encoding: "utf8", shell: isWindows, stdio: "pipe" },
  };
  return execFileSync(command, args, how);
};

/** Builds the package below a folder and packs it there; the archive, which is named after what is in it. */
export function pack(folder: string, env: NodeJS.ProcessEnv): string {
  const built = join(folder, "built-package");
  execFileSync(process.execPath, ["scripts/build.ts", built], { stdio: "inherit" });
  const args = ["pack", "--silent", "--pack-destination", folder, built];
  const archive = join(folder, runTool(folder, env, "npm", ...args).trim());
  const hash = createHash("sha256").update(readFileSync(archive)).digest("hex").slice(0, 12);
  const named = join(folder, `ocelli-${hash}.tgz`);
  renameSync(archive, named);
  return named;
}

/** What `npm install` is always told. */
export const QUIET = ["--no-audit", "--no-fund", "--prefer-offline"];
