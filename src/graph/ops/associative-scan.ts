/** @file Running combinations by any associative function, in a logarithmic number of steps. */

import { OcelliError } from "../../errors.ts";
import { type Tensor, shapeError, specOf } from "../tensor.ts";
import { zerosLike } from "./constant.ts";
import { checkCarry } from "./scan.ts";
import { axisOf, reverse as flip } from "./shape.ts";
import { concatenate, pad, sliceAxis } from "./slice.ts";
import { logicalOr } from "./binary.ts";
import { add } from "./arithmetic.ts";

/** Options of {@link associativeScan}. */
export interface AssociativeScanOptions {
  /** The axis to run along; default: 0. */
  readonly axis?: number;
  /** From the end to the beginning. */
  readonly reverse?: boolean;
}

/**
 * Running combinations x₀, x₀ ∘ x₁, x₀ ∘ x₁ ∘ x₂, … along an axis by an associative function of two lists of tensors,
 * which combines element by element of that axis: pairs are combined, then pairs of pairs, 2 log₂ n times. (Blelloch 1990,
 * "Prefix sums and their applications".) Reversed, x ∘ y has the later element as x.
 *
 * @throws OcelliError "shape" where the extents along the axis differ, or `combine` returns other shapes than it takes
 * @example
 * // hₜ = aₜ hₜ₋₁ + bₜ
 * associativeScan(([a, b], [c, d]) => [mul(a, c), add(mul(b, c), d)], [a, b])[1];
 */
export function associativeScan(
  combine: (earlier: Tensor[], later: Tensor[]) => readonly Tensor[],
  xs: readonly Tensor[],
  { axis = 0, reverse = false }: AssociativeScanOptions = {},
): Tensor[] {
  if (xs.length === 0)
    throw new OcelliError("argument", "associativeScan needs at least one tensor.");
  const at = axisOf("associativeScan", xs[0], axis);
  if (xs.some((x) => x.shape[at] !== xs[0].shape[at])) {
    throw shapeError("associativeScan", xs, `extents along axis ${at} differ`);
  }
  const checked = (a: Tensor[], b: Tensor[]): readonly Tensor[] => {
    const result = combine(a, b);
    checkCarry("associativeScan", a, result);
    return result;
  };
  const turn = (list: readonly Tensor[]): Tensor[] => list.map((x) => (reverse ? flip(x, at) : x));
  return turn(run(checked, turn(xs), at));
}

function run(
  combine: (earlier: Tensor[], later: Tensor[]) => readonly Tensor[],
  xs: readonly Tensor[],
  axis: number,
): readonly Tensor[] {
  const n = xs[0].shape[axis];
  if (n < 2) return xs;
  const from = (list: readonly Tensor[], start: number, end: number, stride: number): Tensor[] =>
    list.map((x) => sliceAxis(x, axis, start, end, stride));
  const pairs = combine(from(xs, 0, n - 1, 2), from(xs, 1, n, 2));
  const odd = run(combine, pairs, axis); // those up to places 1, 3, …
  const evenCount = Math.ceil(n / 2);
  const first = from(xs, 0, 1, 1);
  const even =
    evenCount > 1 ? combine(from(odd, 0, evenCount - 1, 1), from(xs, 2, n, 2)).slice() : [];
  return xs.map((_, i) => {
    const evens = evenCount > 1 ? concatenate([first[i], even[i]], axis) : first[i];
    return interleave(evens, odd[i], axis);
  });
}

/** Elements of two tensors by turns along an axis; the first may have one more. */
function interleave(even: Tensor, odd: Tensor, axis: number): Tensor {
  const n = even.shape[axis] + odd.shape[axis];
  const spread = (x: Tensor, low: number): Tensor => {
    const high = n - low - (2 * x.shape[axis] - 1);
    const zero = zerosLike({ ...specOf(x), shape: [] });
    const config = x.shape.map((_, i) =>
      i === axis ? ([low, high, 1] as const) : ([0, 0] as const),
    );
    return pad(x, config, zero);
  };
  const [a, b] = [spread(even, 0), spread(odd, 1)];
  return even.dtype === "bool" ? logicalOr(a, b) : add(a, b);
}
