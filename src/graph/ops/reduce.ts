/** @file Reductions over axes, arg-reductions and cumulative operations. */

import { type DType, isFloat, sizeOf, stridesOf } from "../dtype.ts";
import {
  type Primitive,
  type Spec,
  type Tensor,
  dtypeError,
  emitOne,
  shapeError,
  specOf,
} from "../tensor.ts";
import { additionOf, multiplicationOf, roundValue, zerosValue } from "../values.ts";
import { barrier, stopGradient } from "./barrier.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import {
  type AxesArgument,
  type KeepDims,
  type Reducer,
  dropAxes,
  liftReduction,
  reduction,
} from "./reduction.ts";
import { reduceSum, restore } from "./stretch.ts";
import { constantLike, iota, ones, zerosLike } from "./constant.ts";
import { scatterAdd } from "./gather.ts";
import { convert, equal, greater, select, widened } from "./select.ts";
import { axesOf, axisOf, inversePermutation, moveAxis, reshape, transpose } from "./shape.ts";
import { concatenate, sliceAxis } from "./slice.ts";
import { exp, isFinite, log, sqrt } from "./unary.ts";

/** The cotangent shared equally among the elements that attain the extreme value. */
const extremeGradient =
  (extreme: (x: Tensor, axes: readonly number[]) => Tensor) =>
  (x: Tensor, _y: Tensor, d: Tensor, axes: readonly number[]): Tensor => {
    const [held] = barrier([x]); // or a compiler computes x twice, rounded unlike, and finds no element that is the extreme
    const top = restore(extreme(held, axes), x.shape, axes);
    const attained = convert(equal(held, top), x.dtype);
    const count = reduceSum(attained, axes);
    return mul(attained, restore(div(d, count), x.shape, axes));
  };

/** The cotangent times the product of all the other elements, exact where elements are zero. */
function productGradient(x: Tensor, _y: Tensor, d: Tensor, axes: readonly number[]): Tensor {
  if (x.size === 0) return zerosLike(x);
  const order = [...x.shape.map((_, i) => i).filter((i) => !axes.includes(i)), ...axes];
  const moved = transpose(x, order);
  const rows = reshape(moved, [d.size, -1]); // [kept, reduced]
  const n = rows.shape[1];
  const one = ones([d.size, 1], x.dtype);
  const before = cumProd(concatenate([one, sliceAxis(rows, 1, 0, n - 1)], 1), 1);
  const after = cumProd(concatenate([sliceAxis(rows, 1, 1), one], 1), 1, true);
  const others = transpose(reshape(mul(before, after), moved.shape), inversePermutation(order));
  return mul(others, restore(d, x.shape, axes));
}

/** The neutral elements of max and min: infinities for floats, the ends of the range for integers. */
const LOW: Partial<Record<DType, number>> = { int32: -(2 ** 31), uint32: 0, uint8: 0 };
const HIGH: Partial<Record<DType, number>> = {
  int32: 2 ** 31 - 1,
  uint32: 2 ** 32 - 1,
  uint8: 255,
};
export const lowEnd = ({ dtype }: Spec): number => LOW[dtype] ?? -Infinity;
export const highEnd = ({ dtype }: Spec): number => HIGH[dtype] ?? Infinity;

function argReduction<N extends string>(
  name: N,
  better: (a: number, b: number) => boolean,
): Primitive<N, { axis: number }> {
  const primitive: Primitive<N, { axis: number }> = {
    name,
    infer(inputs, { axis }) {
      const [{ shape, dtype }] = inputs;
      if (dtype === "bool") throw dtypeError(name, inputs, "takes numbers");
      if (shape[axis] === 0) throw shapeError(name, inputs, `axis ${axis} is empty`);
      return [{ shape: dropAxes(shape, [axis]), dtype: "int32" }];
    },
    gradient: "none",
    batch: ({ inputs, attrs }) => [emitOne(primitive, inputs, { axis: attrs.axis + 1 })],
    interpret([x], { axis }) {
      const result = zerosValue(dropAxes(x.shape, [axis]), "int32");
      const stride = stridesOf(x.shape)[axis];
      const n = x.shape[axis];
      for (let i = 0; i < result.data.length; i++) {
        const base = Math.floor(i / stride) * stride * n + (i % stride);
        let best = 0;
        for (let k = 1; k < n && !Number.isNaN(x.data[base + best * stride]); k++) {
          const candidate = x.data[base + k * stride];
          if (Number.isNaN(candidate) || better(candidate, x.data[base + best * stride])) best = k;
        }
        result.data[i] = best;
      }
      return [result];
    },
    flops: ([x]) => sizeOf(x.shape),
  };
  return primitive;
}

