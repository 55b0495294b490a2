/**
 * @file A short run of the contract's table on a plugin: every row's values against the interpreter's.
 *
 *     node bench/gpu/smoke.ts --plugin FILE [--only TEXT] [--seconds N]
 *
 * Prints each row that differs and one JSON object; the exit code is 1 if any does. Where the time does not last for
 * all rows, those that ran are spread over the table.
 */

import { parseArgs } from "node:util";
import { evaluate } from "../../src/engines/engine.ts";
import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import { createXlaEngine } from "../../src/engines/xla/index.ts";
import { type DType, constant, isFloat, toNumbers } from "../../src/graph/index.ts";
import { instances } from "../../tests/contract/cases/index.ts";
import { outputsOf } from "../../tests/contract/table.ts";

const { values } = parseArgs({
  options: {
    plugin: { type: "string" },
    only: { type: "string", default: "" },
    seconds: { type: "string", default: "600" },
  },
});
const xla = createXlaEngine({ plugin: values.plugin });
const interpreter = createInterpreter();

/** Of the largest element: float32 transcendentals and sums differ by some units in the last place. */
const TOLERANCE: Partial<Record<DType, number>> = { float32: 1e-5, float16: 5e-3, bfloat16: 4e-2 };

/** The largest difference relative to the array's magnitude; infinite where NaN or infinities disagree. */
function difference(given: readonly number[], expected: readonly number[]): number {
  const finite = expected.filter(Number.isFinite).map(Math.abs);
  const magnitude = Math.max(Number.MIN_VALUE, ...finite);
  return expected.reduce((worst, value, i) => {
    if (Object.is(value, given[i]) || value === given[i]) return worst;
    const error = Math.abs(value - given[i]) / magnitude;
    return Math.max(worst, Number.isFinite(error) ? error : Infinity);
  }, 0);
}

let failed = 0;
let count = 0;
const start = performance.now();
const rows = instances.filter(({ id }) => id.includes(values.only));
const STRIDE = 7;
const spread = Array.from({ length: STRIDE }, (_, i) =>
  rows.filter((_row, k) => k % STRIDE === i),
).flat();
for (const row of spread) {
  if (performance.now() - start > Number(values.seconds) * 1e3) break;
  const outputs = outputsOf(row, row.example(0).map(constant));
  for (const [i, output] of outputs.entries()) {
    count++;
    try {
      const [given, expected] = [await evaluate(xla, output), await evaluate(interpreter, output)];
      const error = difference(toNumbers(given), toNumbers(expected));
      const allowed = isFloat(output.dtype) ? (TOLERANCE[output.dtype] ?? 1e-12) : 0;
      if (error > allowed) {
        failed++;
        console.log(`${row.id}, output ${i}: differs by ${error.toExponential(2)}`);
      }
    } catch (error) {
      failed++;
      console.log(`${row.id}, output ${i}: ${error instanceof Error ? error.message : error}`);
    }
  }
}
console.log(
  JSON.stringify({
    what: `contract table on ${xla.description}`,
    outputs: count,
    rows: rows.length,
    failed,
    seconds: Number(((performance.now() - start) / 1e3).toFixed(1)),
  }),
);
await xla.dispose();
if (failed > 0) process.exitCode = 1;
