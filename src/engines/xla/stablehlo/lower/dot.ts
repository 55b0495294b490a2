/** @file Matrix products in StableHLO: on CPUs as matrices of two axes, three with a batch. */

import type { AttrsOf } from "../../../../graph/ops/index.ts";
import { dotRoles } from "../../../../graph/ops/dot.ts";
import { sizeOf } from "../../../../graph/dtype.ts";
import { type Builder, type Value, dimensions } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { list } from "../text.ts";

const HIGHEST = "#stablehlo<precision HIGHEST>";

/** Attributes of a product or convolution that must not be rounded on the way. */
export const precisionOf = (b: Builder, { dtype }: Value): Record<string, string> =>
  b.target.exactProducts && dtype === "float32"
    ? { precision_config: list([HIGHEST, HIGHEST]) }
    : {};

/** The axes of a product by role, one number a role. */
interface Matrix {
  readonly value: Value;
  readonly contract: number;
}

const isIdentity = (order: readonly number[]): boolean => order.every((axis, i) => axis === i);

/** An operand as [batch, free, contracted] or, where it lies so already, as [batch, contracted, free]. */
function matrixOf(
  b: Builder,
  x: Value,
  batch: readonly number[],
  free: readonly number[],
  contract: readonly number[],
): Matrix {
  const merged = (axes: readonly number[]) => sizeOf(axes.map((axis) => x.shape[axis]));
  const lead = batch.length > 0 ? [merged(batch)] : [];
  const swapped = isIdentity([...batch, ...contract, ...free]);
  const ordered = swapped ? x : b.transpose(x, [...batch, ...free, ...contract]);
  const rest = swapped ? [contract, free] : [free, contract];
  return {
    value: b.reshape(ordered, [...lead, ...rest.map(merged)]),
    contract: lead.length + (swapped ? 0 : 1),
  };
}

const dotGeneral: Lowering<AttrsOf<"dotGeneral">> = ({
  b,
  inputs: [lhs, rhs],
  outputs: [out],
  attrs,
}) => {
  const precision = precisionOf(b, lhs);
  if (!b.target.flatProducts) {
    const numbers = dimensions("dot", {
      lhs_batching_dimensions: attrs.lhsBatch,
      rhs_batching_dimensions: attrs.rhsBatch,
      lhs_contracting_dimensions: attrs.lhsContract,
      rhs_contracting_dimensions: attrs.rhsContract,
    });
    return [
      b.one("dot_general", [lhs, rhs], out, { dot_dimension_numbers: numbers, ...precision }),
    ];
  }
  const { lhsFree, rhsFree } = dotRoles(lhs, rhs, attrs);
  const order = attrs.lhsContract.map((_, i) => i);
  order.sort((i, j) => attrs.lhsContract[i] - attrs.lhsContract[j]);
  const contract = (axes: readonly number[]) => order.map((i) => axes[i]);
  const left = matrixOf(b, lhs, attrs.lhsBatch, lhsFree, contract(attrs.lhsContract));
  const right = matrixOf(b, rhs, attrs.rhsBatch, rhsFree, contract(attrs.rhsContract));
  const batch = attrs.lhsBatch.length > 0 ? [0] : [];
  const extents = (x: Matrix) =>
    x.value.shape.filter((_, i) => i !== x.contract && !batch.includes(i));
  const shape = [...left.value.shape.slice(0, batch.length), ...extents(left), ...extents(right)];
  const numbers = dimensions("dot", {
    lhs_batching_dimensions: batch,
    rhs_batching_dimensions: batch,
    lhs_contracting_dimensions: [left.contract],
    rhs_contracting_dimensions: [right.contract],
  });
  const product = b.one(
    "dot_general",
    [left.value, right.value],
    { shape, dtype: out.dtype },
    {
      dot_dimension_numbers: numbers,
      ...precision,
    },
  );
  return [b.reshape(product, out.shape)];
};

export const dotLowerings = { dotGeneral };
