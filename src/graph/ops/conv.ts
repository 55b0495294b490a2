/** @file Convolutions and sliding windows; NHWC activations, HWIO kernels. */

import { type Shape, sameShape, sizeOf, stridesOf } from "../dtype.ts";
import type { Tensor} from "../tensor.ts";
import { type Primitive, type Spec, dtypeError, emitOne, shapeError } from "../tensor.ts";
import { type Value, forEachIndex, offsetOf, roundValue, zerosValue } from "../values.ts";
import { broadcastTo } from "./broadcast.ts";
import { zerosLike } from "./constant.ts";
import { greaterEqual, logicalNot, select } from "./elementwise.ts";
import { indexAxis, pad, reshape, reverse, slice, stack, transpose } from "./shape.ts";

/** Low and high padding of one spatial axis; negative values crop. */
export type Padding = readonly [low: number, high: number];

/** A convolution over n spatial axes (StableHLO's convolution with NHWC·HWIO→NHWC). */
export interface ConvDimensions {
  readonly strides: readonly number[];
  readonly padding: readonly Padding[];
  /** Dilation of the input: strides of the transposed convolution. */
  readonly lhsDilation: readonly number[];
  /** Dilation of the kernel. */
  readonly rhsDilation: readonly number[];
  /** Input features fall into this many groups; the kernel's input axis holds one group. */
  readonly featureGroups: number;
  /** The batch falls into this many groups, one for each group of output features. */
  readonly batchGroups: number;
}

const dilated = (n: number, dilation: number): number => (n === 0 ? 0 : (n - 1) * dilation + 1);

/** The extent of one spatial axis after a sliding window. */
export const windowExtent = (
  n: number,
  window: number,
  stride: number,
  [low, high]: Padding,
  inputDilation = 1,
  windowDilation = 1,
): number =>
  Math.max(
    Math.floor(
      (dilated(n, inputDilation) + low + high - dilated(window, windowDilation)) / stride,
    ) + 1,
    0,
  );

function convShape(inputs: readonly Spec[], attrs: ConvDimensions): Shape {
  const [lhs, rhs] = inputs;
  const spatial = lhs.shape.slice(1, -1);
  const outputs = spatial.map((n, i) =>
    windowExtent(
      n,
      rhs.shape[i],
      attrs.strides[i],
      attrs.padding[i],
      attrs.lhsDilation[i],
      attrs.rhsDilation[i],
    ),
  );
  return [lhs.shape[0] / attrs.batchGroups, ...outputs, rhs.shape.at(-1)!];
}

const convP: Primitive<"convGeneralDilated", ConvDimensions> = {
  name: "convGeneralDilated",
  infer(inputs, attrs) {
    const [lhs, rhs] = inputs;
    const { featureGroups, batchGroups } = attrs;
    const fail = (problem: string) => shapeError("convGeneralDilated", inputs, problem);
    if (lhs.dtype !== rhs.dtype)
      throw dtypeError("convGeneralDilated", inputs, "operands must share one dtype");
    const rank = lhs.shape.length - 2;
    if (rank < 1 || rhs.shape.length !== rank + 2)
      throw fail("takes [N, …, C] and [k…, I, O] of one rank");
    const lists = [attrs.strides, attrs.padding, attrs.lhsDilation, attrs.rhsDilation];
    if (lists.some((list) => list.length !== rank))
      throw fail(`needs one stride, padding and dilation for each of ${rank} axes`);
    if (lhs.shape.at(-1) !== rhs.shape.at(-2)! * featureGroups) {
      throw fail(
        `${lhs.shape.at(-1)} input features, but the kernel takes ${rhs.shape.at(-2)} × ${featureGroups} groups`,
      );
    }
    if (
      rhs.shape.at(-1)! % (featureGroups * batchGroups) !== 0 ||
      lhs.shape[0] % batchGroups !== 0
    ) {
      throw fail("groups do not divide the output features or the batch");
    }
    return [{ shape: convShape(inputs, attrs), dtype: lhs.dtype }];
  },
  gradient({ inputs: [lhs, rhs], attrs, needs }, [d]) {
    if (!d) return [null, null];
    return [
      needs[0] ? inputGradient(d, lhs, rhs, attrs) : null,
      needs[1] ? kernelGradient(d, lhs, rhs, attrs) : null,
    ];
  },
  batch({ inputs: [lhs, rhs], batched, attrs, size }) {
    if (batched[1]) return [batchedKernel(lhs, rhs, batched[0], attrs, size)];
    const merged = mergeBatch(lhs, attrs.batchGroups);
    const result = emitOne(convP, [merged, rhs], attrs);
    return [splitBatch(result, size)];
  },
  interpret([lhs, rhs], attrs) {
    const shape = convShape([lhs, rhs], attrs);
    return [convolve(lhs, rhs, shape, attrs)];
  },
  flops: ([, rhs], [out]) => 2 * sizeOf(out.shape) * sizeOf(rhs.shape.slice(0, -1)),
};

