/**
 * @file Jacobi's method for symmetric matrices, in blocks: rotations of many pairs of rows at once, in the order of a
 * tournament (Brent & Luk 1985, "The solution of singular-value and symmetric eigenvalue problems on multiprocessor
 * arrays"; Golub & Van Loan 2013, section 8.5).
 */

import type { Tensor } from "../../tensor.ts";
import { add, div, mul, square, sub } from "../arithmetic.ts";
import { logicalAnd, maximum } from "../binary.ts";
import { whileLoop } from "../branch.ts";
import { broadcastTo } from "../broadcast.ts";
import { full, scalar, tensor } from "../constant.ts";
import { matmul } from "../dot.ts";
import { gather, take } from "../gather.ts";
import { reduceMax } from "../reduce.ts";
import { scan } from "../scan.ts";
import { equal, greater, less, select } from "../select.ts";
import { expandDims, reshape } from "../shape.ts";
import { concatenate, pad, sliceAxis, stack } from "../slice.ts";
import { argSort } from "../sort.ts";
import { reduceSum } from "../stretch.ts";
import { abs, rsqrt, sqrt } from "../unary.ts";
import { diagonal, eye, matrixTranspose } from "./matrices.ts";

/** Beyond twice so many rows, blocks of rows meet, and not single ones. */
const BLOCK = 32;
const MOST_SWEEPS = 20;
/** What may be left off the diagonal. */
const ENOUGH = 2 ** -22;
/** A sweep that leaves more than this share of what was off the diagonal was the last: the rest is rounding. */
const PROGRESS = 0.8;

/** What a matrix is turned into: its eigenvalues, ascending [batch, n], and the vectors as rows [batch, n, n]. */
export interface Diagonalised {
  readonly values: Tensor;
  readonly rows: Tensor;
}

/**
 * The eigenvalues and vectors of symmetric matrices [batch, n, n]. An element is small enough by the geometric mean of its
 * two diagonal elements, each at least `floor` times the largest one.
 */
export function diagonalise(x: Tensor, floor: number): Diagonalised {
  const [batch, n] = x.shape;
  const block = n <= 2 * BLOCK ? Math.ceil(n / 2) : n <= 1024 ? BLOCK : 2 * BLOCK;
  const pairs = Math.ceil(n / (2 * block));
  const all = 2 * block * pairs;
  // rows of zeros stay by themselves
  const wide = pad(x, [
    [0, 0],
    [0, all - n],
    [0, all - n],
  ]);
  const [, , , , turned] = whileLoop(
    (sweep, now, before) =>
      logicalAnd(
        less(sweep, MOST_SWEEPS),
        logicalAnd(greater(now, ENOUGH), less(now, mul(before, PROGRESS))),
      ),
    (sweep, now, _before, left, rows) => {
      const next = polish(sweepOver({ left, rows }, block, pairs).rows);
      const made = matmul(matmul(next, wide), matrixTranspose(next)); // rounding has no time to add up
      return [add(sweep, 1), offDiagonal(made, floor), now, made, next];
    },
    [
      scalar(0, "int32"),
      offDiagonal(wide, floor),
      full([], Infinity),
      wide,
      broadcastTo(eye(all, x.dtype), wide.shape),
    ],
  );
  const isMore = greater(reduceMax(abs(pad(turned, [[0, 0], [0, 0], [-n, 1]])), 2), 0.5); // prettier-ignore
  const rows = sliceAxis(turned, 2, 0, n);
  const lengths = reduceSum(square(rows), 2);
  const values = div(reduceSum(mul(matmul(rows, x), rows), 2), select(isMore, 1, lengths));
  const order = sliceAxis(argSort(select(isMore, Infinity, values), 1), 1, 0, n);
  const dims = { axis: 1, batchDims: 1 };
  const sorted = mul(rows, expandDims(rsqrt(select(isMore, 1, lengths)), 2));
  return {
    values: reshape(gather(values, order, dims), [batch, n]),
    rows: gather(sorted, order, dims),
  };
}

/** Nearly orthonormal rows made so, by a step of Newton's method (Björck & Bowie 1971). */
export function polish(rows: Tensor): Tensor {
  const products = matmul(rows, matrixTranspose(rows));
  const half = mul(sub(eye(rows.shape[1], rows.dtype), products), 0.5);
  return add(rows, matmul(half, rows));
}

/** The largest element off the diagonal, each by the mean of its diagonal elements. */
function offDiagonal(x: Tensor, floor: number): Tensor {
  const sizes = abs(diagonal(x));
  const least = mul(reduceMax(sizes, 1, { keepDims: true }), floor);
  const scale = rsqrt(maximum(maximum(sizes, least), 2 ** -120));
  const others = select(expandDims(equal(eye(x.shape[1]), 0), 0), abs(x), 0);
  return reduceMax(mul(mul(others, expandDims(scale, 1)), expandDims(scale, 2)));
}

/** A matrix on its way, left = rows · x · rowsᵀ. */
interface State {
  readonly left: Tensor;
  readonly rows: Tensor;
}

