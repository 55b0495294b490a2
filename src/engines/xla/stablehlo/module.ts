/** @file Programs as StableHLO modules. */

import type { PrimitiveName } from "../../../graph/ops/index.ts";
import { type Program, evaluateProgram } from "../../../graph/program.ts";
import { type Spec, specOf } from "../../../graph/tensor.ts";
import type { Target } from "../target.ts";
import { Builder, type Value } from "./builder.ts";
import { lowerings } from "./lower/index.ts";
import type { Lowering } from "./lowering.ts";
import { typeOf } from "./text.ts";

/** A module's text, and what its outputs beyond the program's own are. */
export interface Module {
  readonly text: string;
  /** Values to print after a run: the outputs that follow those of the program. */
  readonly prints: readonly { readonly label: string; readonly spec: Spec }[];
}

/** Writes a program's operations over values of the text. */
function inline(b: Builder, program: Program, inputs: readonly Value[]): Value[] {
  return evaluateProgram<Value>(program, inputs, (equation, operands) =>
    b.within(equation.scope, () => {
      const { primitive, attrs, outputs } = equation;
      const lower = lowerings[primitive.name as PrimitiveName] as Lowering<unknown>;
      return lower({
        b,
        inputs: operands,
        outputs: outputs.map(specOf),
        attrs: attrs as unknown,
        inline: (inner, args) => inline(b, inner, args),
      });
    }),
  );
}

/** For each donated input the output that may take its memory: the first of the same shape and dtype not taken yet. */
function aliases(program: Program, donated: ReadonlySet<number>): Map<number, number> {
  const free = program.outputs.map((output, i) => ({ type: typeOf(output), i }));
  const result = new Map<number, number>();
  program.inputs.forEach((input, i) => {
    if (!donated.has(i)) return;
    const at = free.findIndex(({ type }) => type === typeOf(input));
    if (at >= 0) result.set(i, free.splice(at, 1)[0].i);
  });
  return result;
}

/** The StableHLO module of a program, written for a target. */
export function lowerProgram(
  program: Program,
  target: Target,
  { donate = [], name = "program" }: { donate?: readonly number[]; name?: string } = {},
): Module {
  const b = new Builder(target);
  const donated = new Set(donate);
  const aliased = aliases(program, donated);
  const inputs = program.inputs.map((x, i): Value => ({ ...specOf(x), name: `%arg${i}` }));
  const parameters = inputs.map((x, i) => {
    const output = aliased.get(i);
    const donor = donated.has(i) ? " {jax.buffer_donor = true}" : "";
    const attributes = output === undefined ? donor : ` {tf.aliasing_output = ${output} : i32}`;
    return `${x.name}: ${typeOf(x)}${attributes}`;
  });
  const outputs = inline(b, program, inputs);
  const results = [...outputs, ...b.prints.map(({ value }) => value)];
  const { body, locations } = b.finish(results);
  const text = `module @${name.replaceAll(/\W/g, "_")} {
func.func public @main(${parameters.join(", ")}) -> (${results.map(typeOf).join(", ")}) {
${body}
}
}
${locations}
`;
  return { text, prints: b.prints.map(({ label, value }) => ({ label, spec: specOf(value) })) };
}