function convolve(lhs: Value, rhs: Value, shape: Shape, attrs: ConvDimensions): Value {
  const { strides, padding, lhsDilation, rhsDilation, featureGroups, batchGroups } = attrs;
  const result = zerosValue(shape, lhs.dtype);
  const lhsStrides = stridesOf(lhs.shape);
  const rhsStrides = stridesOf(rhs.shape);
  const rank = strides.length;
  const features = shape[rank + 1];
  const channels = rhs.shape[rank];
  const perBatchGroup = features / batchGroups;
  const perFeatureGroup = features / featureGroups;
  const taps = rhs.shape.slice(0, rank);
  forEachIndex(shape, (flat, index) => {
    const feature = index[rank + 1];
    const image = index[0] + Math.floor(feature / perBatchGroup) * shape[0];
    const channel0 = Math.floor(feature / perFeatureGroup) * channels;
    let sum = 0;
    forEachIndex(taps, (_tap, tap) => {
      let at = image * lhsStrides[0];
      let kernelAt = feature;
      for (let i = 0; i < rank; i++) {
        const place = index[i + 1] * strides[i] + tap[i] * rhsDilation[i] - padding[i][0];
        const n = place / lhsDilation[i];
        if (n < 0 || !Number.isInteger(n) || n >= lhs.shape[i + 1]) return;
        at += n * lhsStrides[i + 1];
        kernelAt += tap[i] * rhsStrides[i];
      }
      for (let c = 0; c < channels; c++) {
        sum += lhs.data[at + channel0 + c] * rhs.data[kernelAt + c * rhsStrides[rank]];
      }
    });
    result.data[flat] = sum;
  });
  return roundValue(result);
}

const spatialAxes = (x: Tensor): number[] => x.shape.slice(1, -1).map((_, i) => i);

/** Splits an axis of extent groups·n and moves the groups in front of another axis. */
function regroup(x: Tensor, from: number, groups: number, to: number): Tensor {
  if (groups === 1) return x;
  const inner = x.shape[from] / groups;
  const wide = reshape(x, [...x.shape.slice(0, from), groups, inner, ...x.shape.slice(from + 1)]);
  const order = wide.shape.map((_, i) => i).filter((i) => i !== from);
  order.splice(to, 0, from);
  const moved = transpose(wide, order);
  const merged = [...moved.shape];
  merged.splice(to, 2, moved.shape[to] * moved.shape[to + 1]);
  return reshape(moved, merged);
}

