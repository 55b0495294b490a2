/** @file What a claim came to. */

import type { ClaimScale, ClaimValues } from "./define.ts";

/** A mean over seeds with the seeds' standard deviation and the mean's standard error; both 0 of one seed. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
  readonly error: number;
}

/** Settings that were tried for an arm, and what its metric came to on the validation split. */
export interface Tried {
  readonly tuned: Readonly<Record<string, number>>;
  readonly value: number;
}

/** What an arm came to. */
export interface ArmResult {
  /** The settings that it was given, of those that it reads. */
  readonly tuned: Readonly<Record<string, number>>;
  /** By seed, in the order of the result's `seeds`. */
  readonly values: readonly ClaimValues[];
  /** What was tried for it, with the first seed; empty where nothing of it is tuned. */
  readonly tried: readonly Tried[];
  /** Of the metric. */
  readonly metric: Spread;
}

/** What a comparison came to. */
export interface CheckResult extends Spread {
  readonly text: string;
  readonly margin: number;
  /** Of a quick claim: in direction. */
  readonly holds: boolean;
  /** Whether the mean is so close to what is needed that its standard error leaves the answer open. */
  readonly isOpen: boolean;
}

/** What a claim came to; without checks where it was interrupted. */
export interface ClaimResult {
  readonly claim: string;
  readonly headline: string;
  readonly scale: ClaimScale;
  readonly metric: string;
  readonly seeds: readonly number[];
  readonly arms: Readonly<Record<string, ArmResult>>;
  readonly checks: readonly CheckResult[];
  readonly holds: boolean;
  /** The table as Markdown. */
  readonly table: string;
  /** Of this process. */
  readonly seconds: number;
  readonly workdir: string;
  readonly interrupted: boolean;
}
