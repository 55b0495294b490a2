/** @file Elementwise primitives in ONNX. */

import { isFloat } from "../../../../graph/dtype.ts";
import type { arithmeticPrimitives } from "../../../../graph/ops/arithmetic.ts";
import type { binaryPrimitives } from "../../../../graph/ops/binary.ts";
import type { selectPrimitives } from "../../../../graph/ops/select.ts";
import type { unaryPrimitives } from "../../../../graph/ops/unary.ts";
import { scaleChannels, shiftChannels } from "../images/blocked-channels.ts";
import type { Lowering, LoweringContext, Lowerings } from "../context.ts";
import { lowerConvert } from "./convert.ts";
import { integerArithmetic, lowerIntegerPower } from "./integer.ts";
import type { View } from "../view.ts";
import { otherwiseOnGpu } from "./gpu-functions.ts";
import { type Expression, apply, direct, same } from "./apply.ts";

/** One expression for floats, another for integers. */
const byKind =
  (float: Lowering<unknown>, integer: Lowering<unknown>): Lowering<unknown> =>
  (context, views, attrs, equation) =>
    (isFloat(views[0].dense.dtype) ? float : integer)(context, views, attrs, equation);

/** Factors are put off while they stay far from overflow. */
const FACTOR_LIMIT = 2 ** 40;

const scaleBy = (view: View, factor: number): View | undefined => {
  const scale = view.scale * factor;
  const size = Math.abs(scale);
  return size > 1 / FACTOR_LIMIT && size < FACTOR_LIMIT ? { ...view, scale } : undefined;
};

const uniformOf = ({ dense, scale }: View): number | undefined =>
  dense.uniform === undefined ? undefined : dense.uniform * scale;

const product: Expression = (e, x, y) => e.op("Mul", [x, y]);

const mulFloats: Lowering<unknown> = (context, [x, y]) => {
  for (const [view, other] of [
    [x, y],
    [y, x],
  ]) {
    const factor = uniformOf(other);
    const lazy =
      factor === undefined || uniformOf(view) !== undefined ? undefined : scaleBy(view, factor);
    if (lazy) return [lazy];
  }
  const plain = (view: View): View => ({ ...view, scale: 1 });
  const made =
    scaleChannels(context.builder, x, y) ??
    apply(context, [plain(x), plain(y)], "float32", product);
  const scaled = scaleBy(made, x.scale * y.scale);
  return [scaled ?? apply(context, [x, y], "float32", product)];
};

const divFloats: Lowering<unknown> = (context, [x, y]) => {
  const divisor = uniformOf(y);
  if (divisor !== undefined && Number.isInteger(Math.log2(Math.abs(divisor)))) {
    const lazy = scaleBy(x, 1 / divisor);
    if (lazy) return [lazy];
  }
  return [apply(context, [x, y], "float32", (e, a, b) => e.op("Div", [a, b]))];
};

const negated = (view: View): View => ({ ...view, scale: -view.scale });

/** x + y, where factors of one size travel on. */
function sum(context: LoweringContext, x: View, y: View): View {
  const add = (a: View, b: View, opType: "Add" | "Sub"): View =>
    shiftChannels(context.builder, a, b, opType) ??
    apply(context, [a, b], "float32", (e, p, q) => e.op(opType, [p, q]));
  if (x.scale === y.scale) return scaledResult(add(unscaled(x), unscaled(y), "Add"), x.scale);
  if (x.scale === -y.scale) return scaledResult(add(unscaled(x), unscaled(y), "Sub"), x.scale);
  if (y.scale < 0) return add(x, negated(y), "Sub");
  if (x.scale < 0) return add(y, negated(x), "Sub");
  return add(x, y, "Add");
}

const unscaled = (view: View): View => ({ ...view, scale: 1 });
const scaledResult = (view: View, scale: number): View => ({ ...view, scale });

const isFiniteExpression: Expression = (e, x) =>
  e.op("Less", [e.op("Abs", [x]), e.scalar(Infinity, x.dtype)], "bool");

/** By De Morgan: a GPU has no kernel of Or. */
const orByAnd: Expression = (e, x, y) =>
  e.op("Not", [e.op("And", [e.op("Not", [x]), e.op("Not", [y])])]);

const logicOrBits =
  (logic: string, bits: string): Lowering<unknown> =>
  (context, views) => {
    const { dtype } = views[0].dense;
    const opType = dtype === "bool" ? logic : bits;
    if (opType === "Or" && context.gpu) return [apply(context, views, dtype, orByAnd)];
    return [apply(context, views, dtype, (e, x, y) => e.op(opType, [x, y]))];
  };

