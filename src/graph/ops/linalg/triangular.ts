/** @file Triangular systems of equations. */

import { type Cotangent, type DecomposedPrimitive, type Tensor, emitOne } from "../../tensor.ts";
import { div, neg, sub } from "../arithmetic.ts";
import { broadcastBatch, broadcastShape, broadcastTo } from "../broadcast.ts";
import { constant } from "../constant.ts";
import { fromNumbers, sizeOf } from "../../dtype.ts";
import { matmul } from "../dot.ts";
import { convert, select, widened } from "../select.ts";
import { expandDims, reshape, reverse, squeeze } from "../shape.ts";
import { concatenate, sliceAxis, stack } from "../slice.ts";
import {
  checkSystem,
  diagonal,
  eachMatrix,
  extendSquare,
  eye,
  matrixAt,
  matrixTranspose,
  tril,
  triu,
} from "./matrices.ts";

/** Which triangle of the matrix counts, and how it is taken. */
export interface TriangularAttrs {
  readonly lower: boolean;
  /** Solve aᵀ x = b; `lower` is about a. */
  readonly transpose: boolean;
  /** The diagonal counts as ones. */
  readonly unitDiagonal: boolean;
}

const triangularSolveP: DecomposedPrimitive<"triangularSolve", TriangularAttrs> = {
  name: "triangularSolve",
  infer(inputs) {
    checkSystem("triangularSolve", inputs);
    return [{ shape: inputs[1].shape, dtype: inputs[1].dtype }];
  },
  gradient({ inputs: [a], outputs: [x], attrs, needs }, [d]): Cotangent[] {
    if (!d) return [null, null];
    const db = emitOne(triangularSolveP, [a, d], { ...attrs, transpose: !attrs.transpose });
    if (!needs[0]) return [null, db];
    const outer = neg(
      attrs.transpose ? matmul(x, matrixTranspose(db)) : matmul(db, matrixTranspose(x)),
    );
    const unit = Number(attrs.unitDiagonal);
    return [attrs.lower ? tril(outer, -unit) : triu(outer, unit), needs[1] ? db : null];
  },
  batch: (context) => [emitOne(triangularSolveP, broadcastBatch(context), context.attrs)],
  interpret([a, b], { lower, transpose, unitDiagonal }) {
    const [n, m] = b.shape.slice(-2);
    const forward = lower !== transpose;
    const result = eachMatrix(b, (index, x) => {
      const matrix = matrixAt(a, index);
      const at = (i: number, j: number): number => matrix[transpose ? j * n + i : i * n + j];
      x.set(matrixAt(b, index));
      for (let step = 0; step < n; step++) {
        const i = forward ? step : n - 1 - step;
        for (let c = 0; c < m; c++) {
          let sum = x[i * m + c];
          for (let k = 0; k < step; k++) {
            const j = forward ? k : n - 1 - k;
            sum -= at(i, j) * x[j * m + c];
          }
          x[i * m + c] = unitDiagonal ? sum : sum / at(i, i);
        }
      }
    });
    return [result];
  },
  decompose([a, b], { lower, transpose, unitDiagonal }) {
    const [matrix, values] = [widened(a), widened(b)];
    const turned = transpose ? matrixTranspose(matrix) : matrix;
    if (lower !== transpose) return [convert(substitute(turned, values, unitDiagonal), b.dtype)];
    const flipped = reverse(turned, [-2, -1]); // the upper triangle of a is the lower one of this
    const solution = substitute(flipped, reverse(values, -2), unitDiagonal);
    return [convert(reverse(solution, -2), b.dtype)];
  },
  flops: ([{ shape }, b]) => sizeOf(b.shape) * shape.at(-1)!,
};

const BLOCK = 32;

