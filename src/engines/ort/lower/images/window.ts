/** @file Sliding windows in ONNX: along one axis after another, as slices that are added or compared. */

import { type DType, type Shape, fromNumbers, sizeOf, stridesOf } from "../../../../graph/dtype.ts";
import { highEnd, lowEnd } from "../../../../graph/ops/reduce.ts";
import type { WindowDimensions, WindowKind } from "../../../../graph/ops/window.ts";
import { forEachIndex } from "../../../../graph/values.ts";
import type { LoweringContext, Lowerings } from "../context.ts";
import { apply } from "../ops/elementwise.ts";
import { constantView } from "../ops/random.ts";
import { rowMajor, unscaled } from "../realise.ts";
import { filled, reduceNumbers } from "../ops/reduce.ts";
import { scatterRows } from "../ops/gather.ts";
import { padView, reshaped, sliceView } from "../ops/shape.ts";
import { type View, broadcastView, viewOf } from "../view.ts";

const OPERATORS: Record<WindowKind, string> = { sum: "Add", max: "Max", min: "Min" };

/** What a window over nothing gives. */
const neutral = (kind: WindowKind, dtype: DType): number =>
  kind === "sum" ? 0 : (kind === "max" ? lowEnd : highEnd)({ shape: [], dtype });

/** A copy of a list with one entry replaced. */
const withEntry = (list: Shape, axis: number, value: number): number[] =>
  list.map((entry, i) => (i === axis ? value : entry));

/** Slides a window along one axis. */
function slideAxis(
  context: LoweringContext,
  view: View,
  axis: number,
  kind: WindowKind,
  {
    window,
    strides,
    padding,
    out,
  }: { window: number; strides: number; padding: readonly [number, number]; out: number },
): View {
  const { builder } = context;
  const { dtype } = view.dense;
  const only = (value: number) =>
    withEntry(
      view.shape.map(() => 0),
      axis,
      value,
    );
  const padded = padView(builder, view, builder.scalar(neutral(kind, dtype), dtype), {
    low: only(padding[0]),
    high: only(padding[1]),
    interior: only(0),
  });
  const n = padded.shape[axis];
  if (out * window === n && (strides === window || out === 1)) {
    // windows side by side: a reduction
    const shape = [...padded.shape.slice(0, axis), out, window, ...padded.shape.slice(axis + 1)];
    return reduceNumbers(context, kind, reshaped(builder, padded, shape), [axis + 1]);
  }
  const taps = Array.from({ length: window }, (_, k) =>
    tapOf(context, padded, axis, k, strides, out),
  );
  return taps.reduce((sum, tap) =>
    apply(context, [sum, tap], dtype, (e, a, b) => e.op(OPERATORS[kind], [a, b])),
  );
}

/** The elements at place k of each window along an axis. */
const tapOf = (
  { builder }: LoweringContext,
  view: View,
  axis: number,
  k: number,
  stride: number,
  out: number,
): View => {
  const end = k + (out - 1) * stride + 1;
  const shape = withEntry(view.shape, axis, out);
  return sliceView(builder, view, [{ axis, start: k, end, step: stride }], shape);
};

const lowerReduceWindow: Lowerings<"reduceWindow">["reduceWindow"] = (
  context,
  [x],
  { kind, window, strides, padding },
  { outputs: [y] },
) => {
  const { dtype } = x.dense;
  const isVoid = sizeOf(x.shape) === 0 || sizeOf(window) === 0;
  if (isVoid) return [filled(context.builder, neutral(kind, dtype), y.shape, dtype)];
  let view = kind === "sum" ? x : unscaled(context.builder, x);
  window.forEach((extent, axis) => {
    const idle = extent === 1 && strides[axis] === 1 && padding[axis].every((n) => n === 0);
    if (idle) return;
    const along = {
      window: extent,
      strides: strides[axis],
      padding: padding[axis],
      out: y.shape[axis],
    };
    view = slideAxis(context, view, axis, kind, along);
  });
  return [view];
};