const COMPARISONS = {
  eq: "Equal",
  ne: "Equal",
  lt: "Less",
  le: "LessOrEqual",
  gt: "Greater",
  ge: "GreaterOrEqual",
} as const;

const lowerCompare: Lowerings<"compare">["compare"] = (context, views, { direction }) => [
  apply(context, views, "bool", (e, x, y) => {
    const isOrder = direction !== "eq" && direction !== "ne";
    const [a, b] =
      isOrder && x.dtype === "bool" ? [e.cast(x, "uint8"), e.cast(y, "uint8")] : [x, y];
    const result = e.op(COMPARISONS[direction], [a, b], "bool");
    return direction === "ne" ? e.op("Not", [result]) : result;
  }),
];

const lowerSelect: Lowering<unknown> = (context, views) => {
  const { dtype } = views[1].dense;
  return [apply(context, views, dtype, (e, predicate, x, y) => e.where(predicate, x, y))];
};

/** eˣ − 1 = tanh(x/2) (eˣ + 1), exact near 0. */
const expm1: Expression = (e, x) =>
  e.op("Mul", [
    e.op("Tanh", [e.op("Mul", [x, e.scalar(0.5, x.dtype)])]),
    e.op("Add", [e.op("Exp", [x]), e.scalar(1, x.dtype)]),
  ]);

/** log(1 + x) = 2 atanh(x / (x + 2)), exact near 0; the plain form from ±½ on, where x + 1 loses nothing that counts. */
const log1p: Expression = (e, x) => {
  const ratio = e.op("Div", [x, e.op("Add", [x, e.scalar(2, x.dtype)])]);
  const near = e.op("Mul", [e.op("Atanh", [ratio]), e.scalar(2, x.dtype)]);
  const far = e.op("Log", [e.op("Add", [x, e.scalar(1, x.dtype)])]);
  const isNear = e.op("Less", [e.op("Abs", [x]), e.scalar(0.5, x.dtype)], "bool");
  return e.where(isNear, near, far);
};

type ElementwiseName =
  | keyof typeof arithmeticPrimitives
  | keyof typeof unaryPrimitives
  | keyof typeof binaryPrimitives
  | keyof typeof selectPrimitives;

/** The elementwise lowerings by name. */
export const elementwiseLowerings: Lowerings<ElementwiseName> = {
  neg: byKind(
    (_context, [x]) => [negated(x)],
    same((e, x) => e.op("Sub", [e.scalar(0, x.dtype), x])),
  ),
  abs: direct("Abs"),
  sign: direct("Sign"),
  floor: direct("Floor"),
  ceil: direct("Ceil"),
  round: direct("Round"),
  exp: direct("Exp"),
  expm1: otherwiseOnGpu("expm1", expm1),
  log: direct("Log"),
  log1p: otherwiseOnGpu("log1p", log1p),
  sqrt: direct("Sqrt"),
  rsqrt: same((e, x) => e.op("Reciprocal", [e.op("Sqrt", [x])])),
  // the Sigmoid kernel gives 0 below −18
  logistic: same((e, x) => {
    const growth = e.op("Exp", [e.op("Neg", [x])]);
    return e.op("Reciprocal", [e.op("Add", [growth, e.scalar(1, x.dtype)])]);
  }),
  erf: direct("Erf"),
  isFinite: (context, views) => [apply(context, views, "bool", isFiniteExpression)],
  not: direct("Not"),
  add: byKind((context, [x, y]) => [sum(context, x, y)], direct("Add")),
  sub: byKind((context, [x, y]) => [sum(context, x, negated(y))], direct("Sub")),
  mul: byKind(mulFloats, direct("Mul")),
  div: byKind(divFloats, same(integerArithmetic.div)),
  rem: byKind(
    same((e, x, y) => e.op("Mod", [x, y], x.dtype, { fmod: { i: 1 } })),
    same(integerArithmetic.rem),
  ),
  pow: byKind(direct("Pow"), same(lowerIntegerPower)),
  max: direct("Max"),
  min: direct("Min"),
  and: logicOrBits("And", "BitwiseAnd"),
  or: logicOrBits("Or", "BitwiseOr"),
  xor: logicOrBits("Xor", "BitwiseXor"),
  shiftLeft: same(integerArithmetic.shiftLeft),
  shiftRightLogical: same(integerArithmetic.shiftRightLogical),
  compare: lowerCompare,
  select: lowerSelect,
  convert: lowerConvert,
};
