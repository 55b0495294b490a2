/** @file Operations element by element: of one operand, of two, comparisons, selection, conversion. */

import * as g from "../../../src/graph/index.ts";
import type { Operation, Operations } from "../plan.ts";
import { operation } from "../plan.ts";
import { EVERY, FLOATS, INTEGERS, NUMBERS, type Scope } from "../scope.ts";

/** What keeps an operand where a function is defined and does not grow: how it is made, and its Python. */
const TAMED = {
  none: { ours: (x: g.Tensor) => x, python: (x: string) => x },
  positive: {
    ours: (x: g.Tensor) => g.add(g.abs(x), 0.5),
    python: (x: string) => `(ours.abs(${x}) + 0.5)`,
  },
  above: {
    ours: (x: g.Tensor) => g.add(g.abs(x), 1.5),
    python: (x: string) => `(ours.abs(${x}) + 1.5)`,
  },
  small: { ours: (x: g.Tensor) => g.mul(x, 0.25), python: (x: string) => `(${x} * 0.25)` },
} as const;
type Taming = keyof typeof TAMED;

interface Unary {
  readonly fn: (x: g.Tensor) => g.Tensor;
  readonly python: string;
  readonly dtypes?: readonly g.DType[];
  readonly tamed?: Taming;
}

const UNARY = {
  neg: { fn: g.neg, python: "-$", dtypes: NUMBERS },
  abs: { fn: g.abs, python: "ours.abs($)", dtypes: NUMBERS },
  sign: { fn: g.sign, python: "jnp.sign($)", dtypes: NUMBERS },
  floor: { fn: g.floor, python: "jnp.floor($)" },
  ceil: { fn: g.ceil, python: "jnp.ceil($)" },
  round: { fn: g.round, python: "jnp.round($)" },
  exp: { fn: g.exp, python: "jnp.exp($)", tamed: "small" },
  expm1: { fn: g.expm1, python: "ours.expm1($)", tamed: "small" },
  log: { fn: g.log, python: "jnp.log($)", tamed: "positive" },
  log1p: { fn: g.log1p, python: "ours.log1p($)", tamed: "positive" },
  sqrt: { fn: g.sqrt, python: "jnp.sqrt($)", tamed: "positive" },
  rsqrt: { fn: g.rsqrt, python: "lax.rsqrt($)", tamed: "positive" },
  tanh: { fn: g.tanh, python: "jnp.tanh($)" },
  logistic: { fn: g.logistic, python: "jax.nn.sigmoid($)" },
  sin: { fn: g.sin, python: "jnp.sin($)" },
  cos: { fn: g.cos, python: "jnp.cos($)" },
  tan: { fn: g.tan, python: "jnp.tan($)", tamed: "small" },
  asin: { fn: g.asin, python: "jnp.arcsin($)", tamed: "small" },
  acos: { fn: g.acos, python: "jnp.arccos($)", tamed: "small" },
  atan: { fn: g.atan, python: "jnp.arctan($)" },
  sinh: { fn: g.sinh, python: "jnp.sinh($)", tamed: "small" },
  cosh: { fn: g.cosh, python: "jnp.cosh($)", tamed: "small" },
  asinh: { fn: g.asinh, python: "jnp.arcsinh($)" },
  acosh: { fn: g.acosh, python: "jnp.arccosh($)", tamed: "above" },
  atanh: { fn: g.atanh, python: "jnp.arctanh($)", tamed: "small" },
  digamma: { fn: g.digamma, python: "lax.digamma($)", tamed: "positive" },
  erf: { fn: g.erf, python: "lax.erf($)" },
  isFinite: { fn: g.isFinite, python: "jnp.isfinite($)" },
  not: { fn: g.logicalNot, python: "jnp.logical_not($)", dtypes: ["bool"] },
} as const satisfies Record<string, Unary>;

const unary = (name: keyof typeof UNARY): Operation => {
  const { fn, python, dtypes = FLOATS, tamed = "none" }: Unary = UNARY[name];
  return operation<{ tamed: Taming }>({
    of: [name],
    draw: (scope) => ({
      args: [scope.pick({ dtypes }).id],
      attrs: { tamed: scope.chance(scope.shared.special ? 0.5 : 0.85) ? tamed : "none" },
    }),
    apply: ([x], attrs) => fn(TAMED[attrs.tamed].ours(x)),
    python: ([x], attrs) => python.replace("$", TAMED[attrs.tamed].python(x)),
  });
};

