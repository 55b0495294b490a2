/** @file Matrix products: operands' axes are sorted into batch, rows, columns and sum, and transposes fold in. */

import { type DType, type Shape, sizeOf } from "../../../../graph/dtype.ts";
import { type DotDimensions, dotRoles } from "../../../../graph/ops/dot.ts";
import { type GraphBuilder, MICROSOFT } from "../builder.ts";
import type { LoweringContext, Lowerings } from "../context.ts";
import { align, ordered } from "../realise.ts";
import { filled } from "./reduce.ts";
import type { Sizes } from "../sizes.ts";
import { type Dense, type View, layoutOf } from "../view.ts";

/** An axis of a product: of both operands (batch, sum) or of one (free); its place in the result unless summed. */
interface Letter {
  readonly extent: number;
  readonly lhs?: number;
  readonly rhs?: number;
  readonly out?: number;
}

type Side = "lhs" | "rhs";

/** How an operand lies in memory: batch axes first, or behind its first matrix axis; the sum last or first. */
interface Arrangement {
  readonly dense: Dense;
  readonly transposed: boolean;
  readonly batchInside: boolean;
}

/** A product's axes by role, each in the order in which memory likes them. */
interface Plan {
  readonly batch: readonly Letter[];
  readonly rows: readonly Letter[];
  readonly columns: readonly Letter[];
  readonly sum: readonly Letter[];
}

const sameOrder = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);

/** Letters in the memory order of one operand; those it does not hold come first. */
function inOrderOf(view: View, letters: readonly Letter[], side: Side): Letter[] {
  const layout = layoutOf(view);
  return [...letters].sort((a, b) => layout.indexOf(a[side]!) - layout.indexOf(b[side]!));
}

function planProduct(sizes: Sizes, lhs: View, rhs: View, attrs: DotDimensions): Plan {
  const { lhsFree, rhsFree } = dotRoles(lhs, rhs, attrs);
  const { lhsBatch, rhsBatch, lhsContract, rhsContract } = attrs;
  const b = lhsBatch.length;
  const isHeld = (view: View, axis: number) => view.strides[axis] !== 0;
  const wide = (letter: Letter) => letter.extent > 1;
  const batch = lhsBatch
    .map((axis, i) => ({ extent: lhs.shape[axis], lhs: axis, rhs: rhsBatch[i], out: i }))
    .filter((letter) => isHeld(lhs, letter.lhs) || isHeld(rhs, letter.rhs));
  const rows = lhsFree
    .map((axis, i) => ({ extent: lhs.shape[axis], lhs: axis, out: b + i }))
    .filter((letter) => isHeld(lhs, letter.lhs));
  const columns = rhsFree
    .map((axis, i) => ({ extent: rhs.shape[axis], rhs: axis, out: b + lhsFree.length + i }))
    .filter((letter) => isHeld(rhs, letter.rhs));
  const sum = lhsContract
    .map((axis, i) => ({ extent: lhs.shape[axis], lhs: axis, rhs: rhsContract[i] }))
    .filter(wide);
  const larger: Side = sizes.exceeds(sizeOf(rhs.shape), sizeOf(lhs.shape)) ? "rhs" : "lhs";
  return {
    batch: inOrderOf(lhs, batch, "lhs"),
    rows: inOrderOf(lhs, rows, "lhs"),
    columns: inOrderOf(rhs, columns, "rhs"),
    sum: inOrderOf(larger === "lhs" ? lhs : rhs, sum, larger),
  };
}

