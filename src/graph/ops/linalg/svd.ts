/** @file Singular values and vectors. */

import { isFloat, sizeOf } from "../../dtype.ts";
import {
  type DecomposedPrimitive,
  type Tensor,
  dtypeError,
  emit,
  shapeError,
} from "../../tensor.ts";
import { roundValue, zerosValue } from "../../values.ts";
import { add, div, mul, sub } from "../arithmetic.ts";
import { zeros } from "../constant.ts";
import { matmul } from "../dot.ts";
import { convert, equal, select, widened } from "../select.ts";
import { expandDims, reshape, reverse } from "../shape.ts";
import { rotateToDiagonal } from "./eigh.ts";
import { diagonalise, polish } from "./jacobi.ts";
import { countOf, diagonal, eye, matrixAt, matrixTranspose } from "./matrices.ts";
import { orthogonalise, qr } from "./qr.ts";

const svdP: DecomposedPrimitive<"svd", Record<string, never>> = {
  name: "svd",
  infer(inputs) {
    const [{ shape, dtype }] = inputs;
    if (!isFloat(dtype)) throw dtypeError("svd", inputs, `takes floats, not ${dtype}`);
    const [m, n] = shape.slice(-2);
    if (shape.length < 2 || m < n) {
      throw shapeError("svd", inputs, "takes matrices [..., m, n] with m ≥ n");
    }
    const lead = shape.slice(0, -2);
    return [shape, [...lead, n], [...lead, n, n]].map((extents) => ({ shape: extents, dtype }));
  },
  // Ionescu, Vantzos & Sminchisescu 2015, arXiv:1509.07838, section 3
  gradient({ inputs: [x], outputs: [u, s, vt] }, [du, ds, dvt]) {
    const n = s.shape.at(-1)!;
    const unit = eye(n, s.dtype);
    const squares = mul(s, s);
    const gaps = sub(expandDims(squares, -2), expandDims(squares, -1));
    const shares = select(equal(unit, 1), 0, div(1, add(gaps, unit)));
    const turning = (made: Tensor): Tensor => mul(shares, sub(made, matrixTranspose(made)));
    const parts = ds ? [mul(unit, expandDims(ds, -1))] : [];
    if (du) parts.push(mul(turning(matmul(matrixTranspose(u), du)), expandDims(s, -2)));
    if (dvt) {
      const made = matmul(vt, matrixTranspose(dvt));
      parts.push(mul(expandDims(s, -1), turning(made)));
    }
    const inside = matmul(u, parts.reduce(add));
    if (!du || x.shape.at(-2) === n) return [matmul(inside, vt)];
    const beside = sub(du, matmul(u, matmul(matrixTranspose(u), du)));
    return [matmul(add(inside, div(beside, expandDims(s, -2))), vt)];
  },
  batch: ({ inputs }) => emit(svdP, inputs, {}),
  interpret([x]) {
    const [m, n] = x.shape.slice(-2);
    const [u, s, vt] = svdP.infer([x], {}).map(({ shape, dtype }) => zerosValue(shape, dtype));
    for (let index = 0; index < countOf(x.shape); index++) {
      const matrix = matrixAt(x, index);
      const at = (i: number, j: number): number => matrix[i * n + j];
      const products = Float64Array.from({ length: n * n }, (_, k) => {
        const [i, j] = [Math.floor(k / n), k % n];
        return Array.from({ length: m }, (_unused, r) => at(r, i) * at(r, j)).reduce(plus, 0);
      });
      const right = rotateToDiagonal(products, n)
        .map(({ vector }) => vector)
        .reverse();
      const turned = Float64Array.from({ length: m * n }, (_, k) =>
        right[k % n].map((part, j) => part * at(Math.floor(k / n), j)).reduce(plus, 0),
      );
      const { q, r } = orthogonalise(turned, m, n);
      u.data.set(q, index * m * n);
      right.forEach((vector, k) => {
        s.data[index * n + k] = r[k * n + k];
        vt.data.set(vector, (index * n + k) * n);
      });
    }
    return [u, s, vt].map(roundValue);
  },
  decompose([x]) {
    const specs = svdP.infer([x], {});
    if (x.size === 0) return specs.map(({ shape, dtype }) => zeros(shape, dtype));
    const parts = factorsOf(reshape(widened(x), [countOf(x.shape), ...x.shape.slice(-2)]));
    return specs.map(({ shape, dtype }, i) => convert(reshape(parts[i], shape), dtype));
  },
  flops: ([{ shape }]) => 22 * sizeOf(shape) * shape.at(-1)!,
};

const plus = (a: number, b: number): number => a + b;

/** Below this share of the largest eigenvalue of xᵀ x all is rounding. */
const LEAST = 2 ** -40;

/**
 * The factors of [batch, m, n]. What turns xᵀ x diagonal leaves columns of which the small ones are not at right angles
 * yet, since squares have half of the digits; from those columns they are turned again, each by its own size, twice.
 */
function factorsOf(x: Tensor): [u: Tensor, s: Tensor, vt: Tensor] {
  const gram = (columns: Tensor): Tensor => matmul(matrixTranspose(columns), columns);
  const turned = (rows: Tensor): Tensor => matmul(x, matrixTranspose(rows));
  const first = diagonalise(gram(x), 1).rows;
  const again = (rows: Tensor): Tensor =>
    polish(matmul(diagonalise(gram(turned(rows)), LEAST).rows, rows));
  const vt = reverse(again(again(first)), 1);
  const { q, r } = qr(turned(vt));
  return [q, diagonal(r), vt];
}

/** The primitive by name. */
export const svdPrimitives = { svd: svdP };

/**
 * u with orthonormal columns [..., m, k], the singular values s, descending [..., k], and vt with orthonormal rows
 * [..., k, n], where u diag(s) vt = x and k = min(m, n); a column of u and its row of vt have either sign. Gradients are
 * those of distinct singular values other than 0.
 *
 * @throws OcelliError "dtype" or "shape" unless x is matrices of floats
 */
export function svd(x: Tensor): { u: Tensor; s: Tensor; vt: Tensor } {
  const isWide = x.rank >= 2 && x.shape.at(-2)! < x.shape.at(-1)!;
  const [u, s, vt] = emit(svdP, [isWide ? matrixTranspose(x) : x], {});
  return isWide ? { u: matrixTranspose(vt), s, vt: matrixTranspose(u) } : { u, s, vt };
}