export interface Cumulative {
  readonly axis: number;
  readonly reverse: boolean;
}

function cumulative<N extends string>(
  name: N,
  reducerOf: (dtype: DType) => Reducer,
  gradient: (x: Tensor, y: Tensor, d: Tensor, attrs: Cumulative) => Tensor,
): Primitive<N, Cumulative> {
  const primitive: Primitive<N, Cumulative> = {
    name,
    infer(inputs) {
      const [{ shape, dtype }] = inputs;
      if (dtype === "bool") throw dtypeError(name, inputs, "takes numbers");
      return [{ shape, dtype }];
    },
    gradient: ({ inputs: [x], outputs: [y], attrs }, [d]) => [d && gradient(x, y, d, attrs)],
    batch: ({ inputs, attrs }) => [emitOne(primitive, inputs, { ...attrs, axis: attrs.axis + 1 })],
    interpret([x], { axis, reverse }) {
      const result = zerosValue(x.shape, x.dtype);
      const reducer = reducerOf(x.dtype);
      const stride = stridesOf(x.shape)[axis];
      const n = x.shape[axis];
      const lines = n === 0 ? 0 : x.data.length / n;
      for (let line = 0; line < lines; line++) {
        const base = Math.floor(line / stride) * stride * n + (line % stride);
        let running = 0;
        for (let k = 0; k < n; k++) {
          const at = base + (reverse ? n - 1 - k : k) * stride;
          running = k === 0 ? x.data[at] : reducer(running, x.data[at]);
          result.data[at] = running;
        }
      }
      return [roundValue(result)];
    },
  };
  return primitive;
}

/** The reducing primitives by name. */
export const reducePrimitives = {
  /** −∞ (or the least integer) over nothing; NaN if any element is. */
  reduceMax: reduction("reduceMax", {
    domain: "number",
    initial: lowEnd,
    reducer: () => Math.max,
    gradient: extremeGradient((x, axes) => reduceMax(x, axes)),
  }),
  reduceMin: reduction("reduceMin", {
    domain: "number",
    initial: highEnd,
    reducer: () => Math.min,
    gradient: extremeGradient((x, axes) => reduceMin(x, axes)),
  }),
  reduceProd: reduction("reduceProd", {
    domain: "number",
    initial: () => 1,
    reducer: multiplicationOf,
    gradient: productGradient,
  }),
  reduceAnd: reduction("reduceAnd", {
    domain: "bool",
    initial: () => 1,
    reducer: () => (a, b) => a & b,
    gradient: null,
  }),
  reduceOr: reduction("reduceOr", {
    domain: "bool",
    initial: () => 0,
    reducer: () => (a, b) => a | b,
    gradient: null,
  }),
  /** The first index of the largest element; the first NaN wins. */
  argMax: argReduction("argMax", (a, b) => a > b),
  argMin: argReduction("argMin", (a, b) => a < b),
  cumSum: cumulative("cumSum", additionOf, (_x, _y, d, { axis, reverse }) =>
    cumSum(d, axis, !reverse),
  ),
  /** Its cotangent goes to the first element that attains each running maximum. */
  cumMax: cumulative(
    "cumMax",
    () => Math.max,
    (x, y, d, attrs) => cumMaxGradient(x, y, d, attrs),
  ),
};

const P = reducePrimitives;

