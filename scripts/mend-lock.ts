/**
 * @file Mends package-lock.json after `npm install`, so that `npm ci` runs no script that package.json forbids, with any
 * version of npm, and does not warn of an old Node on the machine: the packages for development run under the Node that
 * the checkout brings. `--check` changes nothing and fails where something is to be mended.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

interface Lock {
  readonly packages: Record<string, LockedPackage>;
}

interface LockedPackage {
  readonly dev?: boolean;
  hasInstallScript?: boolean;
  engines?: unknown;
}

const NODE_MODULES = "node_modules/";

/** The text of a lock file, mended; `scripts` says whose install scripts may run. */
export function mendLock(text: string, scripts: Readonly<Record<string, boolean>>): string {
  const lock = JSON.parse(text) as Lock;
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === "") continue;
    const name = path.slice(path.lastIndexOf(NODE_MODULES) + NODE_MODULES.length);
    if (scripts[name] === false) delete entry.hasInstallScript;
    if (entry.dev) delete entry.engines;
  }
  return `${JSON.stringify(lock, null, 2)}\n`;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  const { allowScripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
    allowScripts: Record<string, boolean>;
  };
  const before = readFileSync("package-lock.json", "utf8");
  const after = mendLock(before, allowScripts);
  if (before !== after && values.check) {
    process.stderr.write("package-lock.json is to be mended: npm run lock\n");
    process.exitCode = 1;
  } else if (before !== after) writeFileSync("package-lock.json", after);
}
