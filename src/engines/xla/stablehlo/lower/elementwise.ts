/** @file Elementwise primitives in StableHLO. */

import { isFloat } from "../../../../graph/dtype.ts";
import type { AttrsOf } from "../../../../graph/ops/index.ts";
import type { Builder, Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { divideIntegers, powerOfIntegers } from "./integer.ts";

type Any = Lowering<unknown>;

/** An operation of the same meaning. */
export const same =
  (name: string): Any =>
  ({ b, inputs, outputs: [out] }) => [b.one(name, inputs, out)];

/** An operation of the same meaning for floats, another one for integers. */
const byKind =
  (name: string, integers: (b: Builder, x: Value, y: Value) => Value): Any =>
  ({ b, inputs: [x, y] }) => [isFloat(x.dtype) ? b.map(name, x, y) : integers(b, x, y)];

/** An operation of the dialect that XLA takes apart. */
export const higher =
  (name: string): Any =>
  ({ b, inputs, outputs }) =>
    b.op(`chlo.${name}`, inputs, outputs);

const isUnsigned = (dtype: string): boolean => dtype.startsWith("uint");

/** `abs` and `sign` know no unsigned integers. */
const abs: Any = ({ b, inputs: [x] }) => [isUnsigned(x.dtype) ? x : b.map("abs", x)];
const sign: Any = ({ b, inputs: [x] }) => [
  isUnsigned(x.dtype) ? b.map("minimum", x, b.full(x, 1)) : b.map("sign", x),
];

const DIRECTIONS = { eq: "EQ", ne: "NE", lt: "LT", le: "LE", gt: "GT", ge: "GE" } as const;

const compare: Lowering<AttrsOf<"compare">> = ({ b, inputs: [x, y], attrs }) => [
  b.compare(DIRECTIONS[attrs.direction], x, y),
];

/** Float to bool is "not zero", as for integers. */
const convert: Lowering<AttrsOf<"convert">> = ({ b, inputs: [x], attrs: { dtype } }) => {
  if (dtype === "bool" && isFloat(x.dtype)) return [b.compare("NE", x, b.full(x, 0))];
  return [b.convert(x, dtype)];
};

export const elementwiseLowerings = {
  neg: same("negate"),
  abs,
  sign,
  floor: same("floor"),
  ceil: same("ceil"),
  round: same("round_nearest_even"),
  exp: same("exponential"),
  expm1: same("exponential_minus_one"),
  log: same("log"),
  log1p: same("log_plus_one"),
  sqrt: same("sqrt"),
  rsqrt: same("rsqrt"),
  logistic: same("logistic"),
  erf: higher("erf"),
  isFinite: same("is_finite"),
  not: same("not"),
  add: same("add"),
  sub: same("subtract"),
  mul: same("multiply"),
  div: byKind("divide", divideIntegers),
  rem: same("remainder"),
  pow: byKind("power", powerOfIntegers),
  max: same("maximum"),
  min: same("minimum"),
  and: same("and"),
  or: same("or"),
  xor: same("xor"),
  shiftLeft: same("shift_left"),
  shiftRightLogical: same("shift_right_logical"),
  compare,
  select: same("select"),
  convert,
};
