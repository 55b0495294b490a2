/** @file Sliding windows: sums and extremes (pooling), and the gradient of max pooling. */

import { type DType, sameShape, sizeOf, stridesOf } from "../dtype.ts";
import {
  type Primitive,
  type Spec,
  type Tensor,
  dtypeError,
  emitOne,
  shapeError,
} from "../tensor.ts";
import {
  type Value,
  additionOf,
  forEachIndex,
  offsetOf,
  roundValue,
  zerosValue,
} from "../values.ts";
import { broadcastBatch } from "./broadcast.ts";
import { zerosLike } from "./constant.ts";
import {
  type Padding,
  type PaddingArgument,
  dilated,
  resolvePadding,
  windowExtent,
} from "./padding.ts";
import { highEnd, lowEnd } from "./reduce.ts";
import { greaterEqual, lessEqual, select } from "./select.ts";
import { pad, slice } from "./slice.ts";

/** A window that slides over every axis of its operand. */
export interface WindowDimensions {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly Padding[];
}

/** What a window computes. */
export type WindowKind = "sum" | "max" | "min";

const WINDOW: Record<
  WindowKind,
  { initial: (spec: Spec) => number; reduceOf: (dtype: DType) => (a: number, b: number) => number }
> = {
  sum: { initial: () => 0, reduceOf: additionOf },
  max: { initial: lowEnd, reduceOf: () => Math.max },
  min: { initial: highEnd, reduceOf: () => Math.min },
};

const windowShape = (x: Spec, { window, strides, padding }: WindowDimensions): number[] =>
  x.shape.map((n, i) => windowExtent(n, window[i], strides[i], padding[i]));

function checkWindow(operation: string, inputs: readonly Spec[], dims: WindowDimensions): void {
  const rank = inputs[0].shape.length;
  if ([dims.window, dims.strides, dims.padding].some((list) => list.length !== rank)) {
    throw shapeError(operation, inputs, "needs one window, stride and padding an axis");
  }
}

const batchWindow = <A extends WindowDimensions>(attrs: A): A => ({
  ...attrs,
  window: [1, ...attrs.window],
  strides: [1, ...attrs.strides],
  padding: [[0, 0], ...attrs.padding],
});

/** Visits, for each output position, the flat input positions inside its window in row-major order. */
function forEachWindow(
  x: Value,
  dims: WindowDimensions,
  visit: (output: number, inputs: number[]) => void,
): void {
  const strides = stridesOf(x.shape);
  forEachIndex(windowShape(x, dims), (flat, index) => {
    const inside: number[] = [];
    forEachIndex(dims.window, (_tap, tap) => {
      const place = tap.map((k, i) => index[i] * dims.strides[i] + k - dims.padding[i][0]);
      if (place.every((k, i) => k >= 0 && k < x.shape[i])) inside.push(offsetOf(place, strides));
    });
    visit(flat, inside);
  });
}

const reduceWindowP: Primitive<"reduceWindow", WindowDimensions & { kind: WindowKind }> = {
  name: "reduceWindow",
  infer(inputs, attrs) {
    checkWindow("reduceWindow", inputs, attrs);
    if (inputs[0].dtype === "bool") throw dtypeError("reduceWindow", inputs, "takes numbers");
    return [{ shape: windowShape(inputs[0], attrs), dtype: inputs[0].dtype }];
  },
  gradient({ inputs: [x], attrs }, [d]) {
    if (!d) return [null];
    if (attrs.kind !== "sum") return [selectAndScatterAdd(x, d, { ...attrs, kind: attrs.kind })];
    const { window, strides, padding } = attrs;
    const config = x.shape.map((n, i) => {
      const spread = dilated(d.shape[i], strides[i]);
      const low = window[i] - 1 - padding[i][0];
      return [low, n + window[i] - 1 - spread - low, strides[i] - 1] as const;
    });
    const ones = x.shape.map(() => 1);
    const none = x.shape.map((): Padding => [0, 0]);
    return [
      emitOne(reduceWindowP, [pad(d, config)], {
        kind: "sum",
        window,
        strides: ones,
        padding: none,
      }),
    ];
  },
  batch: ({ inputs, attrs }) => [emitOne(reduceWindowP, inputs, batchWindow(attrs))],
  interpret([x], attrs) {
    const { initial, reduceOf } = WINDOW[attrs.kind];
    const reduce = reduceOf(x.dtype);
    const result = zerosValue(windowShape(x, attrs), x.dtype);
    const start = initial(x);
    forEachWindow(x, attrs, (flat, inside) => {
      result.data[flat] = inside.reduce((sum, at) => reduce(sum, x.data[at]), start);
    });
    return [roundValue(result)];
  },
  flops: (_inputs, [out], { window }) => sizeOf(out.shape) * sizeOf(window),
};

