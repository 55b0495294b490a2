/** @file `ocelli bench systems`: the table of all self-supervised systems, each run by a process of its own. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DataConfig } from "../../src/data/config.ts";
import { PHOTOGRAPHS } from "../../papers/photographs.ts";
import { openDataset } from "../../src/data/datasets.ts";
import { firstHere } from "../../src/data/first-here.ts";
import { unknownName } from "../../src/errors.ts";
import { writeAtomically } from "../../src/files.ts";
import type { Reporter } from "../../src/train/watch/progress.ts";
import { tablePage } from "./page.ts";
import { BUDGET, type Budget, SYSTEMS } from "./settings.ts";
import { type SystemRow, isWhole, readRow, runSystem } from "./system.ts";

/** Options of {@link benchSystems}. */
export interface SystemsOptions {
  readonly workdir: string;
  /** One system, in this process. Default: all, each in a process of its own. */
  readonly system?: string;
  /** Default: the first of the settings' data that is here. */
  readonly data?: { readonly config: DataConfig; readonly path: string };
  readonly minutes?: number;
  readonly steps?: number;
  readonly engine?: string;
  readonly signal?: AbortSignal;
  readonly reporter: Reporter;
}

/** What {@link benchSystems} found. */
export interface SystemsBench {
  readonly rows: readonly SystemRow[];
  /** Systems whose reason for not being above random features is asked for. */
  readonly asked: readonly string[];
  readonly failed: readonly string[];
  /** The page that was written. */
  readonly page?: string;
  readonly interrupted: boolean;
}

/** The page in a checkout. */
const PAGE = join(import.meta.dirname, "../../docs/self-supervised-table.md");

/**
 * Runs what is missing of the table and writes its page after each system: into docs/ with the settings' own data and budget, else
 * beside the runs.
 */
export async function benchSystems(options: SystemsOptions): Promise<SystemsBench> {
  const { workdir, system, reporter, minutes, steps, engine, signal } = options;
  if (system !== undefined) {
    const names = Object.keys(SYSTEMS);
    if (!names.includes(system)) throw unknownName("system", system, names, "argument");
    const budget: Budget = {
      ...BUDGET,
      ...(minutes !== undefined && { minutes }),
      ...(steps !== undefined && { steps, fineTuneEpochs: 1 }),
    };
    const data = options.data?.config ?? (await firstHere(PHOTOGRAPHS));
    const { row, interrupted } = await runSystem(system, SYSTEMS[system], {
      ...{ data, budget, workdir, engine, signal, reporter },
    });
    return { rows: [row], asked: [], failed: [], interrupted };
  }
  const isOwn = options.data === undefined && minutes === undefined && steps === undefined;
  const page = isOwn && existsSync(PAGE) ? PAGE : join(workdir, "table.md");
  const rows = async () => Promise.all(Object.keys(SYSTEMS).map((name) => readRow(workdir, name)));
  const write = async () => {
    const before = await readFile(page, "utf8").catch(() => "");
    const { name } = await openDataset(options.data?.config ?? (await firstHere(PHOTOGRAPHS)));
    const { text, asked } = tablePage(await rows(), { before, data: name });
    await writeAtomically(page, text);
    return asked;
  };
  const failed: string[] = [];
  for (const name of Object.keys(SYSTEMS)) {
    if (isWhole(await readRow(workdir, name))) continue;
    const began = performance.now();
    const code = await runApart(name, options);
    if (signal?.aborted) return { rows: await rows(), asked: [], failed, page, interrupted: true };
    if (code !== 0) failed.push(name);
    const { knn20, linear, tenth } = await readRow(workdir, name);
    const figures = Object.entries({ kNN: knn20, linear, "10 %": tenth })
      .map(([what, value]) => `${what} ${value === undefined ? "–" : (100 * value).toFixed(1)}`)
      .join("  ");
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    reporter.line(
      `${name.padEnd(22)} ${code === 0 ? figures : `failed (exit ${code})`}  ${seconds} s`,
    );
    await write();
  }
  const asked = await write();
  return { rows: await rows(), asked, failed, page, interrupted: false };
}

/** Runs one system in a process of its own, so that its memory is its own. */
function runApart(name: string, options: SystemsOptions): Promise<number> {
  const { workdir, data, minutes, steps, engine, signal, reporter } = options;
  const flags = { workdir, data: data?.path, minutes, steps, engine };
  const given = Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}`, String(value)],
  );
  const args = [process.argv[1], "bench", "systems", "--system", name, ...given];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const stop = (): void => void child.kill("SIGINT");
  signal?.addEventListener("abort", stop, { once: true });
  child.stdout.on("data", (text: Buffer) => reporter.status(text.toString().trim()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      signal?.removeEventListener("abort", stop);
      resolve(code ?? 1);
    });
  });
}

/** A table as lines for people. */
export function describeSystems({ page, asked, failed, interrupted }: SystemsBench): string[] {
  if (interrupted) return ["give the same command again to resume"];
  return [
    ...(page === undefined ? [] : [`table   ${page}`]),
    ...asked.map(
      (name) => `reason  ${name} is not above random features; write why into the table`,
    ),
    ...failed.map((name) => `failed  ${name}; the same command tries it again`),
  ];
}
