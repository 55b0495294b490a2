/** @file What a server takes of a request, and how much at once. */

/** Limits of a server. */
export interface Limits {
  /** Bytes of a request. Default: 10 MB. */
  readonly bytes: number;
  /** Pixels of a picture, told by its header before it is decoded. Default: 40 million. */
  readonly pixels: number;
  /** Milliseconds of a request. Default: 10,000. */
  readonly time: number;
  /** Pictures that wait. Default: 256. */
  readonly queue: number;
  /** Pictures that are computed together. Default: 16. */
  readonly batch: number;
}

/** Limits where nothing is said. */
export const DEFAULT_LIMITS: Limits = {
  bytes: 10_000_000,
  pixels: 40_000_000,
  time: 10_000,
  queue: 256,
  batch: 16,
};
