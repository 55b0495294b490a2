/** @file Builds the site of docs/ as static files in .cache/docs: the pages, and the reference of the public entries. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeSources } from "./docs-sources.ts";

const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly exports: Readonly<Record<string, string>>;
};
const run = (program: string, ...args: string[]): void => {
  const shell = process.platform === "win32";
  execFileSync(program, args, { stdio: "inherit", shell });
};

run("vitepress", "build", "docs");
writeSources("docs", ".cache/docs");
run(
  "typedoc",
  ...Object.values(exports).flatMap((entry) => ["--entryPoints", entry]),
  ...["--out", ".cache/docs/api", "--name", "Ocelli", "--readme", "none"],
  ...["--excludePrivate", "--excludeInternal", "--disableSources", "--logLevel", "Error"],
  ...["--tsconfig", "tsconfig.json"],
);
console.log(".cache/docs is ready: any web server can serve it");