interface Binary {
  readonly fn: (x: g.Tensor, y: g.Tensor) => g.Tensor;
  readonly python: string;
  readonly dtypes: readonly g.DType[];
  /** The second operand where it is an integer. */
  readonly whole?: readonly [number, number];
  readonly of?: g.PrimitiveName;
}

const LOGIC: readonly g.DType[] = [...INTEGERS, "bool"];
const BINARY = {
  add: { fn: g.add, python: "jnp.add", dtypes: NUMBERS },
  sub: { fn: g.sub, python: "jnp.subtract", dtypes: NUMBERS },
  mul: { fn: g.mul, python: "jnp.multiply", dtypes: NUMBERS },
  div: { fn: g.div, python: "ours.div", dtypes: NUMBERS },
  rem: { fn: g.rem, python: "ours.rem", dtypes: NUMBERS },
  pow: { fn: g.pow, python: "", dtypes: INTEGERS, whole: [0, 70] },
  atan2: { fn: g.atan2, python: "ours.atan2", dtypes: FLOATS },
  max: { fn: g.maximum, python: "jnp.maximum", dtypes: NUMBERS },
  min: { fn: g.minimum, python: "jnp.minimum", dtypes: NUMBERS },
  and: { fn: g.bitwiseAnd, python: "jnp.bitwise_and", dtypes: LOGIC },
  or: { fn: g.bitwiseOr, python: "jnp.bitwise_or", dtypes: LOGIC },
  xor: { fn: g.bitwiseXor, python: "jnp.bitwise_xor", dtypes: LOGIC },
  shiftLeft: { fn: g.shiftLeft, python: "ours.shift_left", dtypes: INTEGERS, whole: [0, 36] },
  shiftRightLogical: {
    fn: g.shiftRightLogical,
    python: "ours.shift_right",
    dtypes: INTEGERS,
    whole: [0, 36],
  },
} as const satisfies Record<string, Binary>;

/** A second operand: the same shape, or one that stretches to it. */
function companion(scope: Scope, x: g.Spec, whole?: readonly [number, number]): number {
  const shape = scope.chance(0.7)
    ? x.shape
    : x.shape.slice(scope.below(x.shape.length + 1)).map((n) => (scope.chance(0.3) ? 1 : n));
  const spec = { shape, dtype: x.dtype };
  return whole && scope.chance(0.6) ? scope.input(spec, { whole }) : scope.like(spec);
}

const binary = (name: keyof typeof BINARY): Operation => {
  const { fn, python, dtypes, whole }: Binary = BINARY[name];
  return operation<{ turned: boolean }>({
    of: [name],
    draw(scope) {
      const x = scope.pick({ dtypes });
      const turned = whole === undefined && scope.chance(0.3);
      return { args: [x.id, companion(scope, x, whole)], attrs: { turned } };
    },
    apply: ([x, y], { turned }) => (turned ? fn(y, x) : fn(x, y)),
    python: ([x, y], { turned }) =>
      python && (turned ? `${python}(${y}, ${x})` : `${python}(${x}, ${y})`),
  });
};

const BESIDE_NUMBER = { add: g.add, sub: g.sub, mul: g.mul, div: g.div, maximum: g.maximum };
type BesideNumber = keyof typeof BESIDE_NUMBER;
const JNP: Record<BesideNumber, string> = {
  add: "jnp.add",
  sub: "jnp.subtract",
  mul: "jnp.multiply",
  div: "jnp.divide",
  maximum: "jnp.maximum",
};

const COMPARISONS = {
  equal: { fn: g.equal, python: "jnp.equal" },
  notEqual: { fn: g.notEqual, python: "jnp.not_equal" },
  less: { fn: g.less, python: "jnp.less" },
  lessEqual: { fn: g.lessEqual, python: "jnp.less_equal" },
  greater: { fn: g.greater, python: "jnp.greater" },
  greaterEqual: { fn: g.greaterEqual, python: "jnp.greater_equal" },
};
type Comparison = keyof typeof COMPARISONS;