/** For each output position, how far in the padded operand its window's first place lies from the first one inside. */
function placesOfFirst(
  context: LoweringContext,
  padded: Shape,
  { window, strides, padding }: WindowDimensions,
  outputs: Shape,
): View {
  const steps = stridesOf(padded);
  return outputs.reduce(
    (total, out, axis) => {
      const [low, high] = padding[axis];
      const leads = Array.from({ length: out }, (_, i) => {
        const lead = Math.max(low - i * strides[axis], 0);
        return lead < window[axis] && low + high < padded[axis] ? lead * steps[axis] : 0;
      });
      if (leads.every((lead) => lead === 0)) return total;
      const list = constantView(context.builder, fromNumbers(leads, [out], "int32"));
      const along = broadcastView(list, outputs, [axis]);
      return apply(context, [total, along], "int32", (e, a, b) => e.op("Add", [a, b]));
    },
    filled(context.builder, 0, outputs, "int32"),
  );
}

/**
 * Each window's first extreme element, as its flat position in the padded operand. Padding is no more extreme than any
 * element, so the first tap wins from the padding only where all elements are equal to it: it stands for the first of them.
 */
function extremePlaces(
  context: LoweringContext,
  padded: View,
  dims: WindowDimensions & { kind: "max" | "min" },
  outputs: Shape,
): View {
  const { builder } = context;
  const { window, strides, kind } = dims;
  const { dtype } = padded.dense;
  const steps = stridesOf(padded.shape);
  const compare = kind === "max" ? "GreaterOrEqual" : "LessOrEqual";
  let best: View | undefined;
  let offset = placesOfFirst(context, padded.shape, dims, outputs);
  forEachIndex(window, (_flat, tap) => {
    let key = padded;
    tap.forEach((k, axis) => (key = tapOf(context, key, axis, k, strides[axis], outputs[axis])));
    if (!best) {
      best = key;
      return;
    }
    const place = filled(
      builder,
      tap.reduce((sum, k, i) => sum + k * steps[i], 0),
      outputs,
      "int32",
    );
    const keep = apply(context, [best, key], "bool", (e, a, b) => e.op(compare, [a, b], "bool"));
    offset = apply(context, [keep, offset, place], "int32", (e, p, a, b) => e.where(p, a, b));
    best = apply(context, [keep, best, key], dtype, (e, p, a, b) => e.where(p, a, b));
  });
  outputs.forEach((n, axis) => {
    if (n === 1) return;
    const places = broadcastView(viewOf(builder.range(n, "int32")), outputs, [axis]);
    const step = builder.scalar(steps[axis] * strides[axis], "int32");
    offset = apply(context, [offset, places], "int32", (e, a, b) =>
      e.op("Add", [a, e.op("Mul", [b, step])]),
    );
  });
  return offset;
}

const lowerSelectAndScatter: Lowerings<"selectAndScatterAdd">["selectAndScatterAdd"] = (
  context,
  [x, source],
  attrs,
  { outputs: [y] },
) => {
  const { builder } = context;
  const { dtype } = source.dense;
  if (sizeOf(source.shape) === 0 || sizeOf(attrs.window) === 0)
    return [filled(builder, 0, y.shape, dtype)];
  const low = attrs.padding.map(([n]) => n);
  const high = attrs.padding.map(([, n]) => n);
  const interior = low.map(() => 0);
  const keys = unscaled(builder, x);
  const edge = builder.scalar(neutral(attrs.kind, x.dense.dtype), x.dense.dtype);
  const padded = padView(builder, keys, edge, { low, high, interior });
  const places = extremePlaces(context, padded, attrs, source.shape);
  const size = sizeOf(padded.shape);
  const blank = filled(builder, 0, [size], dtype);
  const updates = viewOf(rowMajor(builder, source), [sizeOf(source.shape)]);
  const flat = reshaped(builder, places, [sizeOf(source.shape)]);
  const sums = viewOf(scatterRows(context, blank, flat, updates), padded.shape);
  const back = { low: low.map((n) => -n), high: high.map((n) => -n), interior };
  return [padView(builder, sums, builder.scalar(0, dtype), back)];
};

/** The lowerings of sliding windows by name. */
export const windowLowerings: Lowerings<"reduceWindow" | "selectAndScatterAdd"> = {
  reduceWindow: lowerReduceWindow,
  selectAndScatterAdd: lowerSelectAndScatter,
};
