/** @file What a server takes of a request, and how much at once. */

import { OcelliError, unknownName } from "../errors.ts";

/** Limits of a server. */
export interface Limits {
  /** Bytes of a request. Default: 10 MB. */
  readonly bytes: number;
  /** Pixels of a picture, told by its header before it is decoded. Default: 40 million. */
  readonly pixels: number;
  /** Milliseconds of a request. Default: 10,000. */
  readonly time: number;
  /** Requests at the same time. Default: 256. */
  readonly queue: number;
  /** Pictures that are computed together. Default: 16. */
  readonly batch: number;
}

/** Limits where nothing is said. */
const DEFAULT_LIMITS: Limits = {
  bytes: 10_000_000,
  pixels: 40_000_000,
  time: 10_000,
  queue: 256,
  batch: 16,
};

/** The most that a limit may be: what one array and a timer of Node can hold, and what a JPEG can. */
const MOST: Limits = {
  bytes: 2 ** 31 - 1,
  pixels: 65_535 ** 2,
  time: 2 ** 31 - 1,
  queue: 2 ** 20,
  batch: 1024,
};

/**
 * All limits, those that are not given by their defaults.
 *
 * @throws an argument error for a limit that is not a whole number within its range, or that there is not
 */
export function completeLimits(given: Partial<Limits> = {}): Limits {
  const limits: { -readonly [name in keyof Limits]: number } = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given) as [keyof Limits, number | undefined][]) {
    if (!Object.hasOwn(limits, name)) {
      throw unknownName("limit", name, Object.keys(limits), "argument");
    }
    if (value === undefined) continue;
    if (!(Number.isSafeInteger(value) && value >= 1 && value <= MOST[name])) {
      throw new OcelliError(
        "argument",
        `the limit of ${name} must be a whole number from 1 to ${MOST[name]}, not ${value}.`,
      );
    }
    limits[name] = value;
  }
  return limits;
}
