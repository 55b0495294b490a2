/**
 * @file What the name of a wheel says, and whether its files suit this machine.
 * @see https://packaging.python.org/en/latest/specifications/binary-distribution-format/
 */

import { type Version, parseVersion } from "./versions.ts";

/** A wheel by the parts of its file name. */
export interface WheelName {
  readonly file: string;
  /** Of the package, as {@link normalName} has it. */
  readonly name: string;
  readonly version: Version;
  /** Tags; each of the three may list several. */
  readonly pythons: readonly string[];
  readonly abis: readonly string[];
  readonly platforms: readonly string[];
}

/** What the files of a wheel run on. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** The version of glibc, such as "2.36"; absent where the system has another C library. */
  readonly glibc?: string;
}

/** A package's name as indexes compare it. */
export const normalName = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, "-");

/** The parts of a wheel's file name; undefined for another file. */
export function parseWheelName(file: string): WheelName | undefined {
  const [, stem] = /^(.+)\.whl$/.exec(file) ?? [];
  const parts = stem?.split("-") ?? [];
  if (parts.length !== 5 && parts.length !== 6) return undefined; // the sixth is a build number
  const version = parseVersion(parts[1].replaceAll("_", "-"));
  const [pythons, abis, platforms] = parts.slice(-3).map((tags) => tags.split("."));
  return version && { file, name: normalName(parts[0]), version, pythons, abis, platforms };
}

/** This machine. */
export function thisMachine(): Machine {
  const { platform, arch } = process;
  if (platform !== "linux") return { platform, arch };
  const { header } = process.report.getReport() as unknown as {
    header: { glibcVersionRuntime?: string };
  };
  const { glibcVersionRuntime: glibc } = header;
  return glibc === undefined ? { platform, arch } : { platform, arch, glibc };
}

const ARCHES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  linux: { x64: ["x86_64"], arm64: ["aarch64"] },
  darwin: { x64: ["x86_64", "universal2"], arm64: ["arm64", "universal2"] },
  win32: { x64: ["amd64"], arm64: ["arm64"], ia32: ["win32"] },
};

/** The names of old Linux tags, and the glibc that they need. */
const MANYLINUX: Readonly<Record<string, string>> = {
  manylinux1: "2.5",
  manylinux2010: "2.12",
  manylinux2014: "2.17",
};

/** Whether files for a platform's tag run on a machine. No Python is run, so that its tags do not matter. */
export function suits(tag: string, { platform, arch, glibc }: Machine): boolean {
  if (tag === "any") return true;
  const arches = ARCHES[platform]?.[arch] ?? [];
  const built = arches.find((name) => tag === name || tag.endsWith(`_${name}`));
  if (built === undefined) return false;
  const system = tag.slice(0, -built.length - 1);
  if (platform === "darwin") return system.startsWith("macosx_");
  if (platform === "win32") return tag === built || system === "win";
  if (system.startsWith("musllinux_")) return glibc === undefined;
  if (glibc === undefined) return false;
  const [, needed = MANYLINUX[system]] = /^manylinux_(\d+_\d+)$/.exec(system) ?? [];
  return system === "linux" || (needed !== undefined && isAtLeast(glibc, needed.replace("_", ".")));
}

function isAtLeast(found: string, needed: string): boolean {
  const [major, minor] = found.split(".").map(Number);
  const [neededMajor, neededMinor] = needed.split(".").map(Number);
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}

/** The smaller, the fewer versions of Python a wheel is bound to; the newest of those that are bound to one. */
export function rankOf({ pythons, abis }: WheelName): number {
  if (abis.includes("none")) return 0;
  if (abis.includes("abi3")) return 1;
  const minors = pythons.map((tag) => Number(/^cp3(\d+)$/.exec(tag)?.[1] ?? 0));
  return 1000 - Math.max(...minors);
}
