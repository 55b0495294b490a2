/** @file What a CPU's backward pass computes again instead of keeping it: GELU's sigmoid, attention's probabilities. */

import { byteSize, sizeOf } from "../../../graph/dtype.ts";
import { geluGradient } from "../../../graph/ops/activation.ts";
import { attentionWeights } from "../../../graph/ops/attention.ts";
import { barrier } from "../../../graph/ops/barrier.ts";
import { add, mul } from "../../../graph/ops/arithmetic.ts";
import type { CompositeAttrs } from "../../../graph/ops/composite.ts";
import { type Program, collect, replay } from "../../../graph/program.ts";
import { type Equation, type Tensor, emit, withScope } from "../../../graph/tensor.ts";

/** Bytes of one layer's probabilities from which they are computed again: smaller ones save less than that costs. */
const LARGE = 2 ** 24;

/**
 * A compiler that shares what forward and backward pass have in common keeps it from one to the other. Here the backward
 * passes of GELU and of large attentions read their inputs behind a barrier, where nothing is shared, and the inputs
 * are stored as they are read: of a layer's hidden activations the input and the result are kept, not the sigmoid.
 */
export function recomputeBackward(program: Program): Program {
  const again = new Set(program.equations.flatMap(inputsOfGradient));
  if (again.size === 0) return program;
  const values = new Map(program.inputs.map((input) => [input, input]));
  for (const equation of program.equations) {
    const { primitive, attrs, scope } = equation;
    const inputs = equation.inputs.map((x) => values.get(x)!);
    const made = withScope(
      scope,
      () => gradient(equation, inputs) ?? emit(primitive, inputs, attrs as unknown),
    );
    for (const [i, output] of equation.outputs.entries()) {
      values.set(output, again.has(output) ? barrier([made[i]])[0] : made[i]);
    }
  }
  const outputs = program.outputs.map((output) => values.get(output)!);
  const { equations } = collect(outputs, new Set(program.inputs));
  return { inputs: program.inputs, outputs, equations };
}

/** What the backward pass of an equation computes again from; nothing where the equation is none of these. */
function inputsOfGradient(equation: Equation): readonly Tensor[] {
  const [first, second, third] = equation.inputs;
  if (isGelu(equation)) return [first];
  return isLargeAttention(equation) ? [first, second, third] : [];
}

/** A backward pass from inputs alone; undefined where the equation is none of these. */
function gradient(equation: Equation, inputs: readonly Tensor[]): readonly Tensor[] | undefined {
  if (isGelu(equation)) {
    const [x, d] = inputs;
    return [geluGradient(barrier([x])[0], d)];
  }
  if (!isLargeAttention(equation)) return undefined;
  const [result, , d] = inputs.slice(3);
  // a compiler that has dropped the barriers would compute at once what does not wait for d
  const [q, k, v] = barrier(inputs.slice(0, 3)).map((x) => add(x, mul(d, 0)));
  const { program } = equation.attrs as CompositeAttrs;
  return replay(program, [q, k, v, result, attentionWeights(q, k), d]);
}

const nameOf = ({ primitive, attrs }: Equation): string =>
  primitive.name === "composite" ? (attrs as CompositeAttrs).name : "";

const isGelu = (equation: Equation): boolean => nameOf(equation) === "geluGradient";

/** Of a sequence to itself, and without a mask, which would have to be kept as the probabilities are. */
function isLargeAttention(equation: Equation): boolean {
  if (nameOf(equation) !== "attentionGradient") return false;
  const [q, k, , , weights] = equation.inputs;
  const isMasked = String((equation.attrs as CompositeAttrs).options.needs).length > 3;
  if (isMasked || String(q.shape) !== String(k.shape)) return false;
  return sizeOf(weights.shape) * byteSize(weights.dtype) >= LARGE;
}
