/** @file Elementwise primitives: arithmetic, transcendental, comparison, logic, selection, conversion. */

import { type DType, isFloat, isInteger, roundHalfEven, sameShape } from "../dtype.ts";
import type { Tensor} from "../tensor.ts";
import { type Primitive, type Spec, dtypeError, emitOne, shapeError } from "../tensor.ts";
import { allocate, roundValue } from "../values.ts";
import {
  broadcastBatch,
  broadcastShape,
  broadcastTo,
  promote,
  type TensorLike,
} from "./broadcast.ts";
import { constantLike, zerosLike } from "./constant.ts";
import { erf as erfNumber } from "./special.ts";

type NoAttrs = Record<string, never>;
type Domain = "float" | "number" | "int" | "bool" | "intOrBool";

const NONE: NoAttrs = {};

function checkDomain(name: string, inputs: readonly Spec[], domain: Domain): void {
  const { dtype } = inputs[0];
  const fits = {
    float: isFloat(dtype),
    number: dtype !== "bool",
    int: isInteger(dtype),
    bool: dtype === "bool",
    intOrBool: dtype === "bool" || isInteger(dtype),
  }[domain];
  if (!fits) throw dtypeError(name, inputs, `takes ${DOMAIN_TEXT[domain]}, not ${dtype}`);
}

const DOMAIN_TEXT: Record<Domain, string> = {
  float: "floats",
  number: "numbers",
  int: "integers",
  bool: "bool",
  intOrBool: "integers or bool",
};

/** Checks that operands agree in shape and dtype (no implicit promotion). */
function checkSame(name: string, inputs: readonly Spec[]): void {
  const [first, ...rest] = inputs;
  for (const other of rest) {
    if (other.dtype !== first.dtype) {
      throw dtypeError(name, inputs, "operands must share one dtype; convert one of them");
    }
    if (!sameShape(other.shape, first.shape)) {
      throw shapeError(name, inputs, "operands must share one shape");
    }
  }
}

interface UnaryRule {
  readonly domain: Domain;
  readonly compute: (x: number) => number;
  /** The derivative times the cotangent, or null where it is zero everywhere. */
  readonly gradient: ((x: Tensor, y: Tensor, dy: Tensor) => Tensor) | null;
  readonly output?: DType;
}

function unary<N extends string>(name: N, rule: UnaryRule): Primitive<N, NoAttrs> {
  const { domain, compute, gradient, output } = rule;
  const primitive: Primitive<N, NoAttrs> = {
    name,
    infer(inputs) {
      checkDomain(name, inputs, domain);
      return [{ shape: inputs[0].shape, dtype: output ?? inputs[0].dtype }];
    },
    gradient: gradient
      ? ({ inputs, outputs }, [dy]) => [dy && gradient(inputs[0], outputs[0], dy)]
      : "none",
    batch: ({ inputs }) => [emitOne(primitive, inputs, NONE)],
    interpret([x]) {
      const dtype = output ?? x.dtype;
      const data = allocate(dtype, x.data.length);
      for (let i = 0; i < data.length; i++) data[i] = compute(x.data[i]);
      return [roundValue({ shape: x.shape, dtype, data })];
    },
  };
  return primitive;
}

interface BinaryRule {
  readonly domain: Domain;
  readonly compute: (x: number, y: number, dtype: DType) => number;
  readonly gradient:
    | ((
        x: Tensor,
        y: Tensor,
        out: Tensor,
        d: Tensor,
        needs: readonly boolean[],
      ) => (Tensor | null)[])
    | null;
  readonly output?: DType;
}

