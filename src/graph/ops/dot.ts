/** @file Matrix products: `dotGeneral`, and NumPy's `matmul` and `einsum` over it. */

import { type DType, type Shape, sizeOf, stridesOf } from "../dtype.ts";
import {
  type Primitive,
  type Spec,
  type Tensor,
  dtypeError,
  emitOne,
  shapeError,
} from "../tensor.ts";
import {
  additionOf,
  forEachIndex,
  multiplicationOf,
  offsetOf,
  roundValue,
  zerosValue,
} from "../values.ts";
import { broadcastShape, broadcastTo } from "./broadcast.ts";
import { reduceSum } from "./stretch.ts";
import { convert } from "./select.ts";
import { expandDims, inversePermutation, squeeze, transpose } from "./shape.ts";

/** Which axes pair up; the result is [batch…, lhs free…, rhs free…]. */
export interface DotDimensions {
  readonly lhsBatch: readonly number[];
  readonly rhsBatch: readonly number[];
  readonly lhsContract: readonly number[];
  readonly rhsContract: readonly number[];
  /** The dtype of sums and result where it is wider than the operands'. */
  readonly dtype?: DType;
}

const freeAxes = (rank: number, batch: readonly number[], contract: readonly number[]): number[] =>
  Array.from({ length: rank }, (_, i) => i).filter(
    (i) => !batch.includes(i) && !contract.includes(i),
  );

/** Axes of both operands in the roles they play in a product. */
export function dotRoles(lhs: { shape: Shape }, rhs: { shape: Shape }, attrs: DotDimensions) {
  return {
    lhsFree: freeAxes(lhs.shape.length, attrs.lhsBatch, attrs.lhsContract),
    rhsFree: freeAxes(rhs.shape.length, attrs.rhsBatch, attrs.rhsContract),
  };
}

/** Checks that an operand's paired axes exist and do not repeat. */
function checkAxes(inputs: readonly Spec[], side: number, axes: readonly number[]): void {
  const rank = inputs[side].shape.length;
  if (new Set(axes).size !== axes.length || axes.some((axis) => !(axis >= 0 && axis < rank))) {
    throw shapeError("dotGeneral", inputs, `[${axes}] are no distinct axes of operand ${side}`);
  }
}

const pick = (shape: Shape, axes: readonly number[]): number[] => axes.map((axis) => shape[axis]);

