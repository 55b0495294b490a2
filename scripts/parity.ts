/**
 * @file `npm run parity -- DIR… [--engine E] [--json]`: computes recorded cases again and compares every array.
 *
 * DIR is a case's folder (case.json, io.npz, maybe params.npz and grads*.npz) or any folder above such.
 * Exit code 0: all within tolerance; 1: some above, or a family that is not known yet; 2: unusable input.
 */

import { relative } from "node:path";
import { parseArgs } from "node:util";
import { openEngine } from "../src/engines/select.ts";
import type { Engine } from "../src/engines/engine.ts";
import { OcelliError } from "../src/errors.ts";
import { type Comparison, compareCase, familyOf } from "../src/parity/index.ts";
import { decodeImage, findCases, readCase, readDescription } from "./parity-cases.ts";

/** What came of one case. */
interface Report {
  readonly path: string;
  readonly status: "ok" | "above" | "unknown family" | "unusable";
  readonly arrays: readonly Comparison[];
  readonly problem?: string;
}

async function runCase(directory: string, path: string, engine: Engine): Promise<Report> {
  try {
    const description = await readDescription(directory);
    const family = familyOf(description);
    if (!family) {
      const problem = `unknown family "${String(description.family ?? description.model)}"`;
      return { path, status: "unknown family", arrays: [], problem };
    }
    const given = await readCase(directory, description);
    const arrays = compareCase(given, await family.compute(given, engine, decodeImage));
    return { path, status: arrays.every(({ ok }) => ok) ? "ok" : "above", arrays };
  } catch (error) {
    if (!(error instanceof OcelliError)) throw error;
    return { path, status: "unusable", arrays: [], problem: error.message };
  }
}

function printReport({ path, status, arrays, problem }: Report): void {
  console.log(`${path}: ${problem ? `${problem.replace(/\n/g, " ")}` : status}`);
  for (const { name, error, tolerance, ok, note } of arrays) {
    const measured = `${error.toExponential(2)} ≤ ${tolerance.toExponential(2)}`;
    const verdict = ok ? "ok" : "ABOVE";
    console.log(
      `  ${name.padEnd(72)} ${measured.padStart(20)}  ${verdict}${note ? ` (${note})` : ""}`,
    );
  }
}

function summarise(reports: readonly Report[], engine: Engine) {
  const count = (status: Report["status"]): number =>
    reports.filter((report) => report.status === status).length;
  const arrays = reports.flatMap((report) => report.arrays);
  return {
    engine: engine.name,
    cases: reports.length,
    ok: count("ok"),
    above: count("above"),
    unknown: count("unknown family"),
    unusable: count("unusable"),
    arrays: arrays.length,
    arraysAbove: arrays.filter(({ ok }) => !ok).length,
  };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { engine: { type: "string", default: "auto" }, json: { type: "boolean" } },
  });
  if (positionals.length === 0) {
    throw new OcelliError("argument", "name at least one folder of cases.", {
      hint: "npm run parity -- DIR… [--engine interpreter|ort|auto] [--json]",
    });
  }
  const found = await Promise.all(
    positionals.map(async (directory) => {
      const cases = await findCases(directory);
      if (cases.length > 0) return cases.map((path) => [path, relative(directory, path) || path]);
      throw new OcelliError("data", `there is no case.json in or below ${directory}.`);
    }),
  );
  const engine = await openEngine(values.engine);
  const reports: Report[] = [];
  for (const [directory, path] of found.flat()) {
    const report = await runCase(directory, path, engine);
    reports.push(report);
    if (!values.json) printReport(report);
  }
  const totals = summarise(reports, engine);
  if (values.json) console.log(JSON.stringify({ ...totals, reports }));
  else
    console.log(
      Object.entries(totals)
        .map(([key, value]) => `${key} ${value}`)
        .join(", "),
    );
  await engine.dispose();
  if (totals.unusable > 0) return 2;
  return totals.above + totals.unknown > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const isInput =
    error instanceof OcelliError || /^(ERR_PARSE_ARGS|ENOENT|ENOTDIR|EACCES)/.test(code);
  if (!isInput) throw error;
  console.error(`parity: ${(error as Error).message.split("\n")[0]}`);
  process.exitCode = 2;
}