function binary<N extends string>(name: N, rule: BinaryRule): Primitive<N, NoAttrs> {
  const { domain, compute, gradient, output } = rule;
  const primitive: Primitive<N, NoAttrs> = {
    name,
    infer(inputs) {
      checkSame(name, inputs);
      checkDomain(name, inputs, domain);
      return [{ shape: inputs[0].shape, dtype: output ?? inputs[0].dtype }];
    },
    gradient: gradient
      ? ({ inputs, outputs, needs }, [d]) =>
          d ? gradient(inputs[0], inputs[1], outputs[0], d, needs) : [null, null]
      : "none",
    batch: (context) => [emitOne(primitive, broadcastBatch(context), NONE)],
    interpret([x, y]) {
      const dtype = output ?? x.dtype;
      const data = allocate(dtype, x.data.length);
      for (let i = 0; i < data.length; i++) data[i] = compute(x.data[i], y.data[i], x.dtype);
      return [roundValue({ shape: x.shape, dtype, data })];
    },
  };
  return primitive;
}

const when = (need: boolean, make: () => Tensor): Tensor | null => (need ? make() : null);
const half = (mask: Tensor, d: Tensor): Tensor => select(mask, d, zerosLike(d));

/** The share of a max or min that an operand earns: all, none, or half at a tie. */
const share = (x: Tensor, y: Tensor, out: Tensor, d: Tensor): Tensor =>
  mul(half(equal(x, out), d), select(equal(x, y), constantLike(d, 0.5), constantLike(d, 1)));

const integerQuotient = (x: number, y: number, dtype: DType): number => {
  if (isFloat(dtype)) return x / y;
  if (y === 0) return -1; // as StableHLO on two's complement: all bits set
  return Math.trunc(x / y);
};

const integerPower = (x: number, y: number): number => {
  if (y < 0) return x === 1 ? 1 : x === -1 ? (y % 2 ? -1 : 1) : 0;
  let result = 1;
  for (let i = 0; i < y; i++) result = Math.imul(result, x);
  return result;
};

/** Shifts by the width or more give zero. */
const shifted =
  (shift: (x: number, y: number) => number) => (x: number, y: number, dtype: DType) =>
    y >= (dtype === "uint8" ? 8 : 32) || y < 0 ? 0 : shift(x, y);

const comparisons = {
  eq: (x: number, y: number) => x === y,
  ne: (x: number, y: number) => x !== y,
  lt: (x: number, y: number) => x < y,
  le: (x: number, y: number) => x <= y,
  gt: (x: number, y: number) => x > y,
  ge: (x: number, y: number) => x >= y,
};
/** A comparison; any comparison with NaN is false but `ne`. */
export type Direction = keyof typeof comparisons;

const compareP: Primitive<"compare", { direction: Direction }> = {
  name: "compare",
  infer(inputs) {
    checkSame("compare", inputs);
    return [{ shape: inputs[0].shape, dtype: "bool" }];
  },
  gradient: "none",
  batch: (context) => [emitOne(compareP, broadcastBatch(context), context.attrs)],
  interpret([x, y], { direction }) {
    const data = new Uint8Array(x.data.length);
    const compute = comparisons[direction];
    for (let i = 0; i < data.length; i++) data[i] = compute(x.data[i], y.data[i]) ? 1 : 0;
    return [{ shape: x.shape, dtype: "bool", data }];
  },
};

const selectP: Primitive<"select", NoAttrs> = {
  name: "select",
  infer(inputs) {
    const [predicate, x, y] = inputs;
    if (predicate.dtype !== "bool")
      throw dtypeError("select", inputs, "the predicate must be bool");
    checkSame("select", [x, y]);
    if (!sameShape(predicate.shape, x.shape)) {
      throw shapeError("select", inputs, "the predicate must have the operands' shape");
    }
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  gradient({ inputs: [predicate], needs }, [d]) {
    if (!d) return [null, null, null];
    const zero = zerosLike(d);
    return [
      null,
      when(needs[1], () => select(predicate, d, zero)),
      when(needs[2], () => select(predicate, zero, d)),
    ];
  },
  batch: (context) => [emitOne(selectP, broadcastBatch(context), NONE)],
  interpret([predicate, x, y]) {
    const data = allocate(x.dtype, x.data.length);
    for (let i = 0; i < data.length; i++) data[i] = predicate.data[i] ? x.data[i] : y.data[i];
    return [{ shape: x.shape, dtype: x.dtype, data }];
  },
};

/** Float to integer truncates towards zero, saturates at the ends and takes NaN to 0; integers wrap. */
function convertNumber(x: number, from: DType, to: DType): number {
  if (to === "bool") return x === 0 ? 0 : 1;
  if (!isInteger(to) || !isFloat(from)) return x;
  const [low, high] =
    to === "int32" ? [-(2 ** 31), 2 ** 31 - 1] : [0, to === "uint8" ? 255 : 2 ** 32 - 1];
  return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), low), high);
}

