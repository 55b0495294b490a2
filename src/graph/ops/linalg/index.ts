/** @file Linear algebra: factors, systems of equations, determinants. All take stacks of matrices. */

import { choleskyPrimitives } from "./cholesky.ts";
import { eighPrimitives } from "./eigh.ts";
import { eliminationPrimitives } from "./elimination.ts";
import { qrPrimitives } from "./qr.ts";
import { svdPrimitives } from "./svd.ts";
import { triangularPrimitives } from "./triangular.ts";

/** The primitives of linear algebra by name. */
export const linalgPrimitives = {
  ...choleskyPrimitives,
  ...triangularPrimitives,
  ...eliminationPrimitives,
  ...qrPrimitives,
  ...eighPrimitives,
  ...svdPrimitives,
};

export { cholesky } from "./cholesky.ts";
export { type TriangularOptions, triangularSolve } from "./triangular.ts";
export { inverse, logdet, slogdet, solve } from "./elimination.ts";
export { eigh } from "./eigh.ts";
export { svd } from "./svd.ts";
export { qr } from "./qr.ts";
export { diagonal, eye, matrixTranspose, tril, triu } from "./matrices.ts";
