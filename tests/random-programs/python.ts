/** @file Writes plans as Python functions over jax.numpy, with JAX's own transforms in the place of ours. */

import { operations } from "./operations/index.ts";
import type { Plan, Step, Typed } from "./plan.ts";

const name = (id: number): string => `v${id}`;

function writeSteps(steps: readonly Step[], indent: string, specs: Map<number, Typed>): string[] {
  return steps.flatMap(({ op, args, attrs, blocks, outs }) => {
    const names = blocks.map((_, i) => `f${outs[0].id}_${i}`);
    const functions = blocks.flatMap((block, i) => {
      for (const param of block.params) specs.set(param.id, param);
      return [
        `${indent}def ${names[i]}(${block.params.map(({ id }) => name(id)).join(", ")}):`,
        ...writeSteps(block.steps, `${indent}  `, specs),
        `${indent}  return (${block.results.map((id) => `${name(id)},`).join(" ")})`,
      ];
    });
    const operands = args.map((id) => specs.get(id)!);
    for (const out of outs) specs.set(out.id, out);
    const expression = operations[op].python(args.map(name), attrs, {
      blocks: names,
      operands,
      outs,
    });
    if (!expression) throw new Error(`${op} is not held against JAX`);
    const isTuple = outs.length > 1 || blocks.length > 0 || op === "barrier";
    const targets = outs.map(({ id }) => name(id)).join(", ");
    return [...functions, `${indent}${targets}${isTuple ? "," : ""} = ${expression}`];
  });
}

/** A Python function `program` of the plan's inputs. */
export function writePython(plan: Plan): string {
  const specs = new Map<number, Typed>(plan.inputs.map((input) => [input.id, input]));
  return [
    `def program(${plan.inputs.map(({ id }) => name(id)).join(", ")}):`,
    ...writeSteps(plan.steps, "  ", specs),
    `  return [${plan.results.map(name).join(", ")}]`,
  ].join("\n");
}