const convertP: Primitive<"convert", { dtype: DType }> = {
  name: "convert",
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
  gradient: ({ inputs: [x] }, [d]) => [
    d && isFloat(x.dtype) && isFloat(d.dtype) ? convert(d, x.dtype) : null,
  ],
  batch: ({ inputs, attrs }) => [emitOne(convertP, inputs, attrs)],
  interpret([x], { dtype }) {
    const data = allocate(dtype, x.data.length);
    for (let i = 0; i < data.length; i++) data[i] = convertNumber(x.data[i], x.dtype, dtype);
    return [roundValue({ shape: x.shape, dtype, data })];
  },
};

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** The elementwise primitives by name. */
export const elementwisePrimitives = {
  neg: unary("neg", { domain: "number", compute: (x) => -x, gradient: (_x, _y, d) => neg(d) }),
  abs: unary("abs", {
    domain: "number",
    compute: Math.abs,
    gradient: (x, _y, d) => mul(d, sign(x)),
  }),
  sign: unary("sign", { domain: "number", compute: Math.sign, gradient: null }),
  floor: unary("floor", { domain: "float", compute: Math.floor, gradient: null }),
  ceil: unary("ceil", { domain: "float", compute: Math.ceil, gradient: null }),
  /** Ties to even. */
  round: unary("round", { domain: "float", compute: roundHalfEven, gradient: null }),
  exp: unary("exp", { domain: "float", compute: Math.exp, gradient: (_x, y, d) => mul(d, y) }),
  expm1: unary("expm1", {
    domain: "float",
    compute: Math.expm1,
    gradient: (x, _y, d) => mul(d, exp(x)),
  }),
  log: unary("log", { domain: "float", compute: Math.log, gradient: (x, _y, d) => div(d, x) }),
  log1p: unary("log1p", {
    domain: "float",
    compute: Math.log1p,
    gradient: (x, _y, d) => div(d, add(x, 1)),
  }),
  sqrt: unary("sqrt", {
    domain: "float",
    compute: Math.sqrt,
    gradient: (_x, y, d) => div(mul(d, 0.5), y),
  }),
  rsqrt: unary("rsqrt", {
    domain: "float",
    compute: (x) => 1 / Math.sqrt(x),
    gradient: (x, y, d) => mul(mul(d, -0.5), div(y, x)),
  }),
  tanh: unary("tanh", {
    domain: "float",
    compute: Math.tanh,
    gradient: (_x, y, d) => mul(d, sub(1, mul(y, y))),
  }),
  logistic: unary("logistic", {
    domain: "float",
    compute: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
    gradient: (_x, y, d) => mul(d, mul(y, sub(1, y))),
  }),
  sin: unary("sin", { domain: "float", compute: Math.sin, gradient: (x, _y, d) => mul(d, cos(x)) }),
  cos: unary("cos", {
    domain: "float",
    compute: Math.cos,
    gradient: (x, _y, d) => neg(mul(d, sin(x))),
  }),
  erf: unary("erf", {
    domain: "float",
    compute: erfNumber,
    gradient: (x, _y, d) => mul(d, mul(exp(neg(mul(x, x))), TWO_OVER_SQRT_PI)),
  }),
  isFinite: unary("isFinite", {
    domain: "float",
    compute: (x) => (Number.isFinite(x) ? 1 : 0),
    gradient: null,
    output: "bool",
  }),
  not: unary("not", { domain: "bool", compute: (x) => (x ? 0 : 1), gradient: null }),
  add: binary("add", {
    domain: "number",
    compute: (x, y) => x + y,
    gradient: (_x, _y, _o, d) => [d, d],
  }),
  sub: binary("sub", {
    domain: "number",
    compute: (x, y) => x - y,
    gradient: (_x, _y, _o, d, needs) => [d, when(needs[1], () => neg(d))],
  }),
  mul: binary("mul", {
    domain: "number",
    compute: (x, y, dtype) => (isFloat(dtype) ? x * y : Math.imul(x, y)),
    gradient: (x, y, _o, d, needs) => [
      when(needs[0], () => mul(d, y)),
      when(needs[1], () => mul(d, x)),
    ],
  }),
  /** Integers truncate towards zero; division by zero sets all bits. */
  div: binary("div", {
    domain: "number",
    compute: integerQuotient,
    gradient: (_x, y, o, d, needs) => [
      when(needs[0], () => div(d, y)),
      when(needs[1], () => neg(div(mul(d, o), y))),
    ],
  }),
  /** The remainder with the dividend's sign; integers by zero give the dividend. */
  rem: binary("rem", {
    domain: "number",
    compute: (x, y, dtype) => (y === 0 && !isFloat(dtype) ? x : x % y),
    gradient: (x, y, _o, d, needs) => [d, when(needs[1], () => neg(mul(d, truncate(div(x, y)))))],
  }),
  pow: binary("pow", {
    domain: "number",
    compute: (x, y, dtype) => (isFloat(dtype) ? x ** y : integerPower(x, y)),
    gradient: (x, y, o, d, needs) => [
      when(needs[0], () => {
        const slope = mul(y, pow(x, sub(y, 1)));
        return mul(d, select(equal(y, 0), zerosLike(slope), slope));
      }),
      when(needs[1], () => {
        const positive = select(equal(x, 0), constantLike(x, 1), x);
        return mul(d, mul(o, log(positive)));
      }),
    ],
  }),
  /** NaN if either operand is NaN; at a tie each operand gets half of the cotangent. */
  max: binary("max", {
    domain: "number",
    compute: (x, y) => Math.max(x, y),
    gradient: (x, y, o, d, needs) => [
      when(needs[0], () => share(x, y, o, d)),
      when(needs[1], () => share(y, x, o, d)),
    ],
  }),
  min: binary("min", {
    domain: "number",
    compute: (x, y) => Math.min(x, y),
    gradient: (x, y, o, d, needs) => [
      when(needs[0], () => share(x, y, o, d)),
      when(needs[1], () => share(y, x, o, d)),
    ],
  }),
  and: binary("and", { domain: "intOrBool", compute: (x, y) => x & y, gradient: null }),
  or: binary("or", { domain: "intOrBool", compute: (x, y) => x | y, gradient: null }),
  xor: binary("xor", { domain: "intOrBool", compute: (x, y) => x ^ y, gradient: null }),
  shiftLeft: binary("shiftLeft", {
    domain: "int",
    compute: shifted((x, y) => x << y),
    gradient: null,
  }),
  /** Fills with zeros from the left. */
  shiftRightLogical: binary("shiftRightLogical", {
    domain: "int",
    compute: shifted((x, y) => x >>> y),
    gradient: null,
  }),
  compare: compareP,
  select: selectP,
  convert: convertP,
};

