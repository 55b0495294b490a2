/** @file Factors and triangular systems in StableHLO. */

import type { AttrsOf } from "../../../../graph/ops/index.ts";
import type { Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { widened } from "./reduce.ts";

/** XLA's own has a loop over elements on CPUs, which takes seven times as long as the decomposition at [96, 96]. */
const cholesky: Lowering<AttrsOf<"cholesky">> = ({ b, inputs: [x], decomposed }) => {
  if (b.target.platform === "cpu") return decomposed();
  const axes = x.shape.map((_, i) => i);
  const swapped = [...axes.slice(0, -2), ...axes.slice(-2).reverse()];
  const factor = (wide: Value): Value => {
    const sum = b.map("add", wide, b.transpose(wide, swapped));
    const symmetric = b.map("multiply", sum, b.full(wide, 0.5));
    return b.one("cholesky", [symmetric], wide, { lower: "true" });
  };
  return [widened(b, x, factor)];
};

const triangularSolve: Lowering<AttrsOf<"triangularSolve">> = ({ b, inputs, attrs }) => {
  const { lower, transpose, unitDiagonal } = attrs;
  const [matrix, right] = inputs;
  const solve = (wide: Value): Value =>
    b.one("triangular_solve", [b.convert(matrix, wide.dtype), wide], wide, {
      left_side: "true",
      lower: String(lower),
      unit_diagonal: String(unitDiagonal),
      transpose_a: `#stablehlo<transpose ${transpose ? "TRANSPOSE" : "NO_TRANSPOSE"}>`,
    });
  return [widened(b, right, solve)];
};

export const linalgLowerings = { cholesky, triangularSolve };
