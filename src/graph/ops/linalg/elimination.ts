/** @file General systems of equations and determinants, by elimination with row pivots. */

import {
  type Cotangent,
  type DecomposedPrimitive,
  type Tensor,
  emit,
  emitOne,
} from "../../tensor.ts";
import { sizeOf } from "../../dtype.ts";
import { roundValue, zerosValue } from "../../values.ts";
import { bitwiseAnd, logicalAnd } from "../binary.ts";
import { div, mul, neg, sub } from "../arithmetic.ts";
import { reduceSum } from "../stretch.ts";
import { broadcastBatch } from "../broadcast.ts";
import { full, iota, ones, zeros } from "../constant.ts";
import { matmul } from "../dot.ts";
import { gather } from "../gather.ts";
import { argMax, reduceProd } from "../reduce.ts";
import { scan } from "../scan.ts";
import { convert, equal, less, notEqual, select, widened } from "../select.ts";
import { expandDims, moveAxis, reshape, squeeze } from "../shape.ts";
import { concatenate, pad, sliceAxis } from "../slice.ts";
import { argSort } from "../sort.ts";
import { abs, log, logicalNot, sign } from "../unary.ts";
import {
  blockOf,
  checkSquare,
  checkSystem,
  countOf,
  diagonal,
  eachMatrix,
  extendSquare,
  eye,
  matrixAt,
  matrixTranspose,
  resizeEnd,
  slideRight,
} from "./matrices.ts";
import { overSystems, triangularSolve } from "./triangular.ts";

const solveP: DecomposedPrimitive<"solve", Record<string, never>> = {
  name: "solve",
  infer(inputs) {
    checkSystem("solve", inputs);
    return [{ shape: inputs[1].shape, dtype: inputs[1].dtype }];
  },
  gradient({ inputs: [a], outputs: [x], needs }, [d]): Cotangent[] {
    if (!d) return [null, null];
    const db = emitOne(solveP, [matrixTranspose(a), d], {});
    const da = needs[0] ? neg(matmul(db, matrixTranspose(x))) : null;
    return [da, needs[1] ? db : null];
  },
  batch: (context) => [emitOne(solveP, broadcastBatch(context), {})],
  interpret([a, b]) {
    const [n, m] = b.shape.slice(-2);
    const result = eachMatrix(b, (index, x) => {
      const matrix = matrixAt(a, index);
      x.set(matrixAt(b, index));
      reduceRows(matrix, n, x, m);
      for (let i = n - 1; i >= 0; i--) {
        for (let c = 0; c < m; c++) {
          let sum = x[i * m + c];
          for (let j = i + 1; j < n; j++) sum -= matrix[i * n + j] * x[j * m + c];
          x[i * m + c] = sum / matrix[i * n + i];
        }
      }
    });
    return [result];
  },
  decompose([a, b]) {
    const [matrix, values] = [widened(a), widened(b)];
    if (b.size === 0) return [b];
    const n = a.shape.at(-1)!;
    const { rows } = eliminate(concatenate([matrix, values], -1), n);
    const [upper, right] = [sliceAxis(rows, -1, 0, n), sliceAxis(rows, -1, n)];
    return [convert(triangularSolve(upper, right, { lower: false }), b.dtype)];
  },
  flops: ([{ shape }, b]) => {
    const n = shape.at(-1)!;
    return countOf(shape) * (2 / 3) * n ** 3 + 2 * sizeOf(b.shape) * n;
  },
};