/** x with a x = b for lower triangular a: blocks of rows one after another, by the inverses of the diagonal blocks. */
function substitute(a: Tensor, b: Tensor, unitDiagonal: boolean): Tensor {
  const [n, m] = b.shape.slice(-2);
  if (b.size === 0) return b;
  const matrix = reshape(a, [-1, n, n]);
  const values = reshape(b, [-1, n, m]);
  const width = n <= 2 * BLOCK ? n : BLOCK;
  const count = Math.ceil(n / width);
  const blocks = Array.from({ length: count }, (_, i) => diagonalBlock(matrix, i * width, width));
  const inverses = invertLower(stack(blocks, 1), unitDiagonal); // [batch, count, width, width]
  const rows: Tensor[] = [];
  for (let i = 0; i < count; i++) {
    const [from, to] = [i * width, Math.min((i + 1) * width, n)];
    const given = sliceAxis(values, 1, from, to);
    const left = sliceAxis(sliceAxis(matrix, 1, from, to), 2, 0, from);
    const rest = i === 0 ? given : sub(given, matmul(left, concatenate(rows, 1)));
    const inverse = squeeze(sliceAxis(inverses, 1, i, i + 1), 1);
    const size = to - from;
    rows.push(matmul(sliceAxis(sliceAxis(inverse, 1, 0, size), 2, 0, size), rest));
  }
  return reshape(concatenate(rows, 1), b.shape);
}

/** One block on the diagonal; the last one is filled up with the identity. */
function diagonalBlock(matrix: Tensor, from: number, width: number): Tensor {
  const to = Math.min(from + width, matrix.shape[1]);
  const block = sliceAxis(sliceAxis(matrix, 1, from, to), 2, from, to);
  return extendSquare(block, width - (to - from));
}

/**
 * The inverses of lower triangular matrices [..., n, n], from blocks of one element to blocks of n: two neighbours with
 * inverses P and Q and C below make [P, 0; −Q C P, Q]. Two products a level, for all blocks at once.
 */
function invertLower(a: Tensor, unitDiagonal: boolean): Tensor {
  const n = a.shape.at(-1)!;
  const identity = broadcastTo(eye(n, a.dtype), a.shape);
  let inverse = unitDiagonal ? identity : div(identity, expandDims(diagonal(a), -1));
  for (let size = 1; size < n; size *= 2) {
    const below = Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n / size), Math.floor((at % n) / size)];
      return Number(i % 2 === 1 && j === i - 1);
    });
    const mask = constant(fromNumbers(below, [n, n], "bool"));
    const part = select(mask, a, 0);
    inverse = sub(inverse, matmul(inverse, matmul(part, inverse)));
  }
  return inverse;
}

/** The primitive by name. */
export const triangularPrimitives = { triangularSolve: triangularSolveP };

/** Options of {@link triangularSolve}. */
export type TriangularOptions = Partial<TriangularAttrs>;

/**
 * x with a x = b, for a triangular a [..., n, n] and b [..., n, m] or a vector [n]; leading axes broadcast. Only the
 * triangle that is named is read: the lower one, or with `lower: false` the upper one; `transpose` solves aᵀ x = b.
 *
 * @throws OcelliError "shape" or "dtype" where a and b are no system
 */
export function triangularSolve(a: Tensor, b: Tensor, options: TriangularOptions = {}): Tensor {
  const { lower = true, transpose = false, unitDiagonal = false } = options;
  return overSystems("triangularSolve", a, b, (operands) =>
    emitOne(triangularSolveP, operands, { lower, transpose, unitDiagonal }),
  );
}

/** Broadcasts the leading axes of a system; a right-hand side that is a vector goes as a column. */
export function overSystems(
  operation: string,
  a: Tensor,
  b: Tensor,
  solve: (operands: readonly [Tensor, Tensor]) => Tensor,
): Tensor {
  if (b.rank === 1) return squeeze(overSystems(operation, a, expandDims(b, 1), solve), -1);
  if (a.rank < 2 || b.rank < 2) return solve([a, b]); // for the error
  const lead = [a, b].map(({ shape, dtype }) => ({ shape: shape.slice(0, -2), dtype }));
  const shape = broadcastShape(operation, lead);
  const [x, y] = [a, b].map((t) => broadcastTo(t, [...shape, ...t.shape.slice(-2)]));
  return solve([x, y]);
}
