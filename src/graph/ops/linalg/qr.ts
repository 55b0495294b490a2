/** @file The QR factors of matrices, by Householder reflections (Golub & Van Loan 2013, section 5.2). */

import {
  type DecomposedPrimitive,
  type Tensor,
  dtypeError,
  emit,
  shapeError,
} from "../../tensor.ts";
import { isFloat, sizeOf } from "../../dtype.ts";
import { roundValue, zerosValue } from "../../values.ts";
import { add, div, mul, neg, sub } from "../arithmetic.ts";
import { zerosLike } from "../constant.ts";
import { matmul } from "../dot.ts";
import { scan } from "../scan.ts";
import { convert, equal, less, select, widened } from "../select.ts";
import { expandDims, moveAxis, reshape, squeeze } from "../shape.ts";
import { concatenate, pad, sliceAxis } from "../slice.ts";
import { reduceSum } from "../stretch.ts";
import { sqrt } from "../unary.ts";
import {
  blockOf,
  countOf,
  diagonal,
  eye,
  matrixAt,
  matrixTranspose,
  slideRight,
  tril,
  triu,
} from "./matrices.ts";
import { triangularSolve } from "./triangular.ts";

type NoAttrs = Record<string, never>;

const qrP: DecomposedPrimitive<"qr", NoAttrs> = {
  name: "qr",
  infer(inputs) {
    const [{ shape, dtype }] = inputs;
    if (!isFloat(dtype)) throw dtypeError("qr", inputs, `takes floats, not ${dtype}`);
    const [m, n] = shape.slice(-2);
    if (shape.length < 2 || m < n) {
      throw shapeError("qr", inputs, "takes matrices [..., m, n] with m ≥ n");
    }
    return [
      { shape, dtype },
      { shape: [...shape.slice(0, -2), n, n], dtype },
    ];
  },
  // Liao et al. 2019, arXiv:1903.09650, equation 3
  gradient({ inputs: [x], outputs: [q, r] }, [dq, dr]) {
    if (x.size === 0) return [zerosLike(x)];
    const parts = [
      ...(dr ? [matmul(r, matrixTranspose(triu(dr)))] : []),
      ...(dq ? [neg(matmul(matrixTranspose(dq), q))] : []),
    ];
    const inner = parts.reduce(add);
    const symmetric = add(tril(inner), matrixTranspose(tril(inner, -1)));
    const outer = matmul(q, symmetric);
    const given = matrixTranspose(dq ? add(dq, outer) : outer);
    return [matrixTranspose(triangularSolve(r, given, { lower: false }))];
  },
  batch: ({ inputs }) => emit(qrP, inputs, {}),
  interpret([x]) {
    const [m, n] = x.shape.slice(-2);
    const [q, r] = qrP.infer([x], {}).map(({ shape, dtype }) => zerosValue(shape, dtype));
    for (let index = 0; index < countOf(x.shape); index++) {
      const factors = orthogonalise(matrixAt(x, index), m, n);
      q.data.set(factors.q, index * m * n);
      r.data.set(factors.r, index * n * n);
    }
    return [roundValue(q), roundValue(r)];
  },
  decompose([x]) {
    const [m, n] = x.shape.slice(-2);
    const { q, r } = factorsOf(reshape(widened(x), [countOf(x.shape), m, n]));
    return qrP
      .infer([x], {})
      .map(({ shape, dtype }, i) => convert(reshape(i === 0 ? q : r, shape), dtype));
  },
  flops: ([{ shape }]) => 4 * sizeOf(shape) * shape.at(-1)!,
};

/** Reflections in float64; where a column is zero its reflection is none. */
export function orthogonalise(x: Float64Array, m: number, n: number): { q: number[]; r: number[] } {
  const reflections: Float64Array[] = [];
  /** Columns of a matrix of `width` columns, reflected. */
  const reflect = (v: Float64Array, matrix: Float64Array, width: number): void => {
    const size = v.reduce((sum, a) => sum + a * a, 0);
    for (let c = 0; c < width && size > 0; c++) {
      let dot = 0;
      for (let i = 0; i < m; i++) dot += v[i] * matrix[i * width + c];
      for (let i = 0; i < m; i++) matrix[i * width + c] -= (2 * dot * v[i]) / size;
    }
  };
  for (let k = 0; k < n; k++) {
    const v = Float64Array.from({ length: m }, (_, i) => (i < k ? 0 : x[i * n + k]));
    const length = Math.hypot(...v);
    v[k] += v[k] < 0 ? -length : length;
    reflect(v, x, n);
    reflections.push(v);
  }
  const q = Float64Array.from({ length: m * n }, (_, i) => Number(Math.floor(i / n) === i % n));
  for (const v of reflections.reverse()) reflect(v, q, n);
  const turn = (i: number): number => (x[i * n + i] < 0 ? -1 : 1);
  return {
    q: Array.from(q, (value, at) => value * turn(at % n)),
    r: Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return j < i ? 0 : x[at] * turn(i);
    }),
  };
}

