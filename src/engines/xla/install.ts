/** @file Installing a pinned plugin: its wheel is fetched, the library unpacked into the cache and checked. */

import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { putFolder, sha256OfFile, withFolderBeside } from "../../packages/cache.ts";
import { type PackageUse, downloadWheels, unpackWheel } from "../../packages/wheels.ts";
import { type Plugin, libraryPath, pinnedFiles, pluginFolder, pluginOf } from "./plugins.ts";

/** What is recorded beside an installed plugin. */
export interface InstalledPlugin {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** The library's file. */
  readonly library: string;
  readonly sha256: string;
  /** The wheels that were unpacked, by file name. */
  readonly wheels: readonly string[];
}

/** Options of {@link installPlugin}. */
export interface InstallOptions {
  /** Told what is done, line by line. */
  readonly report?: (line: string) => void;
}

const RECORD = "ocelli-plugin.json";

/**
 * Fetches a pinned plugin and unpacks it into the cache folder; one that is there already and whole is left as it is.
 * Errors where the index cannot be reached, and where the library is not the one that was pinned.
 *
 * @example
 * await installPlugin("xla-cpu", { report: console.error });
 */
export async function installPlugin(
  name: string,
  { report = () => undefined }: InstallOptions = {},
): Promise<InstalledPlugin> {
  const plugin = pluginOf(name);
  const folder = pluginFolder(name);
  const library = libraryPath(name);
  if ((await otherThanPinned(name, folder)) === undefined) {
    report(`${name} ${plugin.version} is installed: ${library}`);
    return record(name, library, await wheelsOf(folder));
  }
  const use: PackageUse = {
    code: "engine",
    things: "plugins",
    otherwise: "pass a plugin's file with --plugin FILE.",
  };
  return withFolderBeside(folder, async (partial) => {
    const wheelFolder = join(partial, "wheels");
    const wheels = await downloadWheels(use, requirementsOf(plugin), wheelFolder, report);
    await unpack(plugin, partial, wheels);
    const other = await otherThanPinned(name, partial);
    if (other) {
      throw new OcelliError("engine", `${name}: ${other}.`, {
        hint: "Nothing was installed: the package index served another file.",
      });
    }
    await rm(wheelFolder, { recursive: true });
    const installed = record(name, library, wheels);
    await writeFile(join(partial, RECORD), `${JSON.stringify(installed, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    const late = (await putFolder(partial, folder))
      ? undefined
      : await otherThanPinned(name, folder);
    if (late) throw new OcelliError("engine", `${name}: ${late}; another process installs it.`);
    report(`installed ${library} (${installed.licence})`);
    return installed;
  });
}

const record = (name: string, library: string, wheels: readonly string[]): InstalledPlugin => {
  const { version, licence, sha256, allocator } = pluginOf(name);
  const licences = allocator ? `${licence}; ${allocator.wheel}: ${allocator.licence}` : licence;
  return { name, version, licence: licences, library, sha256, wheels };
};

/** What is not as it was pinned of a plugin in a folder, in words; undefined where all is. */
async function otherThanPinned(name: string, folder: string): Promise<string | undefined> {
  for (const [path, pinned] of Object.entries(pinnedFiles(name))) {
    const file = join(folder, path);
    if (!existsSync(file)) return `${basename(path)} is not there`;
    const found = await sha256OfFile(file);
    if (found !== pinned) return `${basename(path)} has sha256 ${found}, not the pinned ${pinned}`;
  }
  return undefined;
}

/** The wheels that an installed plugin's record names; none where it was put there by hand. */
async function wheelsOf(folder: string): Promise<readonly string[]> {
  const file = join(folder, RECORD);
  if (!existsSync(file)) return [];
  return (JSON.parse(await readFile(file, "utf8")) as InstalledPlugin).wheels;
}

/** The plugin's wheel and those it needs. */
const requirementsOf = ({ wheel, version, needs, allocator }: Plugin): string[] => [
  `${wheel}==${version}`,
  ...(allocator ? [`${allocator.wheel}==${allocator.version}`] : []),
  ...needs,
];

/** Of the plugin's and the allocator's wheels the libraries alone; of others everything: they look for their parts. */
async function unpack(
  { wheel, library, allocator }: Plugin,
  partial: string,
  wheels: readonly string[],
): Promise<void> {
  const isOf = (file: string, name: string): boolean =>
    file.startsWith(`${name.replaceAll("-", "_")}-`);
  for (const file of wheels) {
    let members: string[] = [];
    if (isOf(file, wheel)) members = [library];
    else if (allocator && isOf(file, allocator.wheel)) members = Object.keys(allocator.libraries);
    await unpackWheel(join(partial, "wheels", file), partial, members);
  }
}