/** Lets every row meet every other one. Blocks stand in pairs, one after another; each pair rotates by itself. */
function sweepOver(state: State, block: number, pairs: number): State {
  const start = meet(state, pairs, (squares) => rotateAll(squares, block));
  if (pairs === 1) return start;
  const moved = exchange(start, pairs);
  const { carry } = scan(
    ([left, rows]) => {
      const next = exchange(
        meet({ left, rows }, pairs, (squares) => rotateAcross(squares, block)),
        pairs,
      );
      return { carry: [next.left, next.rows], ys: [] };
    },
    [moved.left, moved.rows],
    [],
    { length: 2 * pairs - 2 },
  );
  return { left: carry[0], rows: carry[1] };
}

/** Rotates the rows of each pair of blocks among themselves, and the columns. */
function meet(
  { left, rows }: State,
  pairs: number,
  rotate: (squares: Tensor) => Tensor, // [batch · pairs, size, size] → rotations
): State {
  const [batch, n] = left.shape;
  const size = n / pairs;
  const squares = stack(
    Array.from({ length: pairs }, (_, i) => {
      const across = sliceAxis(left, 1, i * size, (i + 1) * size);
      return sliceAxis(across, 2, i * size, (i + 1) * size);
    }),
    1,
  );
  const rotations = rotate(reshape(squares, [batch * pairs, size, size]));
  const turn = (x: Tensor): Tensor =>
    reshape(matmul(rotations, reshape(x, [batch * pairs, size, n])), x.shape);
  return { left: turn(matrixTranspose(turn(left))), rows: turn(rows) };
}

/** The next round of a tournament of blocks: the first one stays, the others move on by one place. */
function exchange({ left, rows }: State, pairs: number): State {
  const [batch, n] = left.shape;
  const first = (i: number): number => 2 * i;
  const second = (i: number): number => 2 * i + 1;
  const order = Array.from({ length: pairs }, (_, i) => [
    i === 0 ? first(0) : i === 1 ? second(0) : first(i - 1),
    i === pairs - 1 ? first(i) : second(i + 1),
  ]).flat();
  const moved = (x: Tensor): Tensor =>
    reshape(take(reshape(x, [batch, 2 * pairs, -1, n]), tensor(order, "int32"), 1), [batch, n, n]);
  return { left: moved(matrixTranspose(moved(left))), rows: moved(rows) };
}

/** How two halves of rows go on as one list. */
type Order = (top: Tensor, bottom: Tensor, axis: number) => readonly Tensor[];

/** Rotations in which every row of a square meets every other one, [stack, size, size] → the same. */
const rotateAll = (squares: Tensor, half: number): Tensor =>
  rotate(squares, half, 2 * half - 1, (top, bottom, axis) =>
    half === 1
      ? [top, bottom]
      : [
          sliceAxis(top, axis, 0, 1),
          sliceAxis(bottom, axis, 0, 1),
          sliceAxis(top, axis, 1, half - 1),
          sliceAxis(bottom, axis, 1),
          sliceAxis(top, axis, half - 1),
        ],
  );

/** Rotations in which every row of the upper half meets every one of the lower half. */
const rotateAcross = (squares: Tensor, half: number): Tensor =>
  rotate(squares, half, half, (top, bottom, axis) => [
    top,
    sliceAxis(bottom, axis, 1),
    sliceAxis(bottom, axis, 0, 1),
  ]);

/** Rounds of rotations of each row of the upper half with that below it in the lower half. */
function rotate(squares: Tensor, half: number, rounds: number, order: Order): Tensor {
  const { carry } = scan(
    ([left, turned]) => {
      const { cosine, sine } = anglesOf(left, half);
      const along = (x: Tensor, axis: 1 | 2): Tensor => {
        const [c, s] = [cosine, sine].map((angle) => expandDims(angle, 3 - axis));
        const [top, bottom] = [sliceAxis(x, axis, 0, half), sliceAxis(x, axis, half)];
        const [up, down] = [sub(mul(top, c), mul(bottom, s)), add(mul(top, s), mul(bottom, c))];
        return concatenate(order(up, down, axis), axis);
      };
      return { carry: [along(along(left, 1), 2), along(turned, 1)], ys: [] };
    },
    [squares, broadcastTo(eye(2 * half, squares.dtype), squares.shape)],
    [],
    { length: rounds },
  );
  return carry[1];
}

/** The rotations that make the elements between row i and row half + i zero. */
function anglesOf(x: Tensor, half: number): { cosine: Tensor; sine: Tensor } {
  const corner = (down: boolean, right: boolean): Tensor => {
    const rows = down ? sliceAxis(x, 1, half) : sliceAxis(x, 1, 0, half);
    return diagonal(right ? sliceAxis(rows, 2, half) : sliceAxis(rows, 2, 0, half));
  };
  const between = corner(false, true);
  const isZero = equal(between, 0);
  const gap = sub(corner(true, true), corner(false, false));
  const ratio = div(gap, mul(select(isZero, 1, between), 2));
  const root = add(abs(ratio), sqrt(add(square(ratio), 1)));
  const tangent = select(isZero, 0, div(select(less(ratio, 0), -1, 1), root));
  const cosine = rsqrt(add(square(tangent), 1));
  return { cosine, sine: mul(tangent, cosine) };
}
