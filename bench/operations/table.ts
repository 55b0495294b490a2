/** @file The single operations that are measured; bench/peers/operations.py has the same ones in PyTorch and JAX. */

import * as g from "../../src/graph/index.ts";
import { conv, cumMax, cumSum } from "../../src/graph/index.ts";

/** An operation on arrays whose elements both sides draw alike; see {@link drawArray}. */
export interface Operation {
  readonly about: string;
  /** Shapes of the float operands. */
  readonly operands: readonly g.Shape[];
  /** Integers in [0, below), behind the operands. */
  readonly indices?: { readonly shape: g.Shape; readonly below: number };
  readonly apply: (...inputs: g.Tensor[]) => g.Tensor;
  /** Measured with its gradient of the first so many operands. */
  readonly gradients?: number;
}

const sums: Pick<Operation, "operands"> = { operands: [[256, 4096]] };
const depthwise = { groups: 96 };
const twice = { lhsDilation: 2, padding: [[2, 2], [2, 2]] as const }; // prettier-ignore
const embedding = { shape: [4096], below: 262_144 };

/** An array of a result, added up in float64. */
export interface Sums {
  readonly sum: number;
  /** Of the elements' sizes. */
  readonly size: number;
}

/** The operations by name. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "scatter-add": {
    about: "65,536 rows of 256 added into 4,096",
    operands: [[4096, 256], [65_536, 256]], // prettier-ignore
    indices: { shape: [65_536], below: 4096 },
    apply: (x, updates, rows) => g.scatterAdd(x, rows, updates),
  },
  "embedding gradient": {
    about: "4,096 rows of 64 of a table of 262,144",
    operands: [[262_144, 64]],
    indices: embedding,
    apply: (table, rows) => g.take(table, rows),
    gradients: 1,
  },
  "transposed convolution gradient": {
    about: "4 × 4, stride 2, 64 to 64 channels, 28 px to 56, batch 8",
    operands: [[8, 28, 28, 64], [4, 4, 64, 64]], // prettier-ignore
    apply: (x, kernel) => conv(x, kernel, twice),
    gradients: 2,
  },
  "depthwise convolution gradient": {
    about: "7 × 7, 96 channels, 56 px, batch 8",
    operands: [[8, 56, 56, 96], [7, 7, 1, 96]], // prettier-ignore
    apply: (x, kernel) => conv(x, kernel, depthwise),
    gradients: 2,
  },
  "3-D convolution": {
    about: "3 × 3 × 3, 32 to 64 channels, 16 × 32 × 32, batch 2",
    operands: [[2, 16, 32, 32, 32], [3, 3, 3, 32, 64]], // prettier-ignore
    apply: (x, kernel) => conv(x, kernel),
  },
  "top-k": {
    about: "the 5 largest of 21,843, 64 rows",
    operands: [[64, 21_843]],
    apply: (x) => g.topK(x, 5).values,
  },
  "cumulative sum": { about: "along 4,096, 256 rows", ...sums, apply: (x) => cumSum(x, 1) },
  "cumulative sum gradient": {
    about: "along 4,096, 256 rows",
    ...sums,
    apply: (x) => cumSum(x, 1),
    gradients: 1,
  },
  "cumulative maximum": { about: "along 4,096, 256 rows", ...sums, apply: (x) => cumMax(x, 1) },
  "cumulative maximum gradient": {
    about: "along 4,096, 256 rows",
    ...sums,
    apply: (x) => cumMax(x, 1),
    gradients: 1,
  },
  cholesky: {
    about: "16 matrices of 96 × 96",
    operands: [[16, 96, 96]],
    apply: (x) => {
      const square = g.matmul(x, g.transpose(x, [0, 2, 1]));
      return g.cholesky(g.add(square, g.mul(g.eye(96), 96)));
    },
  },
};

const STRIDE = 2654435761n; // Knuth's multiplicative hashing

/** The i-th number of an array's hash, in [0, 1). */
const hashAt = (i: number): number => Number((BigInt(i) * STRIDE) & 0xffffffffn) / 2 ** 32;

/** A float array of numbers in [−1, 1), the same in bench/peers/operations.py. */
export const drawArray = (shape: g.Shape): g.HostArray =>
  g.hostArray(
    shape,
    "float32",
    Float32Array.from({ length: g.sizeOf(shape) }, (_, i) => hashAt(i) * 2 - 1),
  );

/** Indices in [0, below), the same in bench/peers/operations.py. */
export const drawIndices = ({ shape, below }: NonNullable<Operation["indices"]>): g.HostArray =>
  g.hostArray(
    shape,
    "int32",
    Int32Array.from({ length: g.sizeOf(shape) }, (_, i) => Math.floor(hashAt(i + 1) * below)),
  );

/**
 * The program of an operation: what it gives, its gradients where they are measured, and last one element, by which one can
 * wait for all. The result's cotangent is the first input, drawn as the operands are.
 */
export function programOf({ apply, gradients = 0 }: Operation) {
  return (cotangent: g.Tensor, ...inputs: g.Tensor[]): g.Tensor[] => {
    const rest = inputs.slice(gradients);
    const { outputs, pullback } = g.vjp(
      (...first) => [apply(...first, ...rest)],
      ...inputs.slice(0, gradients),
    );
    const all = [...outputs, ...(gradients > 0 ? pullback([cotangent]) : [])];
    const last = all[all.length - 1];
    const start = last.shape.map(() => 0);
    return [...all, g.reshape(g.slice(last, start, last.shape.map(() => 1)), [])]; // prettier-ignore
  };
}
