/** @file The loop of writing: step after step on the device, until all texts have ended or are as long as may be. */

import { type Tensor, less, logicalAnd, scan, whileLoop } from "../../graph/index.ts";

/**
 * Steps between two looks at whether all is done. ONNX Runtime copies the state of a `whileLoop` each time around, while
 * the steps of a `scan` write their caches in place.
 */
const STEPS = 8;

/**
 * Repeats a step up to `length` times; carry 0 is the number of steps so far, an int32 scalar, which the step adds to.
 *
 * @param goesOn whether anything is left to do, a bool scalar; looked at now and then alone
 */
export function repeatSteps(
  step: (carry: readonly Tensor[]) => readonly Tensor[],
  goesOn: (carry: readonly Tensor[]) => Tensor,
  initial: readonly Tensor[],
  length: number,
): readonly Tensor[] {
  const rest = length % STEPS;
  const upTo = (carry: readonly Tensor[], end: number, steps: number): readonly Tensor[] =>
    whileLoop(
      (...now) => logicalAnd(less(now[0], end), goesOn(now)),
      (...now) => scan((state) => ({ carry: step(state) }), now, [], { length: steps }).carry,
      carry,
    );
  const most = length - rest > 0 ? upTo(initial, length - rest, STEPS) : initial;
  return rest > 0 ? upTo(most, length, rest) : most;
}
