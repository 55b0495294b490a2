/** @file L-BFGS: the minimum of a smooth function of many numbers, from its gradients. */

/** A function's value and gradient at a point. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: Float64Array;
}

/** Options of {@link minimise}. */
export interface LbfgsOptions {
  /** Steps at most. Default: 200. */
  readonly maxSteps?: number;
  /** Ends where no part of the gradient is larger. Default: 1e-5. */
  readonly tolerance?: number;
}

/** How many steps back the curvature is remembered. */
const MEMORY = 10;
/** The part of the promised decrease that a step must keep (Armijo). */
const ARMIJO = 1e-4;
/** How often a step is halved before the search gives up: the value's own rounding is then in the way. */
const HALVINGS = 20;

/** A step, and how the gradient changed along it. */
interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly rho: number;
}

/**
 * Minimises a convex function from a start.
 *
 * @returns the point and the number of steps taken
 * @see Nocedal & Wright 2006, Numerical Optimization, algorithms 7.4 and 7.5
 */
export async function minimise(
  evaluate: (point: Float64Array) => Promise<Evaluation>,
  start: Float64Array,
  { maxSteps = 200, tolerance = 1e-5 }: LbfgsOptions = {},
): Promise<{ point: Float64Array; value: number; steps: number }> {
  const pairs: Pair[] = [];
  let point = start;
  let { value, gradient } = await evaluate(point);
  let steps = 0;
  for (; steps < maxSteps && largestOf(gradient) > tolerance; steps++) {
    let direction = descend(gradient, pairs);
    let slope = dot(direction, gradient);
    if (!(slope < 0)) {
      pairs.length = 0;
      direction = gradient.map((g) => -g);
      slope = -dot(gradient, gradient);
    }
    let length = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(-slope));
    let next: { point: Float64Array; at: Evaluation } | undefined;
    for (let tries = 0; tries < HALVINGS && !next; tries++, length /= 2) {
      const there = point.map((x, i) => x + length * direction[i]);
      const at = await evaluate(there);
      if (at.value <= value + ARMIJO * length * slope) next = { point: there, at };
    }
    if (!next) break;
    const step = next.point.map((x, i) => x - point[i]);
    const change = next.at.gradient.map((g, i) => g - gradient[i]);
    const curvature = dot(step, change);
    if (curvature > 0) {
      pairs.push({ step, change, rho: 1 / curvature });
      if (pairs.length > MEMORY) pairs.shift();
    }
    ({ point } = next);
    ({ value, gradient } = next.at);
  }
  return { point, value, steps };
}

/** The direction of quasi-Newton descent: the two-loop recursion. */
function descend(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((g) => -g);
  const weights: number[] = [];
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { step, change, rho } = pairs[k];
    weights[k] = rho * dot(step, direction);
    direction.forEach((d, i) => (direction[i] = d - weights[k] * change[i]));
  }
  const last = pairs.at(-1);
  const scale = last ? 1 / (last.rho * dot(last.change, last.change)) : 1;
  direction.forEach((d, i) => (direction[i] = d * scale));
  pairs.forEach(({ step, change, rho }, k) => {
    const weight = weights[k] - rho * dot(change, direction);
    direction.forEach((d, i) => (direction[i] = d + weight * step[i]));
  });
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

const largestOf = (values: Float64Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