/** Reflections I − V T Vᵀ of a block of columns: V [batch, rows, size], and the upper triangle T⁻¹. */
interface Reflections {
  readonly vectors: Tensor;
  readonly inverse: Tensor;
}

/** The reflections' product, or its transpose, times a matrix. */
function reflected({ vectors, inverse }: Reflections, x: Tensor, transpose: boolean): Tensor {
  const given = matmul(matrixTranspose(vectors), x);
  return sub(x, matmul(vectors, triangularSolve(inverse, given, { lower: false, transpose })));
}

/** Both factors of [batch, m, n], block of columns by block of columns. */
function factorsOf(x: Tensor): { q: Tensor; r: Tensor } {
  const [, , n] = x.shape;
  if (x.size === 0) return { q: x, r: zerosLike({ ...x, shape: [x.shape[0], n, n] }) };
  const width = blockOf(n);
  const blocks: Reflections[] = [];
  const rows: Tensor[] = [];
  let left = x;
  for (let from = 0; from < n; from += width) {
    const size = Math.min(width, n - from);
    const panel = reflectPanel(sliceAxis(left, 2, 0, size));
    const rest = reflected(panel, sliceAxis(left, 2, size), true);
    const row = concatenate([panel.upper, sliceAxis(rest, 1, 0, size)], 2);
    rows.push(
      pad(row, [
        [0, 0],
        [0, 0],
        [from, 0],
      ]),
    );
    blocks.push(panel);
    left = sliceAxis(rest, 1, size);
  }
  const r = concatenate(rows, 1);
  const turn = select(less(diagonal(r), 0), -1, 1); // [batch, n]
  return { q: mul(product(blocks, left), expandDims(turn, 1)), r: mul(r, expandDims(turn, 2)) };
}

/** The first columns of the product of all reflections, the last ones first; `left` are the rows below all of them. */
function product(blocks: readonly Reflections[], left: Tensor): Tensor {
  let q = left; // [batch, rows below, 0]
  for (const block of [...blocks].reverse()) {
    const size = block.vectors.shape[2];
    const own = eye(block.vectors.shape[1], left.dtype);
    const columns = sliceAxis(own, 1, 0, size);
    const wide = pad(q, [
      [0, 0],
      [size, 0],
      [size, 0],
    ]);
    const more = wide.shape[2] - size;
    const ones = pad(columns, [
      [0, 0],
      [0, more],
    ]);
    q = reflected(block, add(wide, expandDims(ones, 0)), false);
  }
  return q;
}

/**
 * Reflections of a block of columns [batch, rows, width], and the triangle that they make of it. Each step takes the
 * first column away, and the first row, so that the next one again stands first.
 */
function reflectPanel(panel: Tensor): Reflections & { readonly upper: Tensor } {
  const [, , width] = panel.shape;
  const { ys } = scan(
    ([left]) => {
      const first = sliceAxis(left, 2, 0, 1); // [batch, rows, 1]
      const length = sqrt(reduceSum(mul(first, first), 1, { keepDims: true }));
      const head = sliceAxis(first, 1, 0, 1);
      const turned = select(less(head, 0), neg(length), length);
      const vector = concatenate([add(head, turned), sliceAxis(first, 1, 1)], 1);
      const size = reduceSum(mul(vector, vector), 1, { keepDims: true });
      const factor = div(2, select(equal(size, 0), 1, size));
      const across = mul(matmul(matrixTranspose(vector), left), factor); // [batch, 1, width]
      const next = sub(left, mul(vector, across));
      return {
        carry: [
          pad(next, [
            [0, 0],
            [-1, 1],
            [-1, 1],
          ]),
        ],
        ys: [squeeze(vector, 2), squeeze(sliceAxis(next, 1, 0, 1), 1)],
      };
    },
    [panel],
    [],
    { length: width },
  );
  const [down, across] = ys.map((y) => slideRight(moveAxis(y, 0, 1)));
  const vectors = matrixTranspose(down);
  const products = matmul(down, vectors);
  const halved = sub(triu(products), mul(products, mul(eye(width, panel.dtype), 0.5)));
  const isNone = equal(diagonal(products), 0); // a zero column reflects nothing
  const inverse = add(
    halved,
    mul(eye(width, panel.dtype), expandDims(convert(isNone, panel.dtype), 1)),
  );
  return { vectors, inverse, upper: triu(across) };
}

/** The primitive by name. */
export const qrPrimitives = { qr: qrP };

/**
 * q with orthonormal columns [..., m, k] and upper triangular r [..., k, n] with q r = x, for k = min(m, n); the diagonal
 * of r is not negative, which makes the factors of a matrix of full rank the only ones.
 *
 * @throws OcelliError "dtype" or "shape" unless x is matrices of floats
 */
export function qr(x: Tensor): { q: Tensor; r: Tensor } {
  const [m, n] = x.shape.slice(-2);
  const [q, r] = emit(qrP, [x.rank >= 2 && m < n ? sliceAxis(x, -1, 0, m) : x], {});
  if (m >= n) return { q, r };
  return { q, r: concatenate([r, matmul(matrixTranspose(q), sliceAxis(x, -1, m))], -1) };
}
