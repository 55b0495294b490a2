/** @file Circular and hyperbolic functions in ONNX. */

import type { trigonometricPrimitives } from "../../../../graph/ops/trigonometric.ts";
import type { Lowerings } from "../context.ts";
import { type Expression, direct, same } from "./apply.ts";
import { otherwiseOnGpu } from "./gpu-functions.ts";

/** The angle of a point, from that in the first eighth of the circle: ONNX has no atan2. */
const atan2: Expression = (e, y, x) => {
  const { dtype } = x;
  const [across, up] = [e.op("Abs", [x]), e.op("Abs", [y])];
  const [less, more] = [e.op("Min", [across, up]), e.op("Max", [across, up])];
  const isEven = e.op("Equal", [less, more], "bool"); // both may be infinite, or 0
  const even = e.op("Sign", [more]);
  const ratio = e.where(isEven, even, e.op("Div", [less, more]));
  const eighth = e.op("Atan", [ratio]);
  const steep = e.op("Less", [across, up], "bool");
  const quarter = e.where(steep, e.op("Sub", [e.scalar(Math.PI / 2, dtype), eighth]), eighth);
  const isLeft = e.op("Less", [x, e.scalar(0, dtype)], "bool");
  const half = e.where(isLeft, e.op("Sub", [e.scalar(Math.PI, dtype), quarter]), quarter);
  const isBelow = e.op("Less", [y, e.scalar(0, dtype)], "bool");
  return e.where(isBelow, e.op("Neg", [half]), half);
};

/** The lowerings by name. */
export const trigonometricLowerings: Lowerings<keyof typeof trigonometricPrimitives> = {
  sin: direct("Sin"),
  cos: direct("Cos"),
  tan: direct("Tan"),
  asin: direct("Asin"),
  acos: direct("Acos"),
  atan: direct("Atan"),
  atan2: same(atan2),
  sinh: otherwiseOnGpu("sinh", (e, x) => e.op("Sinh", [x])),
  cosh: direct("Cosh"),
  tanh: direct("Tanh"),
  asinh: otherwiseOnGpu("asinh", (e, x) => e.op("Asinh", [x])),
  acosh: otherwiseOnGpu("acosh", (e, x) => e.op("Acosh", [x])),
  atanh: otherwiseOnGpu("atanh", (e, x) => e.op("Atanh", [x])),
};
