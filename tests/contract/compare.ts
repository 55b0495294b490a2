/** @file Comparison of results: integers and bools exactly, floats in units of the last place. */

import { type DType, type HostArray, isFloat, toNumbers } from "../../src/graph/index.ts";

/** The distance from 1 to the next number. */
const EPSILON: Partial<Record<DType, number>> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
};

/** What {@link errorOf} measures with. */
export interface Measure {
  readonly dtype: DType;
  /** Relative to each element, to the largest of the array, or to the larger of that and 1. */
  readonly scale?: "element" | "array" | "unit";
}

/**
 * The largest difference between two lists, in units of the last place of the expected numbers. Infinite where
 * integers differ, or where one is NaN or infinite and the other is not the same.
 */
export function errorOf(
  actual: readonly number[],
  expected: readonly number[],
  { dtype, scale = "element" }: Measure,
): number {
  if (actual.length !== expected.length) return Infinity;
  // decimals stand for the float32 nearest to them
  const wanted = isFloat(dtype) && dtype !== "float64" ? expected.map(Math.fround) : expected;
  const finite = wanted.filter(Number.isFinite).map(Math.abs);
  const largest = finite.reduce((a, b) => Math.max(a, b), 0);
  return wanted.reduce((worst, e, i) => {
    const a = actual[i];
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) return worst;
    if (!isFloat(dtype) || !Number.isFinite(e) || !Number.isFinite(a)) return Infinity;
    const size = { element: Math.abs(e), array: largest, unit: Math.max(largest, 1) }[scale];
    const unit = size * EPSILON[dtype]!;
    return Math.max(worst, Math.abs(a - e) / Math.max(unit, Number.MIN_VALUE));
  }, 0);
}

/** Describes where two arrays differ by more than so many units, or nothing. */
export function difference(
  what: string,
  actual: HostArray,
  expected: HostArray | readonly number[],
  ulps: number,
  scale: Measure["scale"],
): string | undefined {
  const wanted = "data" in expected ? toNumbers(expected) : expected;
  const given = toNumbers(actual);
  const error = errorOf(given, wanted, { dtype: actual.dtype, scale });
  if (error <= ulps) return undefined;
  const show = (list: readonly number[]) => list.slice(0, 40).join(", ");
  return `${what}: off by ${error.toPrecision(3)} ulp (${ulps} allowed)\n  given    ${show(given)}\n  expected ${show(wanted)}`;
}
