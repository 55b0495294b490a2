/** @file Composites as whole ONNX operators, where there is one; the others are lowered by their decomposition. */

import type { CompositeAttrs, CompositeName } from "../../../../graph/ops/composite.ts";
import type { Equation } from "../../../../graph/tensor.ts";
import { MICROSOFT } from "../builder.ts";
import { type Lowering, type LoweringContext, type Lowerings, rounded } from "../context.ts";
import { product } from "./dot.ts";
import { apply } from "./apply.ts";
import { align, ordered, rowMajor, unbroadcast } from "../realise.ts";
import { type View, layoutOf, permuteView } from "../view.ts";

/** A whole operator; undefined where it does not fit, so that the decomposition is taken. */
type WholeLowering = (
  context: LoweringContext,
  inputs: readonly View[],
  attrs: CompositeAttrs,
  equation: Equation,
) => readonly (View | undefined)[] | undefined;

/** An operator over one axis, wherever that lies in memory. */
function alongAxis(
  { builder }: LoweringContext,
  x: View,
  axis: number,
  opType: string,
): View | undefined {
  if (x.strides[axis] === 0) return undefined;
  const order = layoutOf(x);
  const dense = align(builder, x, order);
  const made = builder.op(opType, [dense], {
    shape: dense.shape,
    dtype: dense.dtype,
    attributes: { axis: { i: order.indexOf(axis) } },
  });
  return ordered(made, x.shape, order);
}

const alongOption =
  (opType: string): WholeLowering =>
  (context, [x], { options }) => {
    const made = alongAxis(context, x, options.axis as number, opType);
    return made && [made];
  };

/** Normalisation of the last axis by an operator that also gives its statistics, in the order of `statistics`. */
function normalised(
  { builder, isUsed }: LoweringContext,
  [x, ...parameters]: readonly View[],
  { options }: CompositeAttrs,
  { outputs }: Equation,
  opType: string,
): (View | undefined)[] {
  const last = x.shape.length - 1;
  const full = unbroadcast(builder, x, [last]);
  const lead = layoutOf(full).filter((axis) => axis !== last);
  const order = [...lead, last];
  const dense = align(builder, full, order);
  const statistics = outputs.slice(1);
  const used = statistics.reduce((n, tensor, i) => (isUsed(tensor) ? i + 1 : n), 0);
  const operands = [dense, ...parameters.map((p) => rowMajor(builder, p))];
  const names = builder.node(
    opType,
    operands.map(({ name }) => name),
    1 + used,
    { attributes: { axis: { i: -1 }, epsilon: { f: options.epsilon as number } } },
  );
  const stats = [...dense.shape.slice(0, -1), 1];
  const dtype = dense.dtype;
  return [
    ordered({ name: names[0], shape: dense.shape, dtype }, x.shape, order),
    ...statistics.map((tensor, i) =>
      i < used
        ? ordered({ name: names[i + 1], shape: stats, dtype }, tensor.shape, lead)
        : undefined,
    ),
  ];
}

const lowerAttention: WholeLowering = (context, [q, k, v, mask], { options }) => {
  // [b, q, h, d] × [b, k, h, d] → [b, h, q, k]
  const scores = product(context, q, k, {
    lhsBatch: [0, 2],
    rhsBatch: [0, 2],
    lhsContract: [3],
    rhsContract: [3],
  });
  const scaled = { ...scores, scale: scores.scale * (options.scale as number) };
  const biased = mask
    ? apply(context, [scaled, mask], "float32", (e, a, b) => e.op("Add", [a, b]))
    : scaled;
  const full = unbroadcast(context.builder, biased);
  const weights = alongAxis(context, full, 3, "Softmax");
  if (!weights) return undefined;
  // [b, h, q, k] × [b, k, h, d] → [b, h, q, d]
  const heads = product(context, weights, v, {
    lhsBatch: [0, 1],
    rhsBatch: [0, 2],
    lhsContract: [3],
    rhsContract: [1],
  });
  return [permuteView(heads, [0, 2, 1, 3]), weights];
};

/** The whole lowerings by name. */
const wholeLowerings: Partial<Record<CompositeName, WholeLowering>> = {
  softmax: alongOption("Softmax"),
  logSoftmax: (context, inputs, attrs, equation) =>
    context.gpu ? undefined : alongOption("LogSoftmax")(context, inputs, attrs, equation),
  layerNorm: (context, inputs, attrs, equation) =>
    normalised(context, inputs, attrs, equation, "LayerNormalization"),
  rmsNorm: (context, inputs, attrs, equation) =>
    // WebGPU's kernel leaves the statistics unwritten
    context.portable || (context.gpu && equation.outputs.slice(1).some((y) => context.isUsed(y)))
      ? undefined
      : normalised(context, inputs, attrs, equation, "SimplifiedLayerNormalization"),
  gelu: (context, [x], { options: { approximate } }) => [
    apply(context, [x], "float32", (e, a) => {
      const attributes = { approximate: { s: approximate as string } };
      const { shape, dtype } = a;
      if (context.portable) return e.builder.op("Gelu", [a], { shape, dtype, attributes });
      const opType = approximate === "tanh" ? "FastGelu" : "Gelu";
      const list = shape.length === 0 ? e.builder.reshape(a, [1]) : a; // the kernels take no scalars
      const made = e.builder.op(opType, [list], { ...list, domain: MICROSOFT });
      return e.builder.reshape(made, shape);
    }),
  ],
  attention: lowerAttention,
};

const lowerComposite: Lowering<CompositeAttrs> = (context, inputs, attrs, equation) => {
  const whole = wholeLowerings[attrs.name]?.(context, inputs, attrs, equation);
  if (!whole) return context.inline(attrs.program, inputs);
  return whole.map((view, i) => view && rounded(context.builder, view, equation.outputs[i].dtype));
};

/** The lowering of composites by name. */
export const compositeLowerings: Lowerings<"composite"> = { composite: lowerComposite };
