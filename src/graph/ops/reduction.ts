/** @file What the reductions over axes share: a maker of their primitives, and one of the functions that apply them. */

import { type Shape, sizeOf, stridesOf } from "../dtype.ts";
import { type Primitive, type Spec, type Tensor, dtypeError, emitOne } from "../tensor.ts";
import { type Value, forEachIndex, offsetOf, roundValue, zerosValue } from "../values.ts";
import { axesOf, reshape } from "./shape.ts";

export interface Axes {
  /** Ascending. */
  readonly axes: readonly number[];
}

export const dropAxes = (shape: Shape, axes: readonly number[]): number[] =>
  shape.filter((_, i) => !axes.includes(i));

export type Reducer = (a: number, b: number) => number;

function reduceValues(x: Value, axes: readonly number[], initial: number, reducer: Reducer): Value {
  const shape = dropAxes(x.shape, axes);
  const strides = new Array<number>(x.shape.length).fill(0);
  const inner = stridesOf(shape);
  x.shape.forEach((_, i) => {
    if (!axes.includes(i)) strides[i] = inner[dropAxes(x.shape.slice(0, i), axes).length];
  });
  const accumulator = new Float64Array(sizeOf(shape)).fill(initial);
  forEachIndex(x.shape, (flat, index) => {
    const at = offsetOf(index, strides);
    accumulator[at] = reducer(accumulator[at], x.data[flat]);
  });
  const result = zerosValue(shape, x.dtype);
  result.data.set(accumulator);
  return roundValue(result);
}

/** What {@link reduction} makes a primitive of. */
export interface ReductionRule {
  readonly domain: "number" | "bool";
  readonly initial: (spec: Spec) => number;
  readonly reducer: (dtype: Spec["dtype"]) => Reducer;
  readonly gradient: ((x: Tensor, y: Tensor, d: Tensor, axes: readonly number[]) => Tensor) | null;
}

/** A reduction over axes from its rule; its result lacks them. */
export function reduction<N extends string>(name: N, rule: ReductionRule): Primitive<N, Axes> {
  const { domain, initial, reducer, gradient } = rule;
  const primitive: Primitive<N, Axes> = {
    name,
    infer(inputs, { axes }) {
      const [{ shape, dtype }] = inputs;
      if ((domain === "bool") !== (dtype === "bool")) {
        throw dtypeError(name, inputs, `takes ${domain === "bool" ? "bool" : "numbers"}`);
      }
      return [{ shape: dropAxes(shape, axes), dtype }];
    },
    gradient: gradient
      ? ({ inputs: [x], outputs: [y], attrs }, [d]) => [d && gradient(x, y, d, attrs.axes)]
      : "none",
    batch: ({ inputs, attrs }) => [
      emitOne(primitive, inputs, { axes: attrs.axes.map((axis) => axis + 1) }),
    ],
    interpret: ([x], { axes }) => [reduceValues(x, axes, initial(x), reducer(x.dtype))],
    flops: ([x]) => sizeOf(x.shape),
  };
  return primitive;
}

export interface KeepDims {
  /** Keep the reduced axes with extent 1. */
  readonly keepDims?: boolean;
}

export type AxesArgument = number | readonly number[];

function reduceWith(
  primitive: Primitive<string, Axes>,
  x: Tensor,
  axes: AxesArgument | undefined,
  { keepDims = false }: KeepDims,
): Tensor {
  const list = axesOf(primitive.name, x, axes);
  const reduced = list.length === 0 ? x : emitOne(primitive, [x], { axes: list });
  return keepDims
    ? reshape(
        reduced,
        x.shape.map((n, i) => (list.includes(i) ? 1 : n)),
      )
    : reduced;
}

/** The function that applies a reduction: over all axes unless they are given. */
export const liftReduction =
  (primitive: Primitive<string, Axes>) =>
  (x: Tensor, axes?: AxesArgument, options: KeepDims = {}): Tensor =>
    reduceWith(primitive, x, axes, options);