const dotGeneralP: Primitive<"dotGeneral", DotDimensions> = {
  name: "dotGeneral",
  infer(inputs, attrs) {
    const [lhs, rhs] = inputs;
    if (lhs.dtype !== rhs.dtype) {
      throw dtypeError("dotGeneral", inputs, "operands must share one dtype; convert one of them");
    }
    if (lhs.dtype === "bool") throw dtypeError("dotGeneral", inputs, "takes numbers");
    checkAxes(inputs, 0, [...attrs.lhsBatch, ...attrs.lhsContract]);
    checkAxes(inputs, 1, [...attrs.rhsBatch, ...attrs.rhsContract]);
    const batch = pick(lhs.shape, attrs.lhsBatch);
    const contracted = pick(lhs.shape, attrs.lhsContract);
    if (String(batch) !== String(pick(rhs.shape, attrs.rhsBatch))) {
      throw shapeError(
        "dotGeneral",
        inputs,
        `batch axes [${attrs.lhsBatch}] and [${attrs.rhsBatch}] differ`,
      );
    }
    if (String(contracted) !== String(pick(rhs.shape, attrs.rhsContract))) {
      const axes = `[${attrs.lhsContract}] and [${attrs.rhsContract}]`;
      throw shapeError("dotGeneral", inputs, `contracted axes ${axes} differ in extent`);
    }
    const { lhsFree, rhsFree } = dotRoles(lhs, rhs, attrs);
    const shape = [...batch, ...pick(lhs.shape, lhsFree), ...pick(rhs.shape, rhsFree)];
    return [{ shape, dtype: attrs.dtype ?? lhs.dtype }];
  },
  gradient({ inputs: [lhs, rhs], attrs, needs }, [d]) {
    if (!d) return [null, null];
    return [
      needs[0] ? operandGradient(d, lhs, rhs, attrs, "lhs") : null,
      needs[1] ? operandGradient(d, rhs, lhs, attrs, "rhs") : null,
    ];
  },
  batch({ inputs: [lhs, rhs], batched, attrs }) {
    const shift = (axes: readonly number[], by: boolean) => axes.map((axis) => axis + (by ? 1 : 0));
    const both = batched[0] && batched[1];
    const moved: DotDimensions = {
      lhsBatch: [...(both ? [0] : []), ...shift(attrs.lhsBatch, batched[0])],
      rhsBatch: [...(both ? [0] : []), ...shift(attrs.rhsBatch, batched[1])],
      lhsContract: shift(attrs.lhsContract, batched[0]),
      rhsContract: shift(attrs.rhsContract, batched[1]),
      dtype: attrs.dtype,
    };
    const result = emitOne(dotGeneralP, [lhs, rhs], moved);
    if (both) return [result];
    const batchRank = attrs.lhsBatch.length;
    const lhsFree = dotRoles(lhs, rhs, moved).lhsFree;
    const from = batched[0] ? batchRank + lhsFree.indexOf(0) : batchRank + lhsFree.length;
    const order = result.shape.map((_, i) => i).filter((i) => i !== from);
    return [transpose(result, [from, ...order])];
  },
  interpret([lhs, rhs], attrs) {
    const [{ shape, dtype }] = dotGeneralP.infer([lhs, rhs], attrs);
    const { lhsFree, rhsFree } = dotRoles(lhs, rhs, attrs);
    const ls = stridesOf(lhs.shape);
    const rs = stridesOf(rhs.shape);
    const zeros = (n: number) => new Array<number>(n).fill(0);
    const lhsStep = [...pick(ls, attrs.lhsBatch), ...pick(ls, lhsFree), ...zeros(rhsFree.length)];
    const rhsStep = [...pick(rs, attrs.rhsBatch), ...zeros(lhsFree.length), ...pick(rs, rhsFree)];
    const contracted = pick(lhs.shape, attrs.lhsContract);
    const lhsAt = new Int32Array(sizeOf(contracted));
    const rhsAt = new Int32Array(lhsAt.length);
    forEachIndex(contracted, (flat, index) => {
      lhsAt[flat] = offsetOf(index, pick(ls, attrs.lhsContract));
      rhsAt[flat] = offsetOf(index, pick(rs, attrs.rhsContract));
    });
    const result = zerosValue(shape, dtype);
    const [plus, times] = [additionOf(lhs.dtype), multiplicationOf(lhs.dtype)];
    forEachIndex(shape, (flat, index) => {
      const l = offsetOf(index, lhsStep);
      const r = offsetOf(index, rhsStep);
      let sum = 0;
      for (let k = 0; k < lhsAt.length; k++) {
        sum = plus(sum, times(lhs.data[l + lhsAt[k]], rhs.data[r + rhsAt[k]]));
      }
      result.data[flat] = sum;
    });
    return [roundValue(result)];
  },
  flops: ([lhs], [out], { lhsContract }) =>
    2 * sizeOf(out.shape) * sizeOf(pick(lhs.shape, lhsContract)),
};

/** The cotangent of one operand: the other times `d`, axes put back in the operand's order. */
function operandGradient(
  d: Tensor,
  operand: Tensor,
  other: Tensor,
  attrs: DotDimensions,
  side: "lhs" | "rhs",
): Tensor {
  const isLhs = side === "lhs";
  const batch = isLhs ? attrs.lhsBatch : attrs.rhsBatch;
  const contract = isLhs ? attrs.lhsContract : attrs.rhsContract;
  const otherBatch = isLhs ? attrs.rhsBatch : attrs.lhsBatch;
  const otherContract = isLhs ? attrs.rhsContract : attrs.lhsContract;
  const free = freeAxes(operand.rank, batch, contract);
  const otherFree = freeAxes(other.rank, otherBatch, otherContract);
  const b = batch.length;
  const range = (from: number, n: number) => Array.from({ length: n }, (_, i) => from + i);
  const dOtherFree = isLhs ? range(b + free.length, otherFree.length) : range(b, otherFree.length);
  const cotangent = d.dtype === other.dtype ? d : convert(d, other.dtype);
  // the weight side is written [contracted…, free…] so that engines see activationsᵀ × cotangent
  const product = isLhs
    ? emitOne(dotGeneralP, [cotangent, other], {
        lhsBatch: range(0, b),
        rhsBatch: otherBatch,
        lhsContract: dOtherFree,
        rhsContract: otherFree,
      })
    : emitOne(dotGeneralP, [other, cotangent], {
        lhsBatch: otherBatch,
        rhsBatch: range(0, b),
        lhsContract: otherFree,
        rhsContract: dOtherFree,
      });
  // the product's axes: lhs → [batch, free, other's contracted axes ascending]; rhs → [batch, contracted, free]
  const ascending = freeAxes(other.rank, otherBatch, otherFree);
  const contracted = ascending.map((axis) => contract[otherContract.indexOf(axis)]);
  const order = isLhs ? [...batch, ...free, ...contracted] : [...batch, ...contracted, ...free];
  return transpose(product, inversePermutation(order));
}