const slogdetP: DecomposedPrimitive<"slogdet", Record<string, never>> = {
  name: "slogdet",
  infer(inputs) {
    checkSquare("slogdet", inputs);
    const [{ shape, dtype }] = inputs;
    const lead = shape.slice(0, -2);
    return [
      { shape: lead, dtype },
      { shape: lead, dtype },
    ];
  },
  gradient({ inputs: [a] }, [, d]) {
    if (!d) return [null];
    return [mul(matrixTranspose(inverse(a)), expandDims(expandDims(d, -1), -1))];
  },
  batch: ({ inputs }) => emit(slogdetP, inputs, {}),
  interpret([a]) {
    const n = a.shape.at(-1)!;
    const lead = a.shape.slice(0, -2);
    const [signs, logs] = [zerosValue(lead, a.dtype), zerosValue(lead, a.dtype)];
    for (let index = 0; index < signs.data.length; index++) {
      const matrix = matrixAt(a, index);
      let direction = reduceRows(matrix, n);
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const pivot = matrix[i * n + i];
        direction *= Math.sign(pivot);
        sum += Math.log(Math.abs(pivot));
      }
      signs.data[index] = direction;
      logs.data[index] = sum;
    }
    return [signs, roundValue(logs)];
  },
  decompose([a]) {
    const n = a.shape.at(-1)!;
    const lead = a.shape.slice(0, -2);
    if (n === 0 || a.size === 0) return [ones(lead, a.dtype), zeros(lead, a.dtype)];
    const { rows, signs } = eliminate(widened(a), n);
    const pivots = diagonal(rows);
    const direction = mul(reduceProd(sign(pivots), -1), signs);
    return [direction, reduceSum(log(abs(pivots)), -1)].map((x) => convert(x, a.dtype));
  },
  flops: ([{ shape }]) => (countOf(shape) * 2 * shape.at(-1)! ** 3) / 3,
};

/** Makes a matrix upper triangular in place, right-hand sides [n, m] along with it; returns the sign of the row order. */
function reduceRows(
  matrix: Float64Array,
  n: number,
  right: Float64Array = new Float64Array(0),
  m = 0,
): number {
  let order = 1;
  const swap = (list: Float64Array, width: number, i: number, j: number): void => {
    const row = list.slice(i * width, (i + 1) * width);
    list.copyWithin(i * width, j * width, (j + 1) * width);
    list.set(row, j * width);
  };
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) {
      if (Math.abs(matrix[i * n + k]) > Math.abs(matrix[best * n + k])) best = i;
    }
    if (best !== k) {
      swap(matrix, n, k, best);
      swap(right, m, k, best);
      order = -order;
    }
    const pivot = matrix[k * n + k];
    if (pivot === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const factor = matrix[i * n + k] / pivot;
      for (let j = k; j < n; j++) matrix[i * n + j] -= factor * matrix[k * n + j];
      for (let j = 0; j < m; j++) right[i * m + j] -= factor * right[k * m + j];
    }
  }
  return order;
}

/**
 * Upper triangular rows [..., n, width] of matrices [..., n, width] whose first n columns are square, and the sign of the
 * order that their rows were taken in, [...]. A block of columns goes at a time, with one product; what is left moves to
 * the front, so that every block is a step of one loop.
 */
function eliminate(x: Tensor, n: number): { rows: Tensor; signs: Tensor } {
  const lead = x.shape.slice(0, -2);
  const size = blockOf(n);
  const count = Math.ceil(n / size);
  const missing = count * size - n;
  const flat = reshape(x, [-1, n, x.shape.at(-1)!]);
  const [square, right] = [sliceAxis(flat, 2, 0, n), sliceAxis(flat, 2, n)];
  const all = concatenate([extendSquare(square, missing), resizeEnd(right, -2, missing)], 2);
  const [batch, , width] = all.shape;
  const dims = { axis: 1, batchDims: 1 };
  const { ys } = scan(
    ([left]) => {
      const panel = eliminatePanel(sliceAxis(left, 2, 0, size));
      const beside = sliceAxis(left, 2, size);
      const factors = (order: Tensor): Tensor => gather(panel.lower, order, dims);
      const given = gather(beside, panel.pivots, dims);
      const top = triangularSolve(factors(panel.pivots), given, { unitDiagonal: true });
      const below = gather(beside, panel.others, dims);
      const next = sub(below, matmul(factors(panel.others), top));
      const row = concatenate([panel.upper, top], 2); // [batch, size, width]
      return {
        carry: [
          pad(next, [
            [0, 0],
            [0, size],
            [0, size],
          ]),
        ],
        ys: [matrixTranspose(row), panel.signs],
      };
    },
    [all],
    [],
    { length: count },
  );
  // [count, batch, width, size] → [batch, count, width · size], in which block k goes k · size columns to the right
  const blocks = reshape(moveAxis(ys[0], 0, 1), [batch, count, width * size]);
  const placed = reshape(slideRight(blocks, size * size), [batch, count, width, size]);
  const rows = reshape(matrixTranspose(placed), [batch, count * size, width]);
  const upper = sliceAxis(sliceAxis(rows, 1, 0, n), 2, 0, n);
  const values = sliceAxis(sliceAxis(rows, 1, 0, n), 2, count * size);
  return {
    rows: reshape(concatenate([upper, values], 2), x.shape),
    signs: reshape(reduceProd(ys[1], 0), lead),
  };
}

