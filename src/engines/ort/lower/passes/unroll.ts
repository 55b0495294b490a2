/** @file Which scans are unrolled. */

import type { ScanAttrs } from "../../../../graph/ops/scan.ts";
import type { Program } from "../../../../graph/program.ts";

/** Up to this many steps and equations, scans are unrolled: no calls per step, and products see whole views. */
const MAX_STEPS = 32;
const MAX_EQUATIONS = 8192;

/** Whether a scan becomes one step after another in the graph around it. */
export const isUnrolled = ({ program, length }: ScanAttrs): boolean =>
  length <= MAX_STEPS && length * equationsOf(program) <= MAX_EQUATIONS;

/** The equations of a program, those of the scans inside it once a step where they will be unrolled too. */
function equationsOf({ equations }: Program): number {
  return equations.reduce((sum, { primitive, attrs }) => {
    if (primitive.name !== "scan") return sum + 1;
    const { program, length } = attrs as ScanAttrs;
    return sum + equationsOf(program) * (isUnrolled(attrs as ScanAttrs) ? length : 1);
  }, 0);
}
