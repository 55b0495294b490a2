/** @file Installing a pinned plugin: its wheel is fetched by pip, the library unpacked into the cache and checked. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { type Plugin, libraryPath, pluginFolder, pluginOf } from "./plugins.ts";

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
  /** Python with pip; `python3` unless given. It is not needed afterwards. */
  readonly python?: string;
  /** Told what is done, line by line. */
  readonly report?: (line: string) => void;
}

const RECORD = "ocelli-plugin.json";

/**
 * Fetches a pinned plugin and unpacks it into the cache folder; one that is there already and whole is left as it is.
 * Errors where pip is missing or fails, and where the library is not the one that was pinned.
 *
 * @example
 * await installPlugin("xla-cpu", { report: console.error });
 */
export async function installPlugin(
  name: string,
  { python = "python3", report = () => undefined }: InstallOptions = {},
): Promise<InstalledPlugin> {
  const plugin = pluginOf(name);
  const folder = pluginFolder(name);
  const library = libraryPath(name);
  if (existsSync(library) && (await sha256Of(library)) === plugin.sha256) {
    report(`${name} ${plugin.version} is installed: ${library}`);
    return record(name, library, await wheelsOf(folder));
  }
  const partial = `${folder}.partial-${process.pid}`;
  await mkdir(join(partial, "wheels"), { recursive: true });
  try {
    const wheels = await fetchWheels(python, plugin, partial, report);
    await unpack(python, plugin, partial, wheels);
    const found = await sha256Of(join(partial, plugin.library));
    if (found !== plugin.sha256) {
      throw new OcelliError(
        "engine",
        `${name}'s library has sha256 ${found}, not the pinned ${plugin.sha256}.`,
        { hint: "Nothing was installed: the package index served another file." },
      );
    }
    await rm(join(partial, "wheels"), { recursive: true });
    const installed = record(name, library, wheels);
    await writeFile(join(partial, RECORD), `${JSON.stringify(installed, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    await mkdir(dirname(folder), { recursive: true });
    await rename(partial, folder);
    report(`installed ${library} (${plugin.licence})`);
    return installed;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

const record = (name: string, library: string, wheels: readonly string[]): InstalledPlugin => {
  const { version, licence, sha256 } = pluginOf(name);
  return { name, version, licence, library, sha256, wheels };
};

/** The wheels that an installed plugin's record names; none where it was put there by hand. */
async function wheelsOf(folder: string): Promise<readonly string[]> {
  const file = join(folder, RECORD);
  if (!existsSync(file)) return [];
  return (JSON.parse(await readFile(file, "utf8")) as InstalledPlugin).wheels;
}

/** The plugin's wheel and those it needs, downloaded; pip checks them against the index's hashes. */
async function fetchWheels(
  python: string,
  { wheel, version, needs }: Plugin,
  partial: string,
  report: (line: string) => void,
): Promise<string[]> {
  const folder = join(partial, "wheels");
  const options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"];
  for (const requirement of [`${wheel}==${version}`, ...needs]) {
    report(`fetching ${requirement}`);
    await runPip(python, ["download", ...options, "--dest", folder, requirement]);
  }
  return (await readdir(folder)).sort();
}

/** Unpacks members of a wheel (all, where none are named) with their permissions: CUDA's wheels hold programs. */
const UNPACK = `
import os, sys, zipfile
wheel, folder, *members = sys.argv[1:]
archive = zipfile.ZipFile(wheel)
for member in members or archive.namelist():
    path = archive.extract(member, folder)
    mode = archive.getinfo(member).external_attr >> 16
    if mode:
        os.chmod(path, mode)
`;

/** Of the plugin's wheel the library alone; of the others everything, since they look for their parts. */
async function unpack(
  python: string,
  { wheel, library }: Plugin,
  partial: string,
  wheels: readonly string[],
): Promise<void> {
  const own = `${wheel.replaceAll("-", "_")}-`;
  for (const file of wheels) {
    const members = file.startsWith(own) ? [library] : [];
    await runPython(python, ["-c", UNPACK, join(partial, "wheels", file), partial, ...members]);
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function runPip(python: string, args: readonly string[]): Promise<void> {
  try {
    await runPython(python, ["-m", "pip", ...args]);
  } catch (error) {
    if (error instanceof OcelliError && error.message.includes("No module named pip")) {
      throw new OcelliError("engine", `${python} has no pip, by which plugins are fetched.`, {
        hint: `Install pip, or fetch the plugin elsewhere and pass it with --plugin FILE.`,
        cause: error,
      });
    }
    throw error;
  }
}

function runPython(python: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(python, args, { maxBuffer: 1 << 24 }, (error, _stdout, stderr) => {
      if (!error) resolve();
      else if (error.code === "ENOENT") {
        const message = `${python} was not found; plugins are fetched by Python's pip.`;
        const hint = "Install Python 3 with pip, or pass a plugin's file with --plugin FILE.";
        reject(new OcelliError("engine", message, { hint, cause: error }));
      } else {
        const why = stderr.trim().split("\n").slice(-3).join(" ") || error.message;
        reject(new OcelliError("engine", `${python} ${args.slice(0, 3).join(" ")}: ${why}`));
      }
    });
  });
}
