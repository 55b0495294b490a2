/** @file What the XLA engine cannot do, in one place; the rest of the language it can. */

import { OcelliError } from "../../errors.ts";
import { type Program, isProgram } from "../../graph/program.ts";

const LOOPS: readonly string[] = ["scan", "whileLoop", "cond"];

/** An error that names the first thing in a program that the engine cannot do: prints inside of loops and branches. */
export function checkSupported(program: Program, isNested = false): void {
  for (const { primitive, attrs, scope } of program.equations) {
    if (isNested && primitive.name === "debugPrint") {
      const where = scope && ` (in scope ${scope})`;
      throw new OcelliError(
        "unsupported",
        `the xla engine cannot do debugPrint inside scan, cond or whileLoop${where}.`,
        { hint: "Return the value and print it outside, or use the interpreter." },
      );
    }
    for (const value of Object.values(attrs as object)) {
      if (isProgram(value)) checkSupported(value, isNested || LOOPS.includes(primitive.name));
    }
  }
}
