/** @file Programs as StableHLO modules. */

import type { PrimitiveName } from "../../../graph/ops/index.ts";
import { type Mesh, type Placement } from "../../mesh.ts";
import { type Program, decompositionOf, evaluateProgram } from "../../../graph/program.ts";
import { simplify } from "../../../graph/simplify.ts";
import { type Spec, specOf } from "../../../graph/tensor.ts";
import type { Target } from "../target.ts";
import { Builder, type Value } from "./builder.ts";
import { storeBeforeUse } from "./in-place.ts";
import { recomputeBackward } from "./recompute.ts";
import { lowerings } from "./lower/index.ts";
import type { Lowering } from "./lowering.ts";
import { meshAttribute, shardingAttribute, typeOf } from "./text.ts";

/** A module's text, and what its outputs beyond the program's own are. */
export interface Module {
  readonly text: string;
  /** Values to print after a run: the outputs that follow those of the program. */
  readonly prints: readonly { readonly label: string; readonly spec: Spec }[];
  /** Which operations a whole kernel computes, and which not and why. */
  readonly notes: readonly string[];
}

/** Writes a program's operations over values of the text. */
function inline(b: Builder, program: Program, inputs: readonly Value[]): Value[] {
  return evaluateProgram<Value>(program, inputs, (equation, operands) =>
    b.within(equation.scope, () => {
      const { primitive, attrs, outputs } = equation;
      const lower = lowerings[primitive.name as PrimitiveName] as Lowering<unknown> | undefined;
      const decomposed = () => inline(b, simplify(decompositionOf(equation)), operands);
      if (!lower) return decomposed();
      return lower({
        b,
        inputs: operands,
        outputs: outputs.map(specOf),
        attrs: attrs as unknown,
        decomposed,
        inline: (inner, args) => inline(b, inner, args),
      });
    }),
  );
}

/** For each donated input the output that may take its memory: the first of the same type and sharding not taken yet. */
function aliases(
  program: Program,
  donated: ReadonlySet<number>,
  { inputs, outputs }: { inputs: readonly string[]; outputs: readonly string[] },
): Map<number, number> {
  const free = program.outputs.map((output, i) => ({ type: typeOf(output) + outputs[i], i }));
  const result = new Map<number, number>();
  program.inputs.forEach((input, i) => {
    if (!donated.has(i)) return;
    const at = free.findIndex(({ type }) => type === typeOf(input) + inputs[i]);
    if (at >= 0) result.set(i, free.splice(at, 1)[0].i);
  });
  return result;
}

/** How a program is split over a mesh. */
export interface ModulePlacements {
  readonly mesh: Mesh;
  readonly inputs: readonly Placement[];
  readonly outputs: readonly Placement[];
}

/** Options of {@link lowerProgram}. */
export interface ModuleOptions {
  readonly donate?: readonly number[];
  readonly name?: string;
  readonly placements?: ModulePlacements;
}

/** The StableHLO module of a program, written for a target. */
export function lowerProgram(
  given: Program,
  target: Target,
  { donate = [], name = "program", placements }: ModuleOptions = {},
): Module {
  const b = new Builder(target, placements?.mesh);
  const donated = new Set(donate);
  const computed = target.recomputes ? recomputeBackward(given) : given;
  const program = target.platform === "cpu" ? storeBeforeUse(computed, donated) : computed;
  const attributesOf = (list: readonly Placement[] = []) =>
    list.map((placement) => `sdy.sharding = ${shardingAttribute(placement)}`);
  const shardings = {
    inputs: attributesOf(placements?.inputs),
    outputs: attributesOf(placements?.outputs),
  };
  const aliased = aliases(program, donated, shardings);
  const inputs = program.inputs.map((x, i): Value => ({ ...specOf(x), name: `%arg${i}` }));
  const parameters = inputs.map((x, i) => {
    const output = aliased.get(i);
    const donor = donated.has(i) ? ["jax.buffer_donor = true"] : [];
    const alias = output === undefined ? donor : [`tf.aliasing_output = ${output} : i32`];
    return `${x.name}: ${typeOf(x)}${braces([...alias, ...shardings.inputs.slice(i, i + 1)])}`;
  });
  const outputs = inline(b, program, inputs);
  const prints = b.prints.map(({ value }) => value);
  const everywhere = prints.map(({ shape }) => shape.map(() => []));
  const results = [...outputs, ...prints];
  const marks = placements ? [...shardings.outputs, ...attributesOf(everywhere)] : [];
  const types = results.map((x, i) => `${typeOf(x)}${braces(marks.slice(i, i + 1))}`);
  const { body, locations } = b.finish(results);
  const notes = [...b.notes];
  const text = `${notes.map((note) => `// ${note}\n`).join("")}module @${name.replaceAll(/\W/g, "_")} {
${placements ? `sdy.mesh @mesh = ${meshAttribute(placements.mesh)}\n` : ""}func.func public @main(${parameters.join(", ")}) -> (${types.join(", ")}) {
${body}
}
}
${locations}
`;
  const shown = b.prints.map(({ label, value }) => ({ label, spec: specOf(value) }));
  return { text, prints: shown, notes };
}

const braces = (attributes: readonly string[]): string =>
  attributes.length > 0 ? ` {${attributes.join(", ")}}` : "";
