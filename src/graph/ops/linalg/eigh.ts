/** @file Eigenvalues and eigenvectors of symmetric matrices. */

import { sizeOf } from "../../dtype.ts";
import { type DecomposedPrimitive, type Tensor, emit } from "../../tensor.ts";
import { roundValue, zerosValue } from "../../values.ts";
import { add, div, mul, sub } from "../arithmetic.ts";
import { zeros, zerosLike } from "../constant.ts";
import { matmul } from "../dot.ts";
import { convert, equal, select, widened } from "../select.ts";
import { expandDims, reshape } from "../shape.ts";
import { diagonalise } from "./jacobi.ts";
import { checkSquare, countOf, eye, matrixAt, matrixTranspose, symmetricPart } from "./matrices.ts";

const eighP: DecomposedPrimitive<"eigh", Record<string, never>> = {
  name: "eigh",
  infer(inputs) {
    checkSquare("eigh", inputs);
    const [{ shape, dtype }] = inputs;
    return [
      { shape: shape.slice(0, -1), dtype },
      { shape, dtype },
    ];
  },
  // Giles 2008, "An extended collection of matrix derivative results", section 3.1
  gradient({ outputs: [values, vectors] }, [dValues, dVectors]) {
    const turned = matrixTranspose(vectors);
    const unit = eye(values.shape.at(-1)!, values.dtype);
    const parts = dValues ? [mul(unit, expandDims(dValues, -1))] : [];
    if (dVectors) {
      const gaps = sub(expandDims(values, -2), expandDims(values, -1));
      const shares = select(equal(unit, 1), 0, div(1, add(gaps, unit)));
      parts.push(mul(shares, matmul(turned, dVectors)));
    }
    return [symmetricPart(matmul(matmul(vectors, parts.reduce(add)), turned))];
  },
  batch: ({ inputs }) => emit(eighP, inputs, {}),
  interpret([x]) {
    const n = x.shape.at(-1)!;
    const [values, vectors] = eighP
      .infer([x], {})
      .map(({ shape, dtype }) => zerosValue(shape, dtype));
    for (let index = 0; index < countOf(x.shape); index++) {
      const found = rotateToDiagonal(matrixAt(x, index), n);
      found.forEach(({ value, vector }, k) => {
        values.data[index * n + k] = value;
        vector.forEach((part, i) => (vectors.data[(index * n + i) * n + k] = part));
      });
    }
    return [roundValue(values), roundValue(vectors)];
  },
  decompose([x]) {
    const n = x.shape.at(-1)!;
    if (x.size === 0) return [zeros(x.shape.slice(0, -1), x.dtype), zerosLike(x)];
    const { values, rows } = diagonalise(
      symmetricPart(reshape(widened(x), [countOf(x.shape), n, n])),
      1,
    );
    const vectors = reshape(matrixTranspose(rows), x.shape);
    return [reshape(values, x.shape.slice(0, -1)), vectors].map((y) => convert(y, x.dtype));
  },
  flops: ([{ shape }]) => 9 * sizeOf(shape) * shape.at(-1)!,
};

/** Jacobi's rotations, pair by pair; ascending eigenvalues. */
export function rotateToDiagonal(
  x: Float64Array,
  n: number,
): readonly { value: number; vector: readonly number[] }[] {
  const a = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: n }, (_unused, j) => (x[i * n + j] + x[j * n + i]) / 2),
  );
  const rows = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: n }, (_unused, j) => Number(i === j)),
  );
  const size = Math.hypot(...a.map((row) => Math.hypot(...row)));
  for (let sweep = 0; sweep < 50; sweep++) {
    let most = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const between = a[p][q];
        most = Math.max(most, Math.abs(between));
        if (between === 0) continue;
        const ratio = (a[q][q] - a[p][p]) / (2 * between);
        const t = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(ratio, 1));
        const c = 1 / Math.hypot(t, 1);
        const turn = (u: Float64Array, i: number, v: Float64Array, j: number): void => {
          [u[i], v[j]] = [c * u[i] - t * c * v[j], t * c * u[i] + c * v[j]];
        };
        for (let k = 0; k < n; k++) turn(a[p], k, a[q], k);
        for (let k = 0; k < n; k++) turn(a[k], p, a[k], q);
        for (let k = 0; k < n; k++) turn(rows[p], k, rows[q], k);
      }
    }
    if (!(most > 1e-16 * size)) break;
  }
  return rows
    .map((row, i) => ({ value: a[i][i], vector: Array.from(row) }))
    .sort((u, v) => u.value - v.value);
}

/** The primitive by name. */
export const eighPrimitives = { eigh: eighP };

/**
 * The eigenvalues of (x + xᵀ) / 2, ascending [..., n], and its eigenvectors as columns [..., n, n], of length 1 and of
 * either sign. The vectors have a gradient where the eigenvalues are distinct.
 *
 * @throws OcelliError "shape" unless the last two axes are square
 */
export function eigh(x: Tensor): { values: Tensor; vectors: Tensor } {
  const [values, vectors] = emit(eighP, [x], {});
  return { values, vectors };
}
