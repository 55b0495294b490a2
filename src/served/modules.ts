/** @file Files of a user's definitions: loading them, and finding them again for a run that was trained with them. */

import { existsSync, realpathSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Definition, added, use } from "../config/use.ts";
import { type Named, definitionsIn, fileOf, rememberFile } from "../define.ts";
import { OcelliError } from "../errors.ts";
import { readOwn, writeAtomically } from "../files.ts";
import { objectiveDefinition } from "../objectives/index.ts";
import { cacheFolder } from "../packages/cache.ts";
import { RUN_FILES, type Run } from "../runs/run.ts";

/** A definition of a user that a run was trained with. */
interface Recorded extends Named {
  /** The file that exports it; absent where a program made it. */
  readonly file?: string;
}

/**
 * Loads files of definitions, which configurations, runs and cards may name from now on. Runs that were trained with
 * them open without their being named again.
 *
 * @throws a configuration error where there is no such file, or nothing is defined in it
 */
export async function useFiles(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (!existsSync(file)) {
      throw new OcelliError("config", `there is no file ${file} to take definitions from.`, {
        given: file,
        hint: "Give a .ts, .js or .mjs file that exports what defineModel or its like gave.",
      });
    }
    await allow(await load(realpathSync(resolve(file)), file));
  }
}

/** Takes the definitions that a configuration's file exports as `use`. */
export async function useExported(path: string, module: { readonly use?: unknown }): Promise<void> {
  if (module.use === undefined) return;
  if (take(path, { use: module.use }) === 0) {
    throw new OcelliError(
      "config",
      `${path}: use must be a list of what defineModel and its like gave.`,
    );
  }
  await allow(path);
}

/** Loads a file of definitions; its path. */
async function load(path: string, shown: string): Promise<string> {
  let module: object;
  try {
    module = (await import(pathToFileURL(path).href)) as object;
  } catch (cause) {
    if (cause instanceof OcelliError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new OcelliError("config", `${shown} cannot be loaded: ${problem}`, { cause });
  }
  if (take(path, module) > 0) return path;
  throw new OcelliError("config", `${shown} exports no definition.`, {
    hint: "Write, for example: export const mine = defineModel({ … }).",
  });
}

/** Adds the definitions that a module exports; how many there are. */
function take(path: string, module: object): number {
  const definitions = definitionsIn(module);
  use(definitions as Definition[]);
  for (const definition of definitions) rememberFile(definition, path);
  return definitions.length;
}

/** Keeps, in a run's folder, which definitions of a user its configuration names, and their files. */
export async function recordDefinitions(
  run: Pick<Run, "readJson" | "writeJson">,
  config: object,
): Promise<void> {
  const named = new Set(wordsIn(config));
  for (const { kind, name } of added()) {
    if (kind === "objective" && named.has(name)) named.add(objectiveDefinition(name).task);
  }
  const own = added().filter(({ name }) => named.has(name));
  if (own.length === 0) return;
  const before: readonly Recorded[] = definitionsIn(
    ((await run.readJson("definitions")) ?? {}) as object,
  );
  const definitions = own.map((definition): Recorded => {
    const { kind, name } = definition;
    const recorded = before.find((one) => one.kind === kind && one.name === name);
    return { kind, name, file: fileOf(definition) ?? recorded?.file };
  });
  await run.writeJson("definitions", { definitions });
}

/** The names in a configuration: its texts, and the words of those that are longer, such as preprocessings. */
const wordsIn = (value: unknown): string[] =>
  typeof value === "string"
    ? [value, ...value.split(/[^\w-]+/)]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(wordsIn)
      : [];

/**
 * Loads the definitions that a run was trained with, for whatever opens the run's folder or a file in it. Files are
 * code: only those are loaded that were named here before, by training with them or by `--use`.
 *
 * @throws a configuration error where a file is gone, is new here, or a program made the definition
 */
export async function useRunFiles(run: string): Promise<void> {
  const folder = /\.(safetensors|onnx)$/i.test(run) ? dirname(run) : run;
  for (const recorded of await readRecorded(join(folder, RUN_FILES.definitions))) {
    const { kind, name, file } = recorded;
    if (isAdded(recorded)) continue;
    const what = `${run} was trained with the ${kind} "${name}" of your own`;
    const hint = "Name the file that defines it: --use FILE; in code: { use: [it] }.";
    if (file === undefined) throw new OcelliError("config", `${what}.`, { hint });
    if (!existsSync(file))
      throw new OcelliError("config", `${what}; its file ${file} is gone.`, { hint });
    if (!(await allowed()).includes(file)) {
      throw new OcelliError("config", `${what}; its file ${file} is code that is new here.`, {
        hint: `Add --use ${file} if you trust it.`,
      });
    }
    await load(file, file);
    if (!isAdded(recorded)) {
      throw new OcelliError("config", `${what}; its file ${file} no longer exports it.`, { hint });
    }
  }
}

const isAdded = ({ kind, name }: Named): boolean =>
  added().some((one) => one.kind === kind && one.name === name);

async function readRecorded(path: string): Promise<readonly Recorded[]> {
  try {
    const record = JSON.parse(String(await readOwn(path, MAX_RECORD))) as object;
    return definitionsIn(record);
  } catch {
    return []; // a run without definitions of its user's
  }
}

/** The largest record that is read. */
const MAX_RECORD = 1 << 20;

/** The list of files that may be loaded where a run names them. */
const allowedFile = (): string => join(cacheFolder("definitions"), "files.json");

async function allowed(): Promise<readonly string[]> {
  try {
    const list = JSON.parse(String(await readOwn(allowedFile(), MAX_RECORD))) as unknown;
    return Array.isArray(list) ? (list as string[]) : [];
  } catch {
    return [];
  }
}

/** Keeps a file that was named here; where the cache cannot be written it has to be named again. */
async function allow(path: string): Promise<void> {
  const before = await allowed();
  if (before.includes(path)) return;
  try {
    await mkdir(dirname(allowedFile()), { recursive: true });
    await writeAtomically(allowedFile(), `${JSON.stringify([...before, path], null, 2)}\n`);
  } catch {
    return;
  }
}