/** An operand as [batch…, free, sum] or another arrangement that the product takes as it lies in memory. */
function arrange(
  builder: GraphBuilder,
  view: View,
  side: Side,
  { batch, sum, ...plan }: Plan,
  canFold: boolean,
): Arrangement {
  const free = side === "lhs" ? plan.rows : plan.columns;
  const axes = (letters: readonly Letter[]) => letters.map((letter) => letter[side]!);
  const layout = layoutOf(view);
  const isSplit = batch.some((letter) => view.strides[letter[side]!] === 0);
  const extent = (letters: readonly Letter[]) => sizeOf(letters.map((letter) => letter.extent));
  const batchShape = isSplit
    ? batch.map((letter) => (view.strides[letter[side]!] === 0 ? 1 : letter.extent))
    : batch.map((letter) => letter.extent);
  const place = (order: readonly Letter[][], shape: Shape): Dense => {
    const merged = order.flat().map((letter) => letter[side]!);
    const repeat = sum.some((letter) => view.strides[letter[side]!] === 0) ? "full" : "one";
    if (repeat === "one" || batch.every((letter) => view.strides[letter[side]!] !== 0)) {
      return builder.reshape(align(builder, view, merged, repeat), shape);
    }
    return builder.reshape(align(builder, view, merged, "full"), [
      ...batch.map((letter) => letter.extent),
      ...shape.slice(batch.length),
    ]);
  };
  // the canonical arrangement of a left side ends with the sum, that of a right side with the columns
  const [plain, flipped]: Letter[][][] =
    side === "lhs"
      ? [
          [[...free], [...sum]],
          [[...sum], [...free]],
        ]
      : [
          [[...sum], [...free]],
          [[...free], [...sum]],
        ];
  const lies = (order: readonly Letter[][]) =>
    sameOrder(
      axes(order.flat()).filter((axis) => view.strides[axis] !== 0),
      layout,
    );
  const matrix = (order: Letter[][]): number[] => order.map(extent);
  const usual = { transposed: false, batchInside: false };
  if (!canFold || lies([[...batch], ...plain])) {
    return { dense: place([[...batch], ...plain], [...batchShape, ...matrix(plain)]), ...usual };
  }
  for (const order of isSplit || batch.length === 0 ? [] : [plain, flipped]) {
    const [first, last] = order;
    if (!lies([first, [...batch], last])) continue;
    const dense = place([first, [...batch], last], [extent(first), ...batchShape, extent(last)]);
    return { dense, transposed: order === flipped, batchInside: true };
  }
  // a copy, if there must be one, keeps the innermost axis in its place
  const innermost = (order: readonly Letter[][]) => axes(order.flat()).at(-1) === layout.at(-1);
  const isFlipped = lies([[...batch], ...flipped]) || (innermost(flipped) && !innermost(plain));
  const order = isFlipped ? flipped : plain;
  const dense = place([[...batch], ...order], [...batchShape, ...matrix(order)]);
  return { dense, transposed: isFlipped, batchInside: false };
}

const flag = (value: boolean) => ({ i: Number(value) });

/** The node of a product, the plainest that can say it. */
function emitProduct(
  { builder, fusesProducts }: LoweringContext,
  lhs: Arrangement,
  rhs: Arrangement,
  scale: number,
  shape: Shape,
  dtype: DType,
): Dense {
  const operands = [lhs.dense, rhs.dense];
  const folds = lhs.transposed || rhs.transposed || scale !== 1;
  const attributes = {
    transA: flag(lhs.transposed),
    transB: flag(rhs.transposed),
    alpha: { f: scale },
  };
  if (!folds && !lhs.batchInside && !rhs.batchInside) {
    return builder.op("MatMul", operands, { shape, dtype });
  }
  if (lhs.dense.shape.length === 2 && rhs.dense.shape.length === 2) {
    return builder.op("Gemm", operands, { shape, dtype, attributes });
  }
  if (!fusesProducts)
    return builder.scaled(builder.op("MatMul", operands, { shape, dtype }), scale);
  return builder.op("FusedMatMul", operands, {
    shape,
    dtype,
    domain: MICROSOFT,
    attributes: {
      ...attributes,
      transBatchA: flag(lhs.batchInside),
      transBatchB: flag(rhs.batchInside),
    },
  });
}