const P = elementwisePrimitives;
const lift =
  (primitive: Primitive<string, NoAttrs>) =>
  (x: Tensor): Tensor =>
    emitOne(primitive, [x], NONE);
const lift2 =
  (primitive: Primitive<string, NoAttrs>) =>
  (x: TensorLike, y: TensorLike): Tensor =>
    emitOne(primitive, promote(primitive.name, x, y), NONE);

/** −x. */
export const neg = lift(P.neg);
/** |x|; its derivative is sign(x). */
export const abs = lift(P.abs);
/** −1, 0 or 1 (NaN stays NaN). */
export const sign = lift(P.sign);
/** The largest integer at or below x. */
export const floor = lift(P.floor);
/** The smallest integer at or above x. */
export const ceil = lift(P.ceil);
/** The nearest integer, ties to even. */
export const round = lift(P.round);
/** eˣ. */
export const exp = lift(P.exp);
/** eˣ − 1, exact near 0. */
export const expm1 = lift(P.expm1);
/** The natural logarithm. */
export const log = lift(P.log);
/** log(1 + x), exact near 0. */
export const log1p = lift(P.log1p);
/** The square root. */
export const sqrt = lift(P.sqrt);
/** 1 / √x. */
export const rsqrt = lift(P.rsqrt);
/** The hyperbolic tangent. */
export const tanh = lift(P.tanh);
/** The sigmoid 1 / (1 + e⁻ˣ). */
export const logistic = lift(P.logistic);
export const sin = lift(P.sin);
export const cos = lift(P.cos);
/** The error function. */
export const erf = lift(P.erf);
/** Where x is neither infinite nor NaN. */
export const isFinite = lift(P.isFinite);
/** Logical negation. */
export const logicalNot = lift(P.not);