/** d/d input: the cotangent convolved with the flipped kernel, strides turned into input dilation. */
function inputGradient(d: Tensor, lhs: Tensor, rhs: Tensor, attrs: ConvDimensions): Tensor {
  const axes = spatialAxes(lhs);
  const { strides, padding, lhsDilation, rhsDilation, featureGroups, batchGroups } = attrs;
  const rank = axes.length;
  // [k…, I, O] → [k…, O/groups, groups·I]
  const flipped = reverse(rhs, axes);
  const swapped = (() => {
    const groups = featureGroups * batchGroups;
    if (groups === 1) return transpose(flipped, [...axes, rank + 1, rank]);
    const out = rhs.shape[rank + 1] / groups;
    const taps = rhs.shape.slice(0, rank);
    const wide = reshape(flipped, [...taps, rhs.shape[rank], groups, out]);
    const moved = transpose(wide, [...axes, rank + 2, rank + 1, rank]);
    return reshape(moved, [...taps, out, groups * rhs.shape[rank]]);
  })();
  const pads = axes.map((i): Padding => {
    const kernel = dilated(rhs.shape[i], rhsDilation[i]);
    const out = dilated(d.shape[i + 1], strides[i]);
    const low = kernel - padding[i][0] - 1;
    return [low, dilated(lhs.shape[i + 1], lhsDilation[i]) + kernel - 1 - out - low];
  });
  const product = emitOne(convP, [d, swapped], {
    strides: lhsDilation,
    padding: pads,
    lhsDilation: strides,
    rhsDilation,
    featureGroups: featureGroups * batchGroups,
    batchGroups: 1,
  });
  // with batch groups the groups came out as features: put them back into the batch
  if (batchGroups === 1) return product;
  return regroup(product, rank + 1, batchGroups, 0);
}

/** d/d kernel: the input convolved with the cotangent, images as features and features as images. */
function kernelGradient(d: Tensor, lhs: Tensor, rhs: Tensor, attrs: ConvDimensions): Tensor {
  const axes = spatialAxes(lhs);
  const rank = axes.length;
  const { strides, padding, lhsDilation, rhsDilation, featureGroups, batchGroups } = attrs;
  const spatial = axes.map((i) => i + 1);
  const images = transpose(lhs, [rank + 1, ...spatial, 0]); // [C, …, N]
  const cotangent = transpose(d, [...spatial, 0, rank + 1]); // [o…, N, F]
  const pads = axes.map((i): Padding => {
    const kernel = dilated(rhs.shape[i], rhsDilation[i]);
    const out = dilated(d.shape[i + 1], strides[i]);
    const input = dilated(lhs.shape[i + 1], lhsDilation[i]);
    const low = padding[i][0];
    return [low, out + kernel - 1 - input - low];
  });
  const product = emitOne(convP, [images, cotangent], {
    strides: rhsDilation,
    padding: pads,
    lhsDilation,
    rhsDilation: strides,
    featureGroups: batchGroups,
    batchGroups: featureGroups,
  }); // [C/groups, k…, F]
  return transpose(product, [...spatial, 0, rank + 1]);
}

/** [size, N, …] → [groups·size·(N/groups), …]: the new axis merges inside each batch group. */
function mergeBatch(x: Tensor, groups: number): Tensor {
  const [size, n, ...rest] = x.shape;
  if (groups === 1) return reshape(x, [size * n, ...rest]);
  const wide = reshape(x, [size, groups, n / groups, ...rest]);
  const moved = transpose(wide, [1, 0, ...wide.shape.map((_, i) => i).slice(2)]);
  return reshape(moved, [size * n, ...rest]);
}

const splitBatch = (x: Tensor, size: number): Tensor =>
  reshape(x, [size, x.shape[0] / size, ...x.shape.slice(1)]);

/** A kernel for each row of the batch axis: one convolution a row. */
function batchedKernel(
  lhs: Tensor,
  rhs: Tensor,
  lhsBatched: boolean,
  attrs: ConvDimensions,
  size: number,
): Tensor {
  const rows = Array.from({ length: size }, (_, i) =>
    emitOne(convP, [lhsBatched ? indexAxis(lhs, 0, i) : lhs, indexAxis(rhs, 0, i)], attrs),
  );
  return stack(rows);
}

/** A window that slides over every axis of its operand. */
export interface WindowDimensions {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly Padding[];
}

/** What a window computes. */
export type WindowKind = "sum" | "max" | "min";

