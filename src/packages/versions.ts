/**
 * @file Versions of Python packages, and what a requirement takes of them.
 * @see https://packaging.python.org/en/latest/specifications/version-specifiers/
 */

import { OcelliError } from "../errors.ts";

/** A version by its parts. */
export interface Version {
  readonly epoch: number;
  readonly release: readonly number[];
  /** Whether it is meant for trying out: alpha, beta, candidate or in development. */
  readonly isEarly: boolean;
  /** What is compared after the release: pre-release kind and number, post-release, development release. */
  readonly rest: readonly number[];
}

const VERSION =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|alpha|b|beta|c|rc|pre|preview)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/;

const KINDS: Readonly<Record<string, number>> = { a: 0, alpha: 0, b: 1, beta: 1 };
const CANDIDATE = 2;
const FINAL = 3;
const BEFORE_ALL = -1;

/** The parts of a version; undefined where it is none. */
export function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text.trim().toLowerCase());
  if (!match) return undefined;
  const [, epoch, release, kind, count, shortPost, post, postCount, dev, devCount] = match;
  const isPost = shortPost !== undefined || post !== undefined;
  let rank = kind === undefined ? FINAL : (KINDS[kind] ?? CANDIDATE);
  if (kind === undefined && dev !== undefined && !isPost) rank = BEFORE_ALL;
  const parts = release.split(".").map(Number);
  while (parts.length > 1 && parts.at(-1) === 0) parts.pop();
  return {
    epoch: Number(epoch ?? 0),
    release: parts,
    isEarly: kind !== undefined || dev !== undefined,
    rest: [
      rank,
      Number(count || 0),
      isPost ? Number(shortPost ?? (postCount || 0)) : -1,
      dev === undefined ? Infinity : Number(devCount || 0),
    ],
  };
}

/** Below zero where the first version is older, zero where they are the same. */
export function compareVersions(a: Version, b: Version): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  const length = Math.max(a.release.length, b.release.length);
  for (let i = 0; i < length; i++) {
    const difference = (a.release[i] ?? 0) - (b.release[i] ?? 0);
    if (difference !== 0) return difference;
  }
  const at = a.rest.findIndex((part, i) => part !== b.rest[i]);
  return at < 0 ? 0 : a.rest[at] < b.rest[at] ? -1 : 1;
}

/** A package, and which of its versions are taken. */
export interface Requirement {
  readonly name: string;
  /** Whether exactly one version is meant. */
  readonly isPinned: boolean;
  takes(version: Version): boolean;
}

const REQUIREMENT =
  /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*((?:[=!<>]=?\s*[^,\s]+\s*,?\s*)*)$/;

const HOLDS: Readonly<Record<string, (difference: number) => boolean>> = {
  "==": (difference) => difference === 0,
  "!=": (difference) => difference !== 0,
  ">=": (difference) => difference >= 0,
  "<=": (difference) => difference <= 0,
  ">": (difference) => difference > 0,
  "<": (difference) => difference < 0,
};

/** Reads a requirement such as `name`, `name==1.2` or `name>=1.2,<2`. */
export function parseRequirement(text: string): Requirement {
  const refuse = (): never => {
    throw new OcelliError("argument", `"${text}" is no requirement that is understood here.`, {
      given: text,
      valid: ["name", "name==1.2", "name>=1.2,<2"],
      hint: `The signs are ${Object.keys(HOLDS).join(" ")}.`,
    });
  };
  const [, name, tail] = REQUIREMENT.exec(text.trim()) ?? refuse();
  const parts = tail
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const bounds = parts.map((part) => {
    const [, sign, given] = /^([=!<>]=?)\s*(.*)$/.exec(part) ?? refuse();
    const version = parseVersion(given);
    return version && Object.hasOwn(HOLDS, sign) ? { sign, version } : refuse();
  });
  return {
    name,
    isPinned: bounds.some(({ sign }) => sign === "=="),
    takes: (found) =>
      bounds.every(({ sign, version }) => HOLDS[sign](compareVersions(found, version))),
  };
}
