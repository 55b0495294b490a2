/**
 * @file A release: `node scripts/release.ts` checks that all is ready and makes the archive that would be published;
 * `--publish` publishes it.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { findObstacles } from "./release-obstacles.ts";

const windows = process.platform === "win32";

function run(command: string, ...args: string[]): void {
  console.log(`> ${command} ${args.join(" ")}`);
  execFileSync(command, args, { stdio: "inherit", shell: windows });
}

const output = (command: string, ...args: string[]): string => {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "";
  }
};

const { values } = parseArgs({ options: { publish: { type: "boolean", default: false } } });
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const obstacles = findObstacles({
  version,
  changelog: readFileSync("CHANGELOG.md", "utf8"),
  changes: output("git", "status", "--porcelain"),
  remote: output("git", "remote", "get-url", "origin").trim(),
  tags: output("git", "tag", "--points-at", "HEAD").split("\n").filter(Boolean),
});
for (const obstacle of obstacles) console.log(`not ready: ${obstacle}`);
if (values.publish && obstacles.length > 0) process.exit(1);
run("npm", "run", "check");
run("npm", "test");
run("npm", "run", "package");
if (values.publish) run("npm", "publish", "./dist", "--access", "public");
else run("npm", "pack", "./dist", "--dry-run");
process.exitCode = obstacles.length > 0 ? 1 : 0;