/** The matrix-product primitives by name. */
export const dotPrimitives = { dotGeneral: dotGeneralP };

/** A product over any pairing of axes (StableHLO's dot_general): [batch…, lhs free…, rhs free…]. */
export function dotGeneral(lhs: Tensor, rhs: Tensor, dimensions: Partial<DotDimensions>): Tensor {
  const { lhsBatch = [], rhsBatch = [], lhsContract = [], rhsContract = [], dtype } = dimensions;
  const attrs = { lhsBatch, rhsBatch, lhsContract, rhsContract, dtype };
  return emitOne(dotGeneralP, [lhs, rhs], attrs);
}

/** NumPy's matmul: [..., m, k] × [..., k, n]; leading axes broadcast, vectors are rows or columns. */
export function matmul(x: Tensor, y: Tensor): Tensor {
  if (x.rank === 0 || y.rank === 0) throw shapeError("matmul", [x, y], "takes no scalars");
  if (y.rank === 1) return squeeze(matmul(x, expandDims(y, 1)), -1);
  if (x.rank === 1) return squeeze(matmul(expandDims(x, 0), y), -2);
  if (x.shape.at(-1) !== y.shape.at(-2)) {
    throw shapeError(
      "matmul",
      [x, y],
      `inner extents ${x.shape.at(-1)} and ${y.shape.at(-2)} differ`,
    );
  }
  if (y.rank === 2) return dotGeneral(x, y, { lhsContract: [x.rank - 1], rhsContract: [0] });
  const lead = (t: Tensor): Spec => ({ shape: t.shape.slice(0, -2), dtype: t.dtype });
  const shape = broadcastShape("matmul", [lead(x), lead(y)]);
  const a = broadcastTo(x, [...shape, ...x.shape.slice(-2)]);
  const b = broadcastTo(y, [...shape, ...y.shape.slice(-2)]);
  const batch = shape.map((_, i) => i);
  const contract = { lhsContract: [a.rank - 1], rhsContract: [a.rank - 2] };
  return dotGeneral(a, b, { lhsBatch: batch, rhsBatch: batch, ...contract });
}

/**
 * A product of two tensors in Einstein's notation; names that the result lacks are summed over.
 *
 * @example
 * einsum("bqhd,bkhd->bhqk", q, k);
 */
export function einsum(equation: string, x: Tensor, y: Tensor): Tensor {
  const match = /^([a-zA-Z]*),([a-zA-Z]*)->([a-zA-Z]*)$/.exec(equation.replaceAll(" ", ""));
  const fail = (problem: string) => shapeError(`einsum "${equation}"`, [x, y], problem);
  if (!match) throw fail("is not of the form ab,bc->ac");
  const [left, right, out] = match.slice(1).map((part) => [...part]);
  if (left.length !== x.rank || right.length !== y.rank) throw fail("names do not match the ranks");
  if ([left, right, out].some((names) => new Set(names).size !== names.length)) {
    throw fail("repeats a name within one operand");
  }
  const unknown = out.find((c) => !left.includes(c) && !right.includes(c));
  if (unknown) throw fail(`"${unknown}" is in no operand`);

  const needed = (names: string[], others: string[]) =>
    names.filter((c) => others.includes(c) || out.includes(c));
  const [a, b] = [needed(left, right), needed(right, left)];
  const sum = (t: Tensor, names: string[], kept: string[]): Tensor =>
    reduceSum(
      t,
      names.flatMap((c, i) => (kept.includes(c) ? [] : [i])),
    );
  const batch = a.filter((c) => b.includes(c) && out.includes(c));
  const contract = a.filter((c) => b.includes(c) && !out.includes(c));
  const product = dotGeneral(sum(x, left, a), sum(y, right, b), {
    lhsBatch: batch.map((c) => a.indexOf(c)),
    rhsBatch: batch.map((c) => b.indexOf(c)),
    lhsContract: contract.map((c) => a.indexOf(c)),
    rhsContract: contract.map((c) => b.indexOf(c)),
  });
  const free = (names: string[]) =>
    names.filter((c) => !batch.includes(c) && !contract.includes(c));
  const order = [...batch, ...free(a), ...free(b)];
  return transpose(
    product,
    out.map((c) => order.indexOf(c)),
  );
}