/** Each cotangent goes back to the place where its running maximum was first attained. */
function cumMaxGradient(x: Tensor, y: Tensor, d: Tensor, { axis, reverse }: Cumulative): Tensor {
  const n = x.shape[axis];
  if (x.size === 0) return d;
  const edge = constantLike(
    { ...specOf(x), shape: x.shape.map((m, i) => (i === axis ? 1 : m)) },
    -Infinity,
  );
  const previous = reverse
    ? concatenate([sliceAxis(y, axis, 1), edge], axis)
    : concatenate([edge, sliceAxis(y, axis, 0, n - 1)], axis);
  const place = iota(x.shape, "int32", axis);
  const passed = reverse ? sub(n - 1, place) : place; // elements seen before this one
  const winner = cumMax(select(greater(y, previous), passed, zerosLike(passed)), axis, reverse);
  const source = reverse ? sub(n - 1, winner) : winner;
  const last = (t: Tensor): Tensor => moveAxis(t, axis, -1);
  const dims = { axis: x.rank - 1, batchDims: x.rank - 1 };
  return moveAxis(scatterAdd(zerosLike(last(d)), last(source), last(d), dims), -1, axis);
}

/** The maximum over axes; ties share the cotangent equally. */
export const reduceMax = liftReduction(P.reduceMax);
/** The minimum over axes; ties share the cotangent equally. */
export const reduceMin = liftReduction(P.reduceMin);
/** The product over axes. */
export const reduceProd = liftReduction(P.reduceProd);
/** Whether all hold. */
export const reduceAnd = liftReduction(P.reduceAnd);
/** Whether any holds. */
export const reduceOr = liftReduction(P.reduceOr);

/** The mean over axes; that of half-width floats is made in float32. */
export function mean(x: Tensor, axes?: AxesArgument, options: KeepDims = {}): Tensor {
  if (!isFloat(x.dtype)) throw dtypeError("mean", [x], "takes floats; convert the tensor first");
  const count = sizeOf(axesOf("mean", x, axes).map((axis) => x.shape[axis]));
  return convert(div(reduceSum(widened(x), axes, options), count), x.dtype);
}

/** The biased variance over axes, the mean squared distance from the mean; that of half-width floats is made in float32. */
export function variance(x: Tensor, axes?: AxesArgument, options: KeepDims = {}): Tensor {
  const wide = widened(x);
  const centred = sub(wide, mean(wide, axes, { keepDims: true }));
  return convert(mean(mul(centred, centred), axes, options), x.dtype);
}

/** The square root of the sum of squares over axes. */
export const norm = (x: Tensor, axes?: AxesArgument, options: KeepDims = {}): Tensor =>
  sqrt(reduceSum(mul(x, x), axes, options));

/** The index of the largest element along an axis, as int32. */
export const argMax = (x: Tensor, axis = -1): Tensor =>
  emitOne(P.argMax, [x], { axis: axisOf("argMax", x, axis) });
/** The index of the smallest element along an axis, as int32. */
export const argMin = (x: Tensor, axis = -1): Tensor =>
  emitOne(P.argMin, [x], { axis: axisOf("argMin", x, axis) });

/** Running sums along an axis, from the end when reversed. */
export const cumSum = (x: Tensor, axis = 0, reverse = false): Tensor =>
  emitOne(P.cumSum, [x], { axis: axisOf("cumSum", x, axis), reverse });
/** Running maxima along an axis. */
export const cumMax = (x: Tensor, axis = 0, reverse = false): Tensor =>
  emitOne(P.cumMax, [x], { axis: axisOf("cumMax", x, axis), reverse });

/** Running products along an axis, by doubling (log n multiplications). */
export function cumProd(x: Tensor, axis = 0, reverse = false): Tensor {
  const at = axisOf("cumProd", x, axis);
  const n = x.shape[at];
  let result = x;
  for (let shift = 1; shift < n; shift *= 2) {
    const edge = ones(
      x.shape.map((m, i) => (i === at ? shift : m)),
      x.dtype,
    );
    const shifted = reverse
      ? concatenate([sliceAxis(result, at, shift), edge], at)
      : concatenate([edge, sliceAxis(result, at, 0, n - shift)], at);
    result = mul(result, shifted);
  }
  return result;
}

/** log Σ exp over axes, shifted by the maximum. */
export function logSumExp(x: Tensor, axes?: AxesArgument, options: KeepDims = {}): Tensor {
  const peak = stopGradient(reduceMax(x, axes, { keepDims: true }));
  const top = select(isFinite(peak), peak, zerosLike(peak));
  const sum = reduceSum(exp(sub(x, top)), axes, options);
  return add(log(sum), reshape(top, sum.shape));
}
