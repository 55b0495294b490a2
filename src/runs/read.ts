/** @file Run folders, read: finished, going on, or left half-way; nothing here needs a file to be whole. */

import type { Stats } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { OcelliError, unknownName } from "../errors.ts";
import { openOwn, readOwn } from "../files.ts";
import { FIRST_RULE, type Headline, type HeadlineRule, headlineOf } from "./headline.ts";
import { writerOf } from "./lock/lock.ts";
import { type Json, isObject, modelTitle, parseObject, totalSteps } from "./read-config.ts";
import { type MetricsTail, parseTail } from "./read-lines.ts";
import { type RunState, stateOf } from "./read-state.ts";

/** A run at a glance. */
export interface RunSummary {
  /** The folder's path below the listed one, with slashes on every platform. */
  readonly name: string;
  /** The folder's own path. */
  readonly folder: string;
  readonly state: RunState;
  /** What the state was told from, for people. */
  readonly why: string;
  /** The last step with metrics; 0 before the first. */
  readonly step: number;
  /** Steps of the whole training, where that is known. */
  readonly totalSteps?: number;
  /** Steps of an epoch, where the run recorded it; they need not be whole. */
  readonly perEpoch?: number;
  /** The value that it is known by: of the first evaluation that has it, or of training before there is one. */
  readonly headline?: Headline;
  /** Of the same evaluation, or of training. */
  readonly loss?: number;
  /** What headline and loss are of. */
  readonly measured?: "evaluation" | "training";
  /** How long it took, or has taken until its last line. */
  readonly seconds?: number;
  /** When it last wrote metrics, in milliseconds since 1970. */
  readonly updated: number;
  /** The model in a few words. */
  readonly model: string;
  readonly engine: string;
  /** Images of a step, where the configuration says so. */
  readonly batchSize?: number;
  /** The last value of every metric. */
  readonly values: Readonly<Record<string, number>>;
  readonly config: Json;
}

/** A run without where it lies: what is shown of it elsewhere. */
export type RunView = Omit<RunSummary, "folder">;

/** What a list shows of a run, whatever it has measured. */
export type RunCard = Omit<RunView, "values" | "config">;

/** How many folders deep runs are looked for. */
const DEPTH = 5;
/** Bytes at the end of the metrics that a summary looks at. */
const TAIL = 256 * 1024;
/** The same where its lines are longer than that. */
const LONGEST_TAIL = 32 * 1024 * 1024;
/** Bytes of the largest JSON file of a run that is read. */
const MAX_JSON = 64 * 1024 * 1024;

/** The run folders at or below `dir`, sorted; runs hold no runs, and links to folders are not followed. */
export async function findRuns(dir: string): Promise<string[]> {
  const root = await existingFolder(dir);
  const found: string[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    if (isRun(entries.map(({ name }) => name))) return void found.push(folder);
    if (depth === DEPTH) return;
    for (const entry of entries) {
      const hidden = entry.name.startsWith(".") || entry.name === "node_modules";
      if (entry.isDirectory() && !hidden) await walk(join(folder, entry.name), depth + 1);
    }
  };
  await walk(root, 0);
  return found.sort();
}

/** Every training writes its configuration first. */
const isRun = (names: readonly string[]): boolean =>
  names.includes("config.json") &&
  (names.includes("metrics.jsonl") || names.includes("environment.json"));

async function existingFolder(dir: string): Promise<string> {
  try {
    const path = await realpath(dir);
    if ((await stat(path)).isDirectory()) return path;
  } catch (cause) {
    throw new OcelliError("argument", `there is no folder ${dir}.`, {
      hint: "Give the folder that holds runs; ocelli train makes runs/.",
      cause,
    });
  }
  throw new OcelliError("argument", `${dir} is a file, not a folder with runs.`);
}

/** The run folder that a person means; a path that is none is an error with the nearest runs. */
export async function runFolder(path: string): Promise<string> {
  const names = await readdir(path).catch(() => []);
  if (isRun(names)) return path;
  const parent = join(path, "..");
  const siblings = await findRuns(parent).catch(() => []);
  const near = siblings.slice(0, 1000).map((folder) => join(parent, relative(parent, folder)));
  throw unknownName("run", path, near, "argument");
}

/** Reads a run folder; `root` is the listed folder that its name is told from. What cannot be read is a run that says why. */
export async function readRun(folder: string, root = folder): Promise<RunSummary> {
  try {
    return await readSound(folder, root);
  } catch (error) {
    return {
      name: nameBelow(root, folder),
      folder,
      state: "unreadable",
      why: error instanceof Error ? error.message : String(error),
      step: 0,
      updated: 0,
      model: "",
      engine: "",
      values: {},
      config: {},
    };
  }
}

function nameBelow(root: string, folder: string): string {
  const below = relative(root, folder).split(sep).join("/");
  return below === "" ? basename(folder) : below;
}

