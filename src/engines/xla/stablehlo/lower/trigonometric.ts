/** @file Circular and hyperbolic functions in StableHLO. */

import { higher, same } from "./elementwise.ts";

export const trigonometricLowerings = {
  sin: same("sine"),
  cos: same("cosine"),
  tan: same("tan"),
  asin: higher("asin"),
  acos: higher("acos"),
  atan: higher("atan"),
  atan2: same("atan2"),
  sinh: higher("sinh"),
  cosh: higher("cosh"),
  tanh: same("tanh"),
  asinh: higher("asinh"),
  acosh: higher("acosh"),
  atanh: higher("atanh"),
};