const WINDOW: Record<WindowKind, { initial: number; reduce: (a: number, b: number) => number }> = {
  sum: { initial: 0, reduce: (a, b) => a + b },
  max: { initial: -Infinity, reduce: Math.max },
  min: { initial: Infinity, reduce: Math.min },
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
    const { initial, reduce } = WINDOW[attrs.kind];
    const result = zerosValue(windowShape(x, attrs), x.dtype);
    forEachWindow(x, attrs, (flat, inside) => {
      result.data[flat] = inside.reduce((sum, at) => reduce(sum, x.data[at]), initial);
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
  batch: ({ inputs: [x, source], batched, attrs, size }) => [
    emitOne(
      selectAndScatterAddP,
      [
        batched[0] ? x : broadcastTo(x, [size, ...x.shape]),
        batched[1] ? source : broadcastTo(source, [size, ...source.shape]),
      ],
      batchWindow(attrs),
    ),
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
  flops: (_inputs, _outputs, { window }) => sizeOf(window),
};

/** For each window, the element of `from` at the place where `x` is extreme (the first one at ties). */
function gatherSelected(x: Tensor, from: Tensor, attrs: SelectAttrs): Tensor {
  const { window, strides, padding, kind } = attrs;
  const config = padding.map(([low, high]) => [low, high] as const);
  const edge = kind === "max" ? -Infinity : Infinity;
  const keys = pad(x, config, edge);
  const values = pad(from, config);
  const outputs = windowShape(x, attrs);
  const at = (t: Tensor, tap: readonly number[]): Tensor =>
    slice(
      t,
      tap,
      tap.map((k, i) => k + (outputs[i] - 1) * strides[i] + 1),
      strides,
    );
  let best: Tensor | undefined;
  let chosen = zerosLike({ shape: outputs, dtype: from.dtype });
  forEachIndex(window, (_flat, tap) => {
    const [key, value] = [at(keys, [...tap]), at(values, [...tap])];
    const keep = best
      ? kind === "max"
        ? greaterEqual(best, key)
        : greaterEqual(key, best)
      : undefined;
    chosen = keep ? select(logicalNot(keep), value, chosen) : value;
    best = keep ? select(keep, best!, key) : key;
  });
  return chosen;
}

/** The sliding-window primitives by name. */
export const convPrimitives = {
  convGeneralDilated: convP,
  reduceWindow: reduceWindowP,
  selectAndScatterAdd: selectAndScatterAddP,
};

/** "SAME" (output = ⌈input / stride⌉, the odd pixel at the end), "VALID", or explicit pairs. */
export type PaddingArgument = "SAME" | "VALID" | readonly Padding[];

function resolvePadding(
  padding: PaddingArgument,
  extents: Shape,
  window: readonly number[],
  strides: readonly number[],
): readonly Padding[] {
  if (Array.isArray(padding)) return padding as readonly Padding[];
  return extents.map((n, i): Padding => {
    if (padding === "VALID") return [0, 0];
    const total = Math.max((Math.ceil(n / strides[i]) - 1) * strides[i] + window[i] - n, 0);
    return [Math.floor(total / 2), total - Math.floor(total / 2)];
  });
}

/** Options of {@link conv}; all default to 1 and "SAME". */
export interface ConvOptions {
  readonly strides?: number | readonly number[];
  readonly padding?: PaddingArgument;
  readonly lhsDilation?: number | readonly number[];
  readonly rhsDilation?: number | readonly number[];
  readonly groups?: number;
  readonly batchGroups?: number;
}

/** A convolution: x [N, spatial…, C], kernel [k…, C / groups, F] → [N, out…, F]. */
export function conv(x: Tensor, kernel: Tensor, options: ConvOptions = {}): Tensor {
  const rank = x.rank - 2;
  const list = (value: number | readonly number[] = 1): readonly number[] =>
    typeof value === "number" ? new Array<number>(Math.max(rank, 0)).fill(value) : value;
  const strides = list(options.strides);
  const rhsDilation = list(options.rhsDilation);
  const lhsDilation = list(options.lhsDilation);
  const window = kernel.shape.slice(0, rank).map((n, i) => dilated(n, rhsDilation[i]));
  const extents = x.shape.slice(1, -1).map((n, i) => dilated(n, lhsDilation[i]));
  return emitOne(convP, [x, kernel], {
    strides,
    padding: resolvePadding(options.padding ?? "SAME", extents, window, strides),
    lhsDilation,
    rhsDilation,
    featureGroups: options.groups ?? 1,
    batchGroups: options.batchGroups ?? 1,
  });
}

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