const each = <K extends string>(table: Record<K, unknown>, make: (name: K) => Operation) =>
  Object.fromEntries((Object.keys(table) as K[]).map((name) => [name, make(name)]));

/** Operations element by element. */
export const elementwise: Operations = {
  ...each(UNARY, unary),
  ...each(BINARY, binary),
  floatPower: operation<{ exponent: number | null }>({
    of: ["pow"],
    draw(scope) {
      const x = scope.pick({ dtypes: FLOATS });
      const exponent = scope.chance(0.5) ? scope.choose([2, 3, 0.5, -1, 0, 1, -0.5]) : null;
      return {
        args: exponent === null ? [x.id, companion(scope, x)] : [x.id],
        attrs: { exponent },
      };
    },
    apply: ([x, y], { exponent }) => g.pow(TAMED.positive.ours(x), exponent ?? y),
    python: ([x, y], { exponent }) => `ours.power(${TAMED.positive.python(x)}, ${exponent ?? y})`,
  }),
  rawPower: operation({
    of: ["pow"],
    draw(scope) {
      const x = scope.pick({ dtypes: FLOATS });
      return { args: [x.id, companion(scope, x)] };
    },
    apply: ([x, y]) => g.pow(x, y),
    python: () => undefined, // its slope at 0 is listed
  }),
  besideNumber: operation<{ op: BesideNumber; number: number; turned: boolean }>({
    of: ["add", "sub", "mul", "div", "max"],
    draw(scope) {
      const x = scope.pick({ dtypes: FLOATS });
      const op = scope.choose(Object.keys(BESIDE_NUMBER) as BesideNumber[]);
      const number = scope.choose([0, 1, -1, 2, 0.5, -0.25, 3, 0.1]);
      const turned = op !== "div" && scope.chance(0.5);
      return { args: [x.id], attrs: { op, number, turned } };
    },
    apply: ([x], { op, number, turned }) =>
      turned ? BESIDE_NUMBER[op](number, x) : BESIDE_NUMBER[op](x, number),
    python: ([x], { op, number, turned }) =>
      turned ? `${JNP[op]}(${number}, ${x})` : `${JNP[op]}(${x}, ${number})`,
  }),
  clip: operation<{ low: number; high: number }>({
    of: ["max", "min"],
    draw: (scope) => ({
      args: [scope.pick({ dtypes: NUMBERS }).id],
      attrs: { low: scope.below(3), high: 1 + scope.below(5) },
    }),
    apply: ([x], { low, high }) => g.clip(x, low, high),
    python: ([x], { low, high }) => `jnp.minimum(jnp.maximum(${x}, ${low}), ${high})`,
  }),
  compare: operation<{ by: Comparison }>({
    of: ["compare"],
    draw(scope) {
      const x = scope.pick();
      const by = scope.choose(Object.keys(COMPARISONS) as Comparison[]);
      return { args: [x.id, companion(scope, x)], attrs: { by } };
    },
    apply: ([x, y], { by }) => COMPARISONS[by].fn(x, y),
    python: ([x, y], { by }) => `${COMPARISONS[by].python}(${x}, ${y})`,
  }),
  select: operation({
    of: ["select"],
    draw(scope) {
      const x = scope.pick();
      const predicate = scope.like({ shape: x.shape, dtype: "bool" });
      return { args: [predicate, x.id, companion(scope, x)] };
    },
    apply: ([p, x, y]) => g.select(p, x, y),
    python: ([p, x, y]) => `jnp.where(${p}, ${x}, ${y})`,
  }),
  convert: operation<{ dtype: g.DType }>({
    of: ["convert"],
    draw: (scope) => ({ args: [scope.pick().id], attrs: { dtype: scope.choose(EVERY) } }),
    apply: ([x], { dtype }) => g.convert(x, dtype),
    python: ([x], { dtype }) => `ours.convert(${x}, "${dtype}")`,
  }),
  /** A product with a mask that was made a number. */
  masked: operation({
    of: ["mul", "convert"],
    draw(scope) {
      const x = scope.pick({ dtypes: FLOATS });
      return { args: [x.id, scope.like({ shape: x.shape, dtype: "bool" })] };
    },
    apply: ([x, mask]) => g.mul(x, g.convert(mask, x.dtype)),
    python: ([x, mask]) => `${x} * ${mask}.astype(${x}.dtype)`,
  }),
};
