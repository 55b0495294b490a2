/** @file The digamma function: Abramowitz & Stegun 1964, sections 6.3 and 6.4. */

import { type DecomposedPrimitive, type Tensor, emitOne } from "../tensor.ts";
import { add, div, mul, square, sub } from "./arithmetic.ts";
import { logicalAnd } from "./binary.ts";
import { constantLike } from "./constant.ts";
import { type NoAttrs, liftUnary, unary } from "./pointwise.ts";
import { convert, equal, lessEqual, select, widened } from "./select.ts";
import { digamma as digammaNumber } from "./special.ts";
import { sin, tan } from "./trigonometric.ts";
import { floor, log, round } from "./unary.ts";

const digammaP: DecomposedPrimitive<"digamma", NoAttrs> = {
  ...unary("digamma", {
    domain: "floats",
    compute: digammaNumber,
    gradient: (x, _y, d) => mul(d, convert(trigamma(widened(x)), d.dtype)),
  }),
  batch: ({ inputs }) => [emitOne(digammaP, inputs, {})],
  decompose: ([x]) => [convert(digammaOf(widened(x)), x.dtype)],
};

/** How far the argument is moved to the right, where the series below are good to float32's last place. */
const MOVE = 6;

const digammaOf = (x: Tensor): Tensor =>
  reflected(
    x,
    (y) => {
      const z = add(y, MOVE);
      const t = div(1, square(z));
      const series = mul(t, sub(1 / 12, mul(t, sub(1 / 120, mul(t, 1 / 252)))));
      const end = sub(sub(log(z), div(0.5, z)), series);
      return sub(
        end,
        sumOfSteps(y, (step) => div(1, step)),
      );
    },
    (value, angle) => sub(value, div(Math.PI, tan(angle))), // 6.3.7
  );

/** The derivative of digamma. */
const trigamma = (x: Tensor): Tensor =>
  reflected(
    x,
    (y) => {
      const z = add(y, MOVE);
      const t = div(1, square(z));
      const tail = mul(t, sub(1 / 30, mul(t, sub(1 / 42, mul(t, 1 / 30)))));
      const end = add(div(add(mul(t, sub(1 / 6, tail)), 1), z), mul(t, 0.5));
      return add(
        end,
        sumOfSteps(y, (step) => div(1, square(step))),
      );
    },
    (value, angle) => sub(div(Math.PI ** 2, square(sin(angle))), value), // 6.4.7
  );

/** A function right of 0, and left of it what reflection at ½ makes of it; NaN at 0, −1, …. */
function reflected(
  x: Tensor,
  right: (y: Tensor) => Tensor,
  reflect: (value: Tensor, angle: Tensor) => Tensor,
): Tensor {
  const isLeft = lessEqual(x, 0);
  const value = right(select(isLeft, sub(1, x), x));
  const angle = select(isLeft, mul(sub(x, round(x)), Math.PI), constantLike(x, 1));
  const isPole = logicalAnd(isLeft, equal(x, floor(x)));
  return select(isPole, NaN, select(isLeft, reflect(value, angle), value));
}

/** The sum of a function of y, y + 1, … up to where the series begins. */
const sumOfSteps = (y: Tensor, fn: (step: Tensor) => Tensor): Tensor =>
  Array.from({ length: MOVE }, (_, i) => fn(add(y, i))).reduceRight((sum, term) => add(sum, term));

/** The primitive by name. */
export const gammaPrimitives = { digamma: digammaP };

/** The derivative of log Γ(x); NaN at 0, −1, −2, …. */
export const digamma = liftUnary(digammaP);
