/** @file What the ort engine cannot do, in one place; the rest of the language it can. */

import { OcelliError } from "../../errors.ts";
import type { Program } from "../../graph/program.ts";
import type { Equation, Tensor } from "../../graph/tensor.ts";

/** One thing the engine refuses. */
interface Refusal {
  readonly what: string;
  readonly hint: string;
  readonly applies: (equation: Equation, isNested: boolean) => boolean;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: "float64",
    hint: "Use float32, or the interpreter.",
    applies: ({ inputs, outputs }) => [...inputs, ...outputs].some(isDtype("float64")),
  },
  {
    what: "int64",
    hint: "Convert to int32.",
    applies: ({ inputs, outputs }) => [...inputs, ...outputs].some(isDtype("int64")),
  },
  {
    what: "debugPrint inside cond, whileLoop or a long scan",
    hint: "Return the value and print it outside, or use the interpreter.",
    applies: ({ primitive }, isNested) => isNested && primitive.name === "debugPrint",
  },
];

const isDtype =
  (dtype: Tensor["dtype"]) =>
  (tensor: Tensor): boolean =>
    tensor.dtype === dtype;

/** An error that names the first thing in a program that the engine cannot do. */
export function checkSupported(program: Program): void {
  for (const dtype of ["float64", "int64"] as const) {
    if (program.inputs.some(isDtype(dtype)))
      throw refuse(dtype, REFUSALS.find(({ what }) => what === dtype)!.hint);
  }
  checkEquations(program, false);
}

function checkEquations(program: Program, isNested: boolean): void {
  for (const equation of program.equations) {
    for (const { applies, what, hint } of REFUSALS) {
      if (applies(equation, isNested)) throw refuse(what, hint, equation.scope);
    }
    const { name } = equation.primitive;
    const isGraph = isNested || name === "cond" || name === "whileLoop" || name === "scan";
    for (const value of Object.values(equation.attrs as object)) {
      if (typeof value === "object" && value !== null && "equations" in value) {
        checkEquations(value as Program, isGraph);
      }
    }
  }
}

const refuse = (what: string, hint: string, scope = ""): OcelliError =>
  new OcelliError(
    "unsupported",
    `the ort engine cannot do ${what}${scope && ` (in scope ${scope})`}.`,
    {
      hint,
    },
  );
