/** @file Elementwise expressions over views of any layout. */

import type { DType } from "../../../../graph/dtype.ts";
import { blockedViews, viewOfImage } from "../images/blocked.ts";
import type { GraphBuilder, NodeOptions } from "../builder.ts";
import type { Lowering, LoweringContext } from "../context.ts";
import { broadcastShapes, mapElements } from "../realise.ts";
import { type Dense, type View, reshapeView } from "../view.ts";

/** Writes elementwise nodes over operands that broadcast against each other. */
export class Elementwise {
  readonly builder: GraphBuilder;

  constructor(builder: GraphBuilder) {
    this.builder = builder;
  }

  /** One node. Default: its dtype is that of its last operand. */
  op(
    opType: string,
    operands: readonly Dense[],
    dtype = operands.at(-1)!.dtype,
    attributes: NodeOptions["attributes"] = {},
  ): Dense {
    const shape = broadcastShapes(operands.map((operand) => operand.shape));
    return this.builder.op(opType, operands, { shape, dtype, attributes });
  }

  cast(x: Dense, dtype: DType): Dense {
    return this.builder.cast(x, dtype);
  }

  scalar(value: number, dtype: DType): Dense {
    return this.builder.scalar(value, dtype);
  }

  /** A choice of any dtype: Where has no kernel for uint32 and bool, which travel as what has their bits. */
  where(predicate: Dense, x: Dense, y: Dense): Dense {
    const { dtype } = x;
    const through: DType = dtype === "uint32" ? "int32" : dtype === "bool" ? "uint8" : dtype;
    const chosen = this.op("Where", [predicate, this.cast(x, through), this.cast(y, through)]);
    return this.cast(chosen, dtype);
  }
}

/** Applies an expression to views, element by element; images in blocks stay in blocks. */
export function apply(
  { builder }: LoweringContext,
  views: readonly View[],
  dtype: DType,
  expression: (e: Elementwise, ...operands: Dense[]) => Dense,
): View {
  const blocked = blockedViews(builder, views);
  const made = mapElements(builder, blocked?.views ?? views, dtype, (operands) =>
    expression(new Elementwise(builder), ...operands),
  );
  if (!blocked) return made;
  const image = builder.reshape(made.dense, blocked.like.shape);
  return reshapeView(viewOfImage(builder, { image }), views[0].shape)!;
}

/** What an elementwise primitive is in ONNX. */
export type Expression = (e: Elementwise, ...operands: Dense[]) => Dense;

/** A lowering whose result has its first operand's dtype. */
export const same =
  (expression: Expression): Lowering<unknown> =>
  (context, views) => [apply(context, views, views[0].dense.dtype, expression)];

/** A lowering by one operator of the same meaning. */
export const direct = (opType: string): Lowering<unknown> =>
  same((e, ...operands) => e.op(opType, operands));