/** What elimination makes of a block of columns [batch, rows, size]. */
interface Panel {
  /** The rows that were taken, one for each column, and the others in their order: int32 [batch, …]. */
  readonly pivots: Tensor;
  readonly others: Tensor;
  /** [batch, size, size]. */
  readonly upper: Tensor;
  /** By how much of each pivot's row a row was lessened, [batch, rows, size]. */
  readonly lower: Tensor;
  /** The sign of the order (pivots, others), [batch]. */
  readonly signs: Tensor;
}

/** Rows stay where they are and are ticked off; each step takes the first column away. */
function eliminatePanel(panel: Tensor): Panel {
  const [batch, height, size] = panel.shape;
  const place = iota([1, height], "int32", 1);
  const { carry, ys } = scan(
    ([left, open]) => {
      const column = squeeze(sliceAxis(left, 2, 0, 1), 2); // [batch, rows]
      const at = argMax(select(open, abs(column), -1), 1);
      const pivots = gather(left, expandDims(at, 1), { axis: 1, batchDims: 1 }); // [batch, 1, size]
      const pivot = squeeze(sliceAxis(pivots, 2, 0, 1), 2); // [batch, 1]
      const still = logicalAnd(open, notEqual(place, expandDims(at, 1)));
      // where a whole column is zero there is nothing to take away
      const factors = select(still, div(column, select(equal(pivot, 0), 1, pivot)), 0);
      const next = sub(left, mul(expandDims(factors, 2), pivots));
      const passed = logicalAnd(open, less(place, expandDims(at, 1)));
      return {
        carry: [
          pad(next, [
            [0, 0],
            [0, 0],
            [-1, 1],
          ]),
          still,
        ],
        ys: [at, factors, squeeze(pivots, 1), reduceSum(convert(passed, "int32"), 1)],
      };
    },
    [panel, full([batch, height], true, "bool")],
    [],
    { length: size },
  );
  const [pivots, factors, upper, passed] = ys.map((y) => moveAxis(y, 0, 1));
  const taken = convert(logicalNot(carry[1]), "int32");
  const odd = bitwiseAnd(reduceSum(passed, 1), 1);
  return {
    pivots,
    others: sliceAxis(argSort(taken, 1), 1, 0, height - size),
    upper: slideRight(upper),
    lower: matrixTranspose(factors),
    signs: sub(1, mul(convert(odd, panel.dtype), 2)),
  };
}

/** The primitives by name. */
export const eliminationPrimitives = { solve: solveP, slogdet: slogdetP };

/**
 * x with a x = b, for any regular a [..., n, n] and b [..., n, m] or a vector [n]; leading axes broadcast. Of a singular
 * matrix what comes out is not finite. For positive definite a, {@link cholesky} and two triangular systems are cheaper.
 *
 * @throws OcelliError "shape" or "dtype" where a and b are no system
 */
export const solve = (a: Tensor, b: Tensor): Tensor =>
  overSystems("solve", a, b, (operands) => emitOne(solveP, operands, {}));

/** The inverse of matrices [..., n, n]. */
export function inverse(a: Tensor): Tensor {
  checkSquare("inverse", [a]);
  return solve(a, eye(a.shape.at(-1)!, a.dtype));
}

/** The sign of the determinant and the logarithm of its absolute value, [..., n, n] → [...]; of a singular matrix 0 and −∞. */
export function slogdet(a: Tensor): { sign: Tensor; logdet: Tensor } {
  const [direction, logdet] = emit(slogdetP, [a], {});
  return { sign: direction, logdet };
}

/** log |det a| of matrices, [..., n, n] → [...]. */
export const logdet = (a: Tensor): Tensor => slogdet(a).logdet;