async function readSound(folder: string, root: string): Promise<RunSummary> {
  const [config, card, environment, result, metrics, files, writer] = await Promise.all([
    readObject(join(folder, "config.json")),
    readJson(join(folder, "card.json")),
    readJson(join(folder, "environment.json")),
    readJson(join(folder, "result.json")),
    readTail(join(folder, "metrics.jsonl")),
    fileTimes(folder),
    writerOf(folder),
  ]);
  const perEpoch = number(card.perEpoch);
  const step = Math.max(metrics.step, number(result.steps) ?? 0);
  const state = stateOf({ result, metrics, files, now: Date.now(), writer });
  const began = files.environment ?? files.config;
  const elapsed = Math.max(0, (files.metrics ?? began ?? 0) - (began ?? 0)) / 1000;
  const ended = state.state === "finished" || metrics.step <= (number(result.steps) ?? -1);
  return {
    name: nameBelow(root, folder),
    folder,
    ...state,
    step,
    totalSteps: state.state === "finished" ? step : totalSteps(config, perEpoch),
    perEpoch,
    ...judged(config, ruleOf(card), metrics.values, ended ? result : {}),
    seconds: (ended ? number(result.seconds) : undefined) ?? elapsed,
    updated: files.metrics ?? files.config ?? 0,
    model: modelTitle(config),
    engine: text(result.engine) ?? text(environment.engine) ?? "",
    batchSize: number(config.batchSize),
    values: { ...metrics.values, ...evaluated(result) },
    config,
  };
}

/** What a run is judged by, as its card says; runs from before it did are classifiers. */
function ruleOf({ headline }: Json): HeadlineRule {
  if (!isObject(headline)) return FIRST_RULE;
  const { metric, better } = headline;
  const isRule = typeof metric === "string" && (better === "higher" || better === "lower");
  return isRule ? { metric, better } : FIRST_RULE;
}

/** The headline of a run with the loss beside it; of training where no evaluation was made. */
function judged(
  config: Json,
  rule: HeadlineRule,
  values: Readonly<Record<string, number>>,
  result: Json,
): Pick<RunSummary, "headline" | "loss" | "measured"> {
  const names = isObject(config.evals) ? Object.keys(config.evals) : [];
  const evals = Object.fromEntries(names.map((name) => [name, valuesOf(name, values)]));
  const found = headlineOf(evals, rule);
  if (found) {
    const { headline, evaluation } = found;
    return { headline, loss: evals[evaluation].loss, measured: "evaluation" };
  }
  const { metric, better } = rule;
  const whole = headlineIn(result);
  const value = number(result[metric]); // of runs from before there was a headline
  const loss = number(result.loss);
  if (whole ?? value ?? loss) {
    const headline = whole ?? (value === undefined ? undefined : { metric, value, better });
    return { headline: headline ?? lossAlone(loss), loss, measured: "evaluation" };
  }
  const { [metric]: now, loss: training } = values as Readonly<Record<string, number | undefined>>;
  const headline = now === undefined ? lossAlone(training) : { metric, value: now, better };
  return headline ? { headline, loss: training, measured: "training" } : {};
}

const lossAlone = (value: number | undefined): Headline | undefined =>
  value === undefined ? undefined : { metric: "loss", value, better: "lower" };

/** The values of an evaluation among metrics. */
const valuesOf = (name: string, values: Readonly<Record<string, number>>) =>
  Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      key.startsWith(`${name}/`) ? [[key.slice(name.length + 1), value]] : [],
    ),
  );

function headlineIn({ headline }: Json): Headline | undefined {
  if (!isObject(headline)) return undefined;
  const { metric, value, better } = headline;
  const isSound =
    typeof metric === "string" &&
    number(value) !== undefined &&
    (better === "higher" || better === "lower");
  return isSound ? { metric, value: value as number, better } : undefined;
}

/** The result's evaluations under the names that metrics have. */
function evaluated({ evals }: Json): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [name, measured] of Object.entries(isObject(evals) ? evals : {})) {
    if (!isObject(measured)) continue;
    for (const [key, value] of Object.entries(measured)) {
      if (typeof value === "number") values[`${name}/${key}`] = value;
    }
  }
  return values;
}

const number = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;
const text = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

/** An object from a JSON file of a run; an empty one where the file is absent. An error names what else is wrong. */
async function readObject(path: string): Promise<Json> {
  try {
    return parseObject(String(await readOwn(path, MAX_JSON)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return {};
    throw new Error(`${basename(path)}: ${message}`, { cause: error });
  }
}

/** The same; an empty object where the file is absent or broken. */
export const readJson = (path: string): Promise<Json> => readObject(path).catch(() => ({}));

/** The end of the metrics, whatever the file's length: so much that it has a whole line. */
async function readTail(path: string): Promise<MetricsTail> {
  const file = await openOwn(path).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new Error(`${basename(path)}: ${message}`, { cause: error });
  });
  if (!file) return parseTail("", true);
  try {
    const { size } = await file.stat();
    for (let length = TAIL; ; length *= 4) {
      const from = Math.max(0, size - length);
      const bytes = new Uint8Array(size - from);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      const text = new TextDecoder().decode(bytes.subarray(0, bytesRead));
      const tail = parseTail(text, from === 0, size);
      if (tail.lines > 0 || from === 0 || length >= LONGEST_TAIL) return tail;
    }
  } finally {
    await file.close();
  }
}

/** The last moment that a date can be. */
const LAST_TIME = 8.64e15;

/** When the files of a run were last written, in milliseconds. */
async function fileTimes(folder: string): Promise<Partial<Record<string, number>>> {
  const names = {
    config: "config.json",
    environment: "environment.json",
    metrics: "metrics.jsonl",
  };
  const times = await Promise.all(
    Object.entries(names).map(async ([key, name]) => {
      const found: Stats | undefined = await lstat(join(folder, name)).catch(() => undefined);
      return [key, found && Math.min(found.mtimeMs, LAST_TIME)] as const;
    }),
  );
  return Object.fromEntries(times);
}
