/** @file What an engine may choose beside rounding: the entries of docs/engines.md ("Not promised") that are about one primitive. */

import type { AttrsOf } from "../../src/graph/ops/index.ts";
import { type Equation, type Tensor, isFloat } from "../../src/graph/index.ts";
import type { ConvDimensions } from "../../src/graph/ops/conv.ts";
import { primitives } from "../../src/graph/index.ts";
import type { Value } from "../../src/graph/values.ts";
import type { Random } from "../../src/random.ts";

/** What made a result. */
interface Call {
  readonly inputs: readonly Value[];
  readonly attrs: unknown;
  readonly equation: Equation;
  readonly random: Random;
}

/** Another result that is as good; undefined where the interpreter's is the only one. */
type Choice = (result: Value, call: Call) => Value | undefined;

/** Values of which nothing is known, so that no two runs agree in them: all finite, or each what it was not. */
const unknown = (random: Random): ((x: number) => number) =>
  random.uniform() < 0.5 ? () => 0 : (x) => (Number.isFinite(x) ? NaN : 0);
const replaced = (value: Value, at: (x: number, i: number) => number): Value => ({
  ...value,
  data: value.data.map(at),
});

/** Whether a tensor is a bool that was converted to a number, or such a one moved or stretched. */
function isMask(x: Tensor): boolean {
  if (!x.equation) return false;
  const { primitive, inputs } = x.equation;
  if (primitive.name === "convert") return inputs[0].dtype === "bool" || isMask(inputs[0]);
  const moves = ["broadcastInDim", "reshape", "transpose", "slice", "stopGradient", "reverse"];
  return moves.includes(primitive.name) && isMask(inputs[0]);
}

/** Beyond this, a factor that is moved behind a product or a sum may make it overflow before. */
export const NEARLY_INFINITE = 2 ** 117;

/** A factor may be moved: what is nearly infinite may overflow, and what overflows may never have been computed. */
const movedFactor: Choice = (result, { inputs: [x, y], random }) => {
  const another = unknown(random);
  const isOverflow = (i: number): boolean =>
    !Number.isFinite(result.data[i]) &&
    [x, y].every(({ data }) => Number.isFinite(data[i])) &&
    y.data[i] !== 0;
  return result.data.some((value: number) => Math.abs(value) > NEARLY_INFINITE)
    ? replaced(result, (value, i) => {
        if (isOverflow(i)) return another(value);
        return Math.abs(value) > NEARLY_INFINITE && Number.isFinite(value) ? Infinity : value;
      })
    : undefined;
};

/** NaN or ∞ times a false mask may be 0. */
const maskedProduct: Choice = (result, call) => {
  const [x, y] = call.inputs;
  return call.equation.inputs.some(isMask)
    ? replaced(result, (v, i) => (Number.isNaN(v) && (x.data[i] === 0 || y.data[i] === 0) ? 0 : v))
    : movedFactor(result, call);
};

/** Which element of a window that holds NaN a cotangent goes to is open. */
const windowWithNaN: Choice = (result, { inputs: [keys], random }) =>
  keys.data.some(Number.isNaN) ? replaced(result, unknown(random)) : undefined;

/** Padding may count as zeros that are multiplied, and so may what lies between groups. */
const paddedConvolution: Choice = (result, { inputs: [x, kernel], attrs, random }) => {
  const dims = attrs as ConvDimensions;
  const isOdd = ({ data }: Value): boolean => !data.every(Number.isFinite);
  if (dims.featureGroups * dims.batchGroups > 1 && (isOdd(x) || isOdd(kernel))) {
    return replaced(result, unknown(random));
  }
  if (!isFloat(x.dtype) || kernel.data.every(Number.isFinite)) return undefined;
  const zero: Value = { shape: [], dtype: x.dtype, data: x.data.slice(0, 1).fill(0) };
  const all = (list: readonly number[]) => [0, ...list, 0];
  const [wide] = primitives.pad.interpret([x, zero], {
    low: all(dims.padding.map(([low]) => low)),
    high: all(dims.padding.map(([, high]) => high)),
    interior: all(dims.lhsDilation.map((n) => n - 1)),
  });
  const none = dims.strides.map((): readonly [number, number] => [0, 0]);
  const dense = { ...dims, padding: none, lhsDilation: dims.strides.map(() => 1) };
  return primitives.convGeneralDilated.interpret([wide, kernel], dense)[0];
};

/** Beyond this the square of a float32 is infinite, or lost among the subnormals. */
const TALL = 2 ** 60;
/** What composites multiply on the way may overflow in one order and not in another. */
const tallComposite: Choice = (result, { inputs, random }) => {
  const isTall = (x: number): boolean => Number.isFinite(x) && Math.abs(x) > TALL;
  return inputs.some((x) => isFloat(x.dtype) && x.data.some(isTall))
    ? replaced(result, unknown(random))
    : undefined;
};

/** Sums of products in some order of which every term of a row counts. */
const tallTransform: Choice = (result, { inputs, random }) => {
  const n = result.shape.at(-1) ?? 1;
  const tall = new Set<number>();
  for (const { data } of inputs) {
    data.forEach((x: number, i: number) => {
      if (!(Math.abs(x) < TALL)) tall.add(Math.floor(i / n));
    });
  }
  if (tall.size === 0) return undefined;
  const another = unknown(random);
  return replaced(result, (x, i) => (tall.has(Math.floor(i / n)) ? another(x) : x));
};

/** A product in another order may overflow on the way, or vanish. */
const reordered: Choice = (result, { inputs: [x], attrs, random }) => {
  const productOf = (at: (size: number) => number): Value => {
    const sizes = Float64Array.from(x.data, (v) =>
      Number.isFinite(v) && v !== 0 ? at(Math.abs(v)) : 1,
    );
    const sized: Value = { ...x, dtype: "float64", data: sizes };
    return primitives.reduceProd.interpret([sized], attrs as AttrsOf<"reduceProd">)[0];
  };
  const [large, small] = [productOf((v) => Math.max(v, 1)), productOf((v) => Math.min(v, 1))];
  const isOpen = (i: number): boolean =>
    large.data[i] > NEARLY_INFINITE || small.data[i] < 1 / NEARLY_INFINITE;
  const another = unknown(random);
  return replaced(result, (value, i) => (isOpen(i) ? another(value) : value));
};

/** Choices by primitive. */
const CHOICES: Readonly<Record<string, Choice>> = {
  mul: maskedProduct,
  div: movedFactor,
  selectAndScatterAdd: windowWithNaN,
  convGeneralDilated: paddedConvolution,
  composite: tallComposite,
  fft: tallTransform,
  reduceProd: reordered,
};

/** A result, or as often the other that an engine may give, or as often of each element one of the two. */
export function choose(result: Value, call: Call): Value {
  const other = CHOICES[call.equation.primitive.name]?.(result, call);
  const u = call.random.uniform();
  if (!other || u < 1 / 3) return result;
  if (u < 2 / 3) return other;
  return replaced(result, (x, i) => (call.random.uniform() < 0.5 ? other.data[i] : x));
}
