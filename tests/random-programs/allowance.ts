/**
 * @file What docs/engines.md ("Numbers") leaves open, as a second interpreter: after each primitive it changes the
 * result within what is promised, at random (Monte Carlo arithmetic: Parker 1997, "Monte Carlo arithmetic"). Where its
 * runs agree an engine has no choice; where they differ, their spread is the engine's allowance. So no program needs
 * to be avoided, and no tolerance is guessed.
 */

import {
  type DType,
  type Equation,
  type Primitive,
  type Program,
  Tensor,
  isFloat,
  specOf,
  withScope,
} from "../../src/graph/index.ts";
import { evaluateProgram, isProgram } from "../../src/graph/program.ts";
import { type Value, roundValue } from "../../src/graph/values.ts";
import { emit } from "../../src/graph/tensor.ts";
import type { Random } from "../../src/random.ts";
import { NEARLY_INFINITE, choose } from "./choices.ts";
import { SLACK, type Slack, termsOf } from "./slack.ts";

const EPSILON = 2 ** -23;
const HALF_EPSILON: Partial<Record<DType, number>> = { float16: 2 ** -10, bfloat16: 2 ** -7 };
const LEAST_NORMAL = 2 ** -126;

/** What one run settles for all primitives. */
interface Mood {
  readonly random: Random;
  /** Subnormal numbers are taken for zero. */
  readonly flushes: boolean;
  /** How often a half is kept in float32 until the next primitive. */
  readonly wide: number;
  /** Several devices add parts of a sum, each rounded. */
  readonly inParts: boolean;
}

/** A program that computes what another does within what is promised; each run of it differs. */
export function loosened(program: Program, random: Random, inParts = false): Program {
  const mood = { random, flushes: random.uniform() < 0.5, wide: random.integer(0, 3) / 2, inParts };
  return loosen(program, mood);
}

/** A number in [−1, 1], often one of its ends. */
const wobble = ({ random }: Mood): number => {
  const u = random.uniform();
  return u < 0.25 ? -1 : u < 0.5 ? 1 : u * 4 - 3;
};

function loosen(program: Program, mood: Mood): Program {
  const inputs = program.inputs.map((input) => new Tensor(specOf(input)));
  const equations: Equation[] = [];
  const outputs = evaluateProgram<Tensor>(program, inputs, (equation, operands) => {
    const { primitive, attrs, scope } = equation;
    const entries = Object.entries(attrs as object).map(([key, value]) => [
      key,
      isProgram(value) ? loosen(value, mood) : (value as unknown),
    ]);
    const inner: unknown = Object.fromEntries(entries);
    const loose = loosePrimitive(primitive, equation, mood);
    const made = withScope(scope, () => emit(loose, operands, inner));
    if (made.length > 0) equations.push(made[0].equation!);
    return made;
  });
  return { inputs, outputs, equations };
}

/** A primitive whose results are changed within what is promised. */
function loosePrimitive(primitive: Primitive, equation: Equation, mood: Mood): Primitive {
  const slack: Slack = SLACK[primitive.name] ?? { kind: "exact" };
  const hasRegion = Object.values(equation.attrs as object).some(isProgram);
  return {
    ...primitive,
    interpret(given, attrs: unknown) {
      const inputs = given.map((x) => softened(x, mood));
      // halves are computed with in float32, and rounded at the end where they are rounded at all
      const results = hasRegion
        ? primitive.interpret(inputs, attrs)
        : primitive.interpret(inputs.map(widen), widenAttrs(attrs));
      return results.map((result, i) => {
        const { dtype } = equation.outputs[i];
        if (!isFloat(dtype)) return { ...result, dtype };
        const chosen = choose(result, { inputs, attrs, equation, random: mood.random });
        const value = { ...chosen, dtype, data: chosen.data.slice() };
        disturb(value, { results, inputs, attrs }, slack, mood);
        if (mood.random.uniform() >= mood.wide) roundValue(value);
        return softened(value, mood);
      });
    },
  };
}

const widen = (x: Value): Value =>
  HALF_EPSILON[x.dtype] === undefined ? x : { ...x, dtype: "float32" };

/** Attributes that name a half-width dtype name float32. */
const widenAttrs = (attrs: unknown): unknown =>
  Object.fromEntries(
    Object.entries(attrs as object).map(([key, value]) => [
      key,
      key === "dtype" && (value === "float16" || value === "bfloat16")
        ? "float32"
        : (value as unknown),
    ]),
  );

/** Zeros with any sign, subnormals kept or not. */
function softened(x: Value, { random, flushes }: Mood): Value {
  if (!isFloat(x.dtype)) return x;
  const data = x.data.map((v: number) => {
    const flushed = flushes && Math.abs(v) < LEAST_NORMAL;
    return v === 0 || flushed ? (random.uniform() < 0.5 ? 0 : -0) : v;
  });
  return { ...x, data };
}

/** A primitive's call. */
interface Call {
  readonly results: readonly Value[];
  readonly inputs: readonly Value[];
  readonly attrs: unknown;
}

const largestOf = (values: readonly Value[]): number => {
  let largest = 0;
  for (const { data } of values) {
    for (const v of data) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v));
  }
  return largest;
};

/** A number changed by up to `most`; what this could make 0 may be exactly that, as where an engine's terms cancel. */
const off = (v: number, most: number, mood: Mood): number =>
  Math.abs(v) <= most && mood.random.uniform() < 0.25 ? 0 : v + wobble(mood) * most;

/** Changes numbers by up to what a primitive may be off. */
function disturb(value: Value, { results, inputs, attrs }: Call, slack: Slack, mood: Mood): void {
  const { data, dtype } = value;
  const half = HALF_EPSILON[dtype] ?? 0;
  if (slack.kind === "exact") return;
  if (slack.kind === "array" || slack.kind === "arrays") {
    const largest = largestOf(slack.kind === "array" ? [value] : results);
    const most = slack.ulps * Math.max(EPSILON, half) * largest;
    for (let i = 0; i < data.length; i++) data[i] = off(data[i], most, mood);
    return;
  }
  if (slack.kind === "sum") {
    const { exact, sizes } = termsOf(slack, inputs, attrs);
    const share = slack.ulps * EPSILON + (mood.inParts ? half : 0);
    for (let i = 0; i < data.length && !exact; i++) {
      // overflow on the way depends on the order
      if (sizes[i] > NEARLY_INFINITE) {
        if (mood.random.uniform() < 0.5) data[i] = Number.isNaN(data[i]) ? 0 : NaN;
      } else data[i] = off(data[i], share * sizes[i], mood);
    }
  }
  if (slack.kind !== "element") return;
  for (let i = 0; i < data.length; i++) {
    if (slack.isExact?.(i, data[i], inputs)) continue;
    const share = slack.ulps * EPSILON + (slack.halfUlps ?? 0) * half;
    data[i] += wobble(mood) * share * Math.max(Math.abs(data[i]), slack.least ?? 0);
  }
}
