/** @file Which scans are unrolled. */

import type { ScanAttrs } from "../../../../graph/ops/scan.ts";

/** Up to this many steps and equations, scans are unrolled: no calls per step, and products see whole views. */
const MAX_STEPS = 32;
const MAX_EQUATIONS = 8192;

/** Whether a scan becomes one step after another in the graph around it; Scan takes its length from what it slices. */
export const isUnrolled = ({ program, length, xs }: ScanAttrs): boolean =>
  (length <= MAX_STEPS && length * program.equations.length <= MAX_EQUATIONS) || xs === 0;
