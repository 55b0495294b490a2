/** @file Plugins under names of one's own: any library, recorded in the cache with its sha256. */

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { OcelliError } from "../../errors.ts";
import { writeAtomically } from "../../files.ts";
import { cacheFolder, sha256OfFile } from "../../packages/cache.ts";
import { prepareEnvironment } from "./environment.ts";
import { PLUGINS } from "./plugins.ts";

/** What is recorded of a plugin that was installed with `--plugin FILE`. */
export interface OwnPlugin {
  readonly name: string;
  /** The library, where it lay when it was installed; it stays there, beside what it loads. */
  readonly library: string;
  readonly sha256: string;
  readonly bytes: number;
  /** When the file was changed last, in ms. */
  readonly modified: number;
  /** The version of PJRT that it speaks. */
  readonly pjrt: string;
  /** As its client names it, such as "rocm"; absent where no device was found when it was installed. */
  readonly platform?: string;
}

const RECORD = "own-plugin.json";
const NAME = /^xla-[a-z0-9][a-z0-9._-]*$/;

const recordFile = (name: string): string => join(cacheFolder("engines"), name, RECORD);

/** The names of plugins that were installed with `--plugin FILE`. */
export function ownPlugins(): string[] {
  const folder = cacheFolder("engines");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => NAME.test(name) && existsSync(recordFile(name)))
    .sort();
}

/** The record of a plugin of one's own; undefined for another name. */
export function ownPlugin(name: string): OwnPlugin | undefined {
  if (!NAME.test(name) || !existsSync(recordFile(name))) return undefined;
  return JSON.parse(readFileSync(recordFile(name), "utf8")) as OwnPlugin;
}

/** Checks that a plugin's file is the one that was installed, by its length and time. */
export function checkUnchanged({ name, library, bytes, modified }: OwnPlugin): void {
  const found = statSync(library, { throwIfNoEntry: false });
  if (found?.size === bytes && Math.trunc(found.mtimeMs) === modified) return;
  throw new OcelliError(
    "engine",
    `the plugin ${name} was installed as ${library}, which ${found ? "has changed since" : "does not exist"}.`,
    { hint: `Install it again: ocelli engines install ${name} --plugin FILE` },
  );
}

/** Checks a name for a plugin of one's own. */
function checkOwnName(name: string): void {
  if (Object.hasOwn(PLUGINS, name)) {
    throw new OcelliError(
      "argument",
      `${name} is the name of a pinned plugin; give FILE another one, such as xla-own.`,
    );
  }
  if (NAME.test(name)) return;
  throw new OcelliError("argument", `"${name}" is no name for a plugin.`, {
    given: name,
    hint: "Use xla- followed by lower-case letters, digits, dots and dashes.",
  });
}

/**
 * Opens a plugin's file, and records it under a name that `--engine` takes. An error where it is no plugin; where only
 * its device is missing, that is said, and found out again when it is used.
 *
 * @example
 * await installOwnPlugin("xla-rocm", "/opt/xla/pjrt_c_api_gpu_plugin.so");
 */
export async function installOwnPlugin(
  name: string,
  file: string,
  report: (line: string) => void = () => undefined,
): Promise<OwnPlugin> {
  checkOwnName(name);
  const library = resolve(file);
  prepareEnvironment(undefined);
  const { createClient } = await import("./pjrt/client.ts");
  const { loadPlugin } = await import("./pjrt/api.ts");
  const { major, minor } = loadPlugin(library).version;
  let platform: string | undefined;
  try {
    const client = createClient(library);
    platform = client.platform;
    await client.owner.close();
  } catch (error) {
    if (!(error instanceof OcelliError)) throw error;
    report(`no device was found: ${error.message}`);
  }
  const { size: bytes, mtimeMs } = await stat(library);
  const sha256 = await sha256OfFile(library);
  const pjrt = `${major}.${minor}`;
  const own = { name, library, sha256, bytes, modified: Math.trunc(mtimeMs), pjrt, platform };
  const target = recordFile(name);
  await mkdir(join(target, ".."), { recursive: true });
  await writeAtomically(target, `${JSON.stringify(own, null, 2)}\n`);
  report(`installed ${name}: ${library}, PJRT ${pjrt}, sha256 ${sha256}`);
  report(`take it with --engine ${name}`);
  return own;
}
