/** @file A readable listing of programs. */

import type { HostArray } from "./dtype.ts";
import { type Program, isProgram } from "./program.ts";
import type { Tensor } from "./tensor.ts";
import { toNumbers } from "./dtype.ts";

const isHostArray = (value: unknown): value is HostArray =>
  typeof value === "object" && value !== null && "dtype" in value && "data" in value;

function showAttribute(key: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === "function" || isProgram(value)) return undefined;
  if (isHostArray(value)) {
    const numbers = toNumbers({ ...value, data: value.data.subarray(0, 4) as HostArray["data"] });
    return `${numbers.join(",")}${value.data.length > 4 ? ",…" : ""}`;
  }
  return `${key}=${JSON.stringify(value).replaceAll('"', "")}`;
}

/**
 * Lists a program, one equation a line: results, types, primitive, attributes, operands, scope.
 *
 * @example
 * printProgram(trace((x: Tensor) => mul(x, 2), { shape: [3], dtype: "float32" }).program);
 * // in a: float32[3]
 * // b: float32[] = constant[2]
 * // c: float32[3] = broadcastInDim[shape=[3] axes=[]] b
 * // d: float32[3] = mul a c
 * // out d
 */
export function printProgram(program: Program, indent = ""): string {
  const names = new Map<Tensor, string>();
  const name = (tensor: Tensor): string => {
    let known = names.get(tensor);
    if (known === undefined) {
      known = letters(names.size);
      names.set(tensor, known);
    }
    return known;
  };
  const typed = (tensor: Tensor): string => `${name(tensor)}: ${tensor}`;
  const lines = [`${indent}in ${program.inputs.map(typed).join(", ")}`.trimEnd()];
  for (const { primitive, inputs, outputs, attrs, scope } of program.equations) {
    const entries = Object.entries(attrs as object);
    const shown = entries.map(([k, v]) => showAttribute(k, v)).filter((s) => s !== undefined);
    const attributes = shown.length ? `[${shown.join(" ")}]` : "";
    const operands = inputs.map((x) => ` ${name(x)}`).join("");
    const where = scope ? `  # ${scope}` : "";
    lines.push(
      `${indent}${outputs.map(typed).join(", ")} = ${primitive.name}${attributes}${operands}${where}`,
    );
    for (const [key, value] of entries) {
      if (isProgram(value)) lines.push(`${indent}  ${key}:`, printProgram(value, `${indent}    `));
    }
  }
  lines.push(`${indent}out ${program.outputs.map(name).join(", ")}`);
  return lines.join("\n");
}

function letters(n: number): string {
  const rest = Math.floor(n / 26);
  return (rest > 0 ? letters(rest - 1) : "") + String.fromCharCode(97 + (n % 26));
}
