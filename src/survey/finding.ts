/** @file What a finding of a survey is. */

/** A kind of finding. */
export interface Finding {
  /** A word for it. */
  readonly about: string;
  readonly text: string;
  /** Some pictures that it is of, each on a line. */
  readonly such: readonly string[];
}
