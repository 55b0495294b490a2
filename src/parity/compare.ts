/** @file Comparing what was computed with what was recorded, at a case's tolerance. */

import { type HostArray, sameShape, toNumbers } from "../graph/index.ts";
import { type Arrays, type Case, numberAt, objectAt } from "./case.ts";

/** Where values may differ in the last place of a narrow dtype: in few elements, by a coarser tolerance. */
export interface RoundingAllowance {
  /** Relative to the array's magnitude. */
  readonly rtol: number;
  /** The largest part of an array's elements. */
  readonly share: number;
}

/** What a family computed for a case. */
export interface Computed {
  readonly outputs: Arrays;
  /** By the same suffixes as the case's. */
  readonly grads?: Readonly<Record<string, Arrays>>;
  /** Recorded outputs that the case itself says are not to be compared, or that were taken as given. */
  readonly unchecked?: (name: string) => boolean;
  readonly rounding?: RoundingAllowance;
  /** What an output may differ by, where the case's tolerance is not the one for it. */
  readonly allowance?: (name: string) => Allowance | undefined;
}

/** One array against its record. */
export interface Comparison {
  readonly name: string;
  /** The largest difference over the record's largest magnitude (the difference itself where that is 0). */
  readonly error: number;
  /** What the error may be. */
  readonly tolerance: number;
  readonly ok: boolean;
  /** Why it fails where no error says it, or what was allowed. */
  readonly note?: string;
}

interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** What one array may differ by. */
export interface Allowance extends Tolerance {
  readonly rounding?: RoundingAllowance;
}

/** Every recorded array of a case against what was computed. */
export function compareCase(given: Case, computed: Computed): Comparison[] {
  const tolerance = objectAt(given.description, "tolerance");
  const outputs: Tolerance = {
    rtol: numberAt(tolerance, "rtol") ?? 1e-4,
    atol: numberAt(tolerance, "atol") ?? 1e-5,
  };
  const grads: Tolerance = {
    rtol: numberAt(tolerance, "grads_rtol") ?? 1e-3,
    atol: numberAt(tolerance, "grads_atol") ?? 1e-5,
  };
  const compareAll = (prefix: string, want: Arrays, got: Arrays, allowed: Tolerance) =>
    Object.keys(want)
      .filter((name) => !computed.unchecked?.(name))
      .map((name) => {
        const { rounding, ...tolerance } = computed.allowance?.(name) ?? {
          ...allowed,
          rounding: computed.rounding,
        };
        return compareArray(`${prefix}/${name}`, want[name], got[name], tolerance, rounding);
      });
  return [
    ...compareAll("out", given.outputs, computed.outputs, outputs),
    ...Object.entries(given.grads).flatMap(([suffix, arrays]) =>
      compareAll(`grads${suffix}`, arrays, computed.grads?.[suffix] ?? {}, grads),
    ),
  ];
}

/** One computed array against its record: |got − want| ≤ atol + rtol · max |want| everywhere. */
export function compareArray(
  name: string,
  want: HostArray,
  got: HostArray | undefined,
  { rtol, atol }: Tolerance,
  rounding?: RoundingAllowance,
): Comparison {
  if (!got) return failure(name, "not computed");
  if (!sameShape(want.shape, got.shape)) {
    return failure(name, `shape [${got.shape}], recorded [${want.shape}]`);
  }
  const [expected, values] = [toNumbers(want), toNumbers(got)];
  const differences = expected.map((value, i) => difference(value, values[i]));
  const magnitude = expected.reduce(
    (most, x) => (isFinite(x) ? Math.max(most, Math.abs(x)) : most),
    0,
  );
  const worst = differences.reduce((most, d) => Math.max(most, d), 0);
  const limit = atol + rtol * magnitude;
  const relative = (x: number): number => (magnitude > 0 ? x / magnitude : x);
  const error = relative(worst);
  if (worst <= limit || !rounding) {
    return { name, error, tolerance: relative(limit), ok: worst <= limit };
  }
  const above = differences.filter((d) => d > limit).length;
  return {
    name,
    error,
    tolerance: rounding.rtol,
    ok: error <= rounding.rtol && above <= Math.max(1, rounding.share * expected.length),
    note: `${above} of ${expected.length} elements above ${relative(limit).toExponential(1)}`,
  };
}

const failure = (name: string, note: string): Comparison => ({
  name,
  error: Infinity,
  tolerance: 0,
  ok: false,
  note,
});

/** 0 for equal values, NaN and infinities included; infinite where only one of them is finite. */
function difference(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  const d = Math.abs(a - b);
  return Number.isNaN(d) ? Infinity : d;
}
