/** @file The reference interpreter: runs a program over host values, one primitive at a time. */

import { type Program, evaluateProgram } from "./program.ts";
import type { Value } from "./values.ts";

/** Runs a program in plain TypeScript. Slow and simple: for tests, explanation and constant folding. */
export const interpretProgram = (program: Program, inputs: readonly Value[]): Value[] =>
  evaluateProgram<Value>(program, inputs, ({ primitive, attrs }, operands) =>
    primitive.interpret(operands, attrs),
  );
