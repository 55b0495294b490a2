/** @file The Cholesky factor of positive definite matrices. */

import { sizeOf } from "../../dtype.ts";
import { type DecomposedPrimitive, type Tensor, emitOne } from "../../tensor.ts";
import { add, div, mul, sub } from "../arithmetic.ts";
import { broadcastInDim } from "../stretch.ts";
import { matmul } from "../dot.ts";
import { reduceAnd } from "../reduce.ts";
import { scan } from "../scan.ts";
import { convert, greater, select, widened } from "../select.ts";
import { moveAxis, reshape, squeeze } from "../shape.ts";
import { pad, sliceAxis } from "../slice.ts";
import { sqrt } from "../unary.ts";
import {
  blockOf,
  checkSquare,
  diagonal,
  eachMatrix,
  extendSquare,
  matrixAt,
  matrixTranspose,
  slideRight,
  symmetricPart,
  tril,
} from "./matrices.ts";
import { triangularSolve } from "./triangular.ts";

const choleskyP: DecomposedPrimitive<"cholesky", Record<string, never>> = {
  name: "cholesky",
  infer(inputs) {
    checkSquare("cholesky", inputs);
    return [{ shape: inputs[0].shape, dtype: inputs[0].dtype }];
  },
  // Murray 2016, arXiv:1602.07527, equation 10, with L⁻ᵀ Φ L⁻¹ by two triangular systems
  gradient({ outputs: [l] }, [d]) {
    if (!d) return [null];
    const product = tril(matmul(matrixTranspose(l), d));
    const phi = sub(product, mul(tril(matrixTranspose(product)), 0.5)); // the diagonal halved
    const left = triangularSolve(l, phi, { transpose: true });
    const inner = matrixTranspose(triangularSolve(l, matrixTranspose(left), { transpose: true }));
    return [mul(add(inner, matrixTranspose(inner)), 0.5)];
  },
  batch: ({ inputs }) => [emitOne(choleskyP, inputs, {})],
  interpret([x]) {
    const n = x.shape.at(-1)!;
    const result = eachMatrix(x, (index, l) => {
      const a = matrixAt(x, index);
      const symmetric = (i: number, j: number): number => (a[i * n + j] + a[j * n + i]) / 2;
      for (let j = 0; j < n; j++) {
        for (let i = j; i < n; i++) {
          let sum = symmetric(i, j);
          for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
          if (i === j && !(sum > 0)) return void l.fill(NaN);
          l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j];
        }
      }
    });
    return [result];
  },
  decompose: ([x]) => [convert(factorOf(symmetricPart(widened(x))), x.dtype)],
  flops: ([{ shape }]) => (sizeOf(shape) * shape.at(-1)!) / 3,
};

/**
 * The factor, block of columns by block of columns. What is left is updated by one product a block and moves to the
 * front, so that every block is a step of one loop.
 */
function factorOf(x: Tensor): Tensor {
  const n = x.shape.at(-1)!;
  if (x.size === 0) return x;
  const size = blockOf(n);
  const count = Math.ceil(n / size);
  const extent = count * size;
  const all = extendSquare(reshape(x, [-1, n, n]), extent - n);
  const batch = all.shape[0];
  const { ys } = scan(
    ([left]) => {
      const panel = factorPanel(sliceAxis(left, 2, 0, size)); // [batch, extent, size]
      const next = sub(left, matmul(panel, matrixTranspose(panel)));
      return {
        carry: [
          pad(next, [
            [0, 0],
            [-size, size],
            [-size, size],
          ]),
        ],
        ys: [panel],
      };
    },
    [all],
    [],
    { length: count },
  );
  // [count, batch, extent, size] → [batch, count, extent · size], in which block k goes k · size rows down
  const blocks = reshape(moveAxis(ys[0], 0, 1), [batch, count, extent * size]);
  const placed = reshape(slideRight(blocks, size * size), [batch, count, extent, size]);
  const columns = reshape(moveAxis(placed, 1, 2), [batch, extent, extent]);
  const factor = reshape(sliceAxis(sliceAxis(columns, 1, 0, n), 2, 0, n), x.shape);
  const isPositive = reduceAnd(greater(diagonal(factor), 0), -1);
  const lead = x.shape.slice(0, -2).map((_, i) => i);
  return select(broadcastInDim(isPositive, x.shape, lead), factor, NaN);
}

/**
 * The first columns of a factor, [batch, rows, width], from those of what is left. Each step takes the first column
 * away, and the first row, so that the next one again stands first.
 */
function factorPanel(panel: Tensor): Tensor {
  const [, , width] = panel.shape;
  const step = ([left]: Tensor[]) => {
    const first = sliceAxis(left, 2, 0, 1); // [batch, rows, 1]
    const column = div(first, sqrt(sliceAxis(first, 1, 0, 1)));
    const across = matrixTranspose(sliceAxis(column, 1, 0, width));
    const next = pad(sub(left, mul(column, across)), [
      [0, 0],
      [-1, 1],
      [-1, 1],
    ]);
    return { carry: [next], ys: [squeeze(column, 2)] };
  };
  const { ys } = scan(step, [panel], [], { length: width });
  return matrixTranspose(slideRight(moveAxis(ys[0], 0, 1)));
}

/** The primitive by name. */
export const choleskyPrimitives = { cholesky: choleskyP };

/**
 * The lower triangular L with L Lᵀ = (x + xᵀ) / 2, for positive definite x [..., n, n]; a matrix that is not gives NaN.
 *
 * @throws OcelliError "shape" unless the last two axes are square
 */
export const cholesky = (x: Tensor): Tensor => emitOne(choleskyP, [x], {});
