/** @file Elementwise rows over long vectors: engines have other kernels for those, and for what is left over at their ends. */

import {
  type HostArray,
  type PrimitiveName,
  type Shape,
  type Tensor,
  fromNumbers,
  sameShape,
  sizeOf,
  toNumbers,
  trace,
} from "../../src/graph/index.ts";
import { arithmeticPrimitives } from "../../src/graph/ops/arithmetic.ts";
import { binaryPrimitives } from "../../src/graph/ops/binary.ts";
import { gammaPrimitives } from "../../src/graph/ops/gamma.ts";
import { selectPrimitives } from "../../src/graph/ops/select.ts";
import { trigonometricPrimitives } from "../../src/graph/ops/trigonometric.ts";
import { unaryPrimitives } from "../../src/graph/ops/unary.ts";

/** A few vectors of the widest processors, and a rest. */
const LONG = 203;

const ELEMENTWISE: ReadonlySet<string> = new Set<PrimitiveName>(
  Object.keys({
    ...arithmeticPrimitives,
    ...unaryPrimitives,
    ...trigonometricPrimitives,
    ...gammaPrimitives,
    ...binaryPrimitives,
    ...selectPrimitives,
  }) as PrimitiveName[],
);

type ListFunction = (...args: Tensor[]) => readonly Tensor[];

/** An array's numbers, again and again, as one long vector. */
export function repeated(value: HostArray): HostArray {
  const numbers = toNumbers(value);
  const long = Array.from({ length: LONG }, (_, i) => numbers[i % numbers.length]);
  return fromNumbers(long, [LONG], value.dtype);
}

/** Whether each element of the results comes from the same elements of the inputs alone, in long vectors too. */
export const isElementwise = (fn: ListFunction, inputs: readonly HostArray[]): boolean =>
  isTracedElementwise(fn, inputs) && isTracedElementwise(fn, inputs.map(repeated));

function isTracedElementwise(fn: ListFunction, inputs: readonly HostArray[]): boolean {
  const [shape] = inputs.map((input): Shape => input.shape);
  if (!shape || sizeOf(shape) < 2) return false;
  const { program } = trace(fn, ...inputs);
  const isWhole = (x: { readonly shape: Shape }): boolean => sameShape(x.shape, shape);
  return (
    [...inputs, ...program.outputs].every(isWhole) &&
    program.equations.some(({ primitive }) => ELEMENTWISE.has(primitive.name)) &&
    program.equations.every(({ primitive, inputs: operands, outputs }) =>
      ELEMENTWISE.has(primitive.name)
        ? [...operands, ...outputs].every(isWhole)
        : ["constant", "broadcastInDim"].includes(primitive.name) &&
          (operands[0] ?? outputs[0]).size === 1,
    )
  );
}
