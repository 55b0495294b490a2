/** @file The one error class, and nearest-name suggestions. */

/** What kind of mistake an error reports; commands map them to exit codes. */
export type ErrorCode =
  | "shape"
  | "dtype"
  | "argument"
  | "name"
  | "config"
  | "data"
  | "disk"
  | "diverged"
  | "format"
  | "engine"
  | "unsupported"
  | "disposed"
  | "not-differentiable";

/** The details of an error beside its message. */
export interface ErrorDetails {
  /** What was given. */
  readonly given?: unknown;
  /** What would have been valid, the nearest choice first. */
  readonly valid?: readonly string[];
  /** How to mend it, in one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error class of Ocelli: a code, one clear line, what was given, what is valid, how to mend it. */
export class OcelliError extends Error {
  readonly code: ErrorCode;
  readonly given: unknown;
  readonly valid: readonly string[] | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(
      details.hint ? `${message} ${details.hint}` : message,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.name = "OcelliError";
    this.code = code;
    this.given = details.given;
    this.valid = details.valid;
    this.hint = details.hint;
  }
}

/** Characters of a name that are compared, names that are, and characters that are shown: a file may hold any. */
const COMPARED = 64;
const MOST_COMPARED = 1 << 15;
const SHOWN = 100;

/**
 * The Damerau–Levenshtein distance (adjacent swaps count one) between the first 64 characters of two names, ignoring
 * case.
 */
export function editDistance(a: string, b: string): number {
  const s = a.slice(0, COMPARED).toLowerCase();
  const t = b.slice(0, COMPARED).toLowerCase();
  let beforeLast: number[] = [];
  let last = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const row = [i];
    for (let j = 1; j <= t.length; j++) {
      const swap = i > 1 && j > 1 && s[i - 1] === t[j - 2] && s[i - 2] === t[j - 1];
      row[j] = Math.min(
        last[j] + 1,
        row[j - 1] + 1,
        last[j - 1] + (s[i - 1] === t[j - 1] ? 0 : 1),
        swap ? beforeLast[j - 2] + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = row;
  }
  return last[t.length];
}

/**
 * The valid names, nearest to `given` first: a name that contains it counts as near, and of a dotted name its last
 * part may be meant.
 */
export function nearestNames(given: string, valid: Iterable<string>): string[] {
  const bare = given.replace(/^-+/, "");
  const score = (name: string) => {
    const whole = name.replace(/^-+/, "");
    const contains = whole.toLowerCase().includes(bare.toLowerCase());
    const last = whole.slice(whole.lastIndexOf(".") + 1);
    const distance = Math.min(editDistance(bare, whole), editDistance(bare, last) + 0.5);
    return distance - (contains ? 3 : 0);
  };
  const all = [...valid];
  const compared = all.length <= MOST_COMPARED ? all : all.slice(0, MOST_COMPARED);
  return compared
    .map((name) => ({ name, distance: score(name) }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

const shorten = (name: string): string =>
  name.length <= SHOWN ? name : `${name.slice(0, SHOWN)}…`;

/** An error for a name that is not among the valid ones; the nearest are listed first. */
export function unknownName(
  kind: string,
  given: string,
  valid: Iterable<string>,
  code: ErrorCode = "name",
): OcelliError {
  const names = nearestNames(given, valid);
  const shown = names.slice(0, 8).map(shorten).join(", ") + (names.length > 8 ? ", …" : "");
  return new OcelliError(code, `unknown ${kind} "${shorten(given)}"; valid: ${shown || "none"}.`, {
    given,
    valid: names,
  });
}