/** x + y, broadcast; a number takes the tensor's dtype. */
export const add = lift2(P.add);
/** x − y, broadcast. */
export const sub = lift2(P.sub);
/** x · y, broadcast. */
export const mul = lift2(P.mul);
/** x / y, broadcast; integers truncate. */
export const div = lift2(P.div);
/** The remainder with the sign of x. */
export const rem = lift2(P.rem);
/** xʸ. */
export const pow = lift2(P.pow);
/** The larger of two, NaN if either is. */
export const maximum = lift2(P.max);
/** The smaller of two, NaN if either is. */
export const minimum = lift2(P.min);
export const bitwiseAnd = lift2(P.and);
export const bitwiseOr = lift2(P.or);
export const bitwiseXor = lift2(P.xor);
export const logicalAnd = lift2(P.and);
export const logicalOr = lift2(P.or);
export const shiftLeft = lift2(P.shiftLeft);
export const shiftRightLogical = lift2(P.shiftRightLogical);

const comparison =
  (direction: Direction) =>
  (x: TensorLike, y: TensorLike): Tensor =>
    emitOne(compareP, promote(`compare ${direction}`, x, y), { direction });
export const equal = comparison("eq");
export const notEqual = comparison("ne");
export const less = comparison("lt");
export const lessEqual = comparison("le");
export const greater = comparison("gt");
export const greaterEqual = comparison("ge");

/** `x` where the predicate holds, else `y`; all three broadcast. */
export function select(predicate: Tensor, x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote("select", x, y);
  const shape = broadcastShape("select", [predicate, a, b]);
  return emitOne(
    selectP,
    [broadcastTo(predicate, shape), broadcastTo(a, shape), broadcastTo(b, shape)],
    NONE,
  );
}

/** The same numbers in another dtype; float to integer truncates and saturates, NaN becomes 0. */
export const convert = (x: Tensor, dtype: DType): Tensor =>
  x.dtype === dtype ? x : emitOne(convertP, [x], { dtype });

/** Where x is NaN. */
export const isNaN = (x: Tensor): Tensor => notEqual(x, x);

/** x², one multiplication. */
export const square = (x: Tensor): Tensor => mul(x, x);

/** x rounded towards zero. */
export const truncate = (x: Tensor): Tensor => select(less(x, 0), ceil(x), floor(x));

/** x limited to [low, high]. */
export const clip = (x: Tensor, low: TensorLike, high: TensorLike): Tensor =>
  minimum(maximum(x, low), high);