/** The product of two views: [batch…, lhs free…, rhs free…], lazily in whatever order it was computed. */
export function product(
  context: LoweringContext,
  lhs: View,
  rhs: View,
  attrs: DotDimensions,
): View {
  if (lhs.dense.dtype !== "uint8") return productInPlace(context, lhs, rhs, attrs);
  // no kernel for uint8: products of bytes are made in int32, which wraps as they do on the way back
  const { builder } = context;
  const wide = (view: View): View => ({ ...view, dense: builder.cast(view.dense, "int32") });
  const made = productInPlace(context, wide(lhs), wide(rhs), attrs);
  return { ...made, dense: builder.cast(made.dense, attrs.dtype ?? "uint8") };
}

function productInPlace(
  context: LoweringContext,
  lhs: View,
  rhs: View,
  attrs: DotDimensions,
): View {
  const { builder, fusesProducts } = context;
  const { lhsFree, rhsFree } = dotRoles(lhs, rhs, attrs);
  const shape = [
    ...attrs.lhsBatch.map((axis) => lhs.shape[axis]),
    ...lhsFree.map((axis) => lhs.shape[axis]),
    ...rhsFree.map((axis) => rhs.shape[axis]),
  ];
  const { dtype } = lhs.dense;
  if (sizeOf(lhs.shape) === 0) return filled(builder, 0, shape, dtype);
  const plan = planProduct(builder.sizes, lhs, rhs, attrs);
  const canFold = dtype === "float32" && (fusesProducts || plan.batch.length === 0);
  const plain = (view: View): View => ({ ...view, scale: 1 });
  const a = arrange(builder, plain(lhs), "lhs", plan, canFold);
  const b = arrange(builder, plain(rhs), "rhs", plan, canFold);
  const extents = (letters: readonly Letter[]) => letters.map((letter) => letter.extent);
  const [rows, columns] = [sizeOf(extents(plan.rows)), sizeOf(extents(plan.columns))];
  const scale = lhs.scale * rhs.scale;
  const dense =
    plan.batch.length === 0
      ? matrixProduct(context, a, b, scale, [rows, columns], dtype)
      : emitProduct(context, a, b, scale, [...extents(plan.batch), rows, columns], dtype);
  const order = [...plan.batch, ...plan.rows, ...plan.columns].map((letter) => letter.out!);
  return ordered(dense, shape, order);
}

/**
 * A product of matrices. A transposed left side slows the kernel down by more than a transpose costs, so the left side is
 * turned, or the product is computed as (Bᵀ A)ᵀ where that turns fewer elements.
 */
function matrixProduct(
  context: LoweringContext,
  lhs: Arrangement,
  rhs: Arrangement,
  scale: number,
  [rows, columns]: readonly [number, number],
  dtype: DType,
): Dense {
  const { builder } = context;
  if (!lhs.transposed) return emitProduct(context, lhs, rhs, scale, [rows, columns], dtype);
  const turned = (side: Arrangement): Arrangement => ({
    ...side,
    dense: builder.transpose(side.dense, [1, 0]),
    transposed: false,
  });
  const sum = sizeOf(lhs.dense.shape) / rows;
  const other = [rhs.transposed ? 0 : sum * columns, rows * columns];
  if (!builder.sizes.exceeds(sum * rows, other)) {
    return emitProduct(context, turned(lhs), rhs, scale, [rows, columns], dtype);
  }
  const left = rhs.transposed ? { ...rhs, transposed: false } : turned(rhs);
  const right = { ...lhs, transposed: false };
  const made = emitProduct(context, left, right, scale, [columns, rows], dtype);
  return builder.transpose(made, [1, 0]);
}

const lowerDot: Lowerings<"dotGeneral">["dotGeneral"] = (context, [lhs, rhs], attrs) => [
  product(context, lhs, rhs, attrs),
];

/** The lowerings of matrix products by name. */
export const dotLowerings: Lowerings<"dotGeneral"> = { dotGeneral: lowerDot };
