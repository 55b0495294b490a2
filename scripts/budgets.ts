/**
 * @file `node scripts/budgets.ts`: measures what tests/budgets holds to its numbers, and writes them to
 * `tests/budgets/budgets.json`. Run it where a change is worth its cost, and say so in the commit.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What is measured. */
export interface Budgets {
  /** Of a whole type check: how many types were made of generic ones; the same on every machine. */
  readonly instantiations: number;
  /** The time of the check over that of reading and binding the files. */
  readonly checkTime: number;
  /** Modules that `ocelli --help` loads; the same on every machine. */
  readonly startModules: number;
  /** The processor's time of `ocelli --help` over that of Node with an empty program. */
  readonly startTime: number;
  /** Bytes of each public entry, bundled without its packages, minified and zipped. */
  readonly bytes: Readonly<Record<string, number>>;
}

/** The public entries, by their names. */
export const ENTRIES: Readonly<Record<string, string>> = (
  JSON.parse(readFileSync("package.json", "utf8")) as { exports: Record<string, string> }
).exports;

/** Bytes of an entry. */
export async function entryBytes(entry: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [ENTRIES[entry]],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    packages: "external",
    write: false,
    logLevel: "silent",
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

/** Instantiations and time of the type check. */
export function checkTypes(): Pick<Budgets, "instantiations" | "checkTime"> {
  const args = ["node_modules/typescript/bin/tsc", "-p", ".", "--extendedDiagnostics"];
  const text = execFileSync(process.execPath, args, { encoding: "utf8" });
  const value = (name: string): number => {
    const [, number] = new RegExp(`^${name}: +([\\d.]+)`, "m").exec(text)!;
    return Number(number);
  };
  const before = value("Parse time") + value("Bind time");
  return {
    instantiations: value("Instantiations"),
    checkTime: rounded(value("Check time") / before),
  };
}

/** Prints, at a program's end, its processor time in microseconds and how many modules it loaded. */
const WATCH = `import { registerHooks } from "node:module";
let modules = 0;
registerHooks({ load(url, context, next) { modules++; return next(url, context); } });
process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  process.stderr.write(JSON.stringify({ modules, time: user + system }));
});`;

const RUNS = 5;

/** How much `ocelli --help` loads, and how long it takes. */
export function startProgram(): Pick<Budgets, "startModules" | "startTime"> {
  const watch = `data:text/javascript,${encodeURIComponent(WATCH)}`;
  const run = (args: readonly string[]) => {
    const { stderr } = spawnSync(process.execPath, ["--import", watch, ...args], {
      encoding: "utf8",
    });
    return JSON.parse(stderr) as { modules: number; time: number };
  };
  const fastest = (args: readonly string[]) =>
    Array.from({ length: RUNS }, () => run(args)).reduce((a, b) => (b.time < a.time ? b : a));
  const bare = fastest(["--eval", "0"]);
  const help = fastest(["bin/ocelli.js", "--help"]);
  return { startModules: help.modules, startTime: rounded(help.time / bare.time) };
}

const rounded = (ratio: number): number => Math.round(ratio * 100) / 100;

if (import.meta.main) {
  const bytes: Record<string, number> = {};
  for (const entry of Object.keys(ENTRIES)) bytes[entry] = await entryBytes(entry);
  const budgets: Budgets = { ...checkTypes(), ...startProgram(), bytes };
  writeFileSync("tests/budgets/budgets.json", `${JSON.stringify(budgets, null, 2)}\n`);
  console.log(budgets);
}