type SelectAttrs = WindowDimensions & { kind: "max" | "min" };

const selectAndScatterAddP: Primitive<"selectAndScatterAdd", SelectAttrs> = {
  name: "selectAndScatterAdd",
  infer(inputs, attrs) {
    checkWindow("selectAndScatterAdd", inputs, attrs);
    const [x, source] = inputs;
    if (!sameShape(source.shape, windowShape(x, attrs))) {
      throw shapeError(
        "selectAndScatterAdd",
        inputs,
        `the source must have shape [${windowShape(x, attrs)}]`,
      );
    }
    return [{ shape: x.shape, dtype: source.dtype }];
  },
  gradient: ({ inputs: [x], attrs, needs }, [d]) => [
    null,
    d && needs[1] ? gatherSelected(x, d, attrs) : null,
  ],
  batch: (context) => [
    emitOne(selectAndScatterAddP, broadcastBatch(context), batchWindow(context.attrs)),
  ],
  interpret([x, source], attrs) {
    const sums = new Float64Array(x.data.length);
    const keeps =
      attrs.kind === "max" ? (a: number, b: number) => a >= b : (a: number, b: number) => a <= b;
    forEachWindow(x, attrs, (flat, inside) => {
      if (inside.length === 0) return;
      const chosen = inside.reduce((best, at) => (keeps(x.data[best], x.data[at]) ? best : at));
      sums[chosen] += source.data[flat];
    });
    const result = zerosValue(x.shape, source.dtype);
    result.data.set(sums);
    return [roundValue(result)];
  },
  flops: ([, source], _outputs, { window }) => sizeOf(source.shape) * sizeOf(window),
};

/** For each window, the element of `from` at the place where `x` is extreme (the first one at ties). */
function gatherSelected(x: Tensor, from: Tensor, attrs: SelectAttrs): Tensor {
  const { window, strides, padding, kind } = attrs;
  const extents = windowShape(x, attrs);
  if (sizeOf(extents) === 0) return zerosLike({ shape: extents, dtype: from.dtype });
  const keys = pad(x, padding, kind === "max" ? lowEnd(x) : highEnd(x));
  const values = pad(from, padding);
  const last = extents.map((n, i) => (n - 1) * strides[i] + 1);
  const views: { key: Tensor; value: Tensor }[] = [];
  forEachIndex(window, (_flat, tap) => {
    const limit = tap.map((k, i) => k + last[i]);
    const view = (t: Tensor) => slice(t, [...tap], limit, strides);
    views.push({ key: view(keys), value: view(values) });
  });
  return views.reduce((best, next) => {
    const keeps = kind === "max" ? greaterEqual(best.key, next.key) : lessEqual(best.key, next.key);
    return {
      key: select(keeps, best.key, next.key),
      value: select(keeps, best.value, next.value),
    };
  }).value;
}

/** The sliding-window primitives by name. */
export const windowPrimitives = {
  reduceWindow: reduceWindowP,
  selectAndScatterAdd: selectAndScatterAddP,
};

/** A sliding sum, maximum or minimum over every axis; padding adds the reduction's neutral element. */
export function reduceWindow(
  x: Tensor,
  kind: WindowKind,
  window: readonly number[],
  strides: readonly number[] = window.map(() => 1),
  padding: PaddingArgument = "VALID",
): Tensor {
  const pads = resolvePadding(padding, x.shape, window, strides);
  return emitOne(reduceWindowP, [x], { kind, window, strides, padding: pads });
}

/** Adds each window's source to the place of its extreme element (the gradient of max pooling). */
export const selectAndScatterAdd = (x: Tensor, source: Tensor, dims: SelectAttrs): Tensor =>
  emitOne(selectAndScatterAddP, [x, source], {
    kind: dims.kind,
    window: dims.window,
    strides: dims.strides,
    padding: dims.padding,
  });
