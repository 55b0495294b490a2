/** @file Convolutions; NHWC activations, HWIO kernels. */

import { type Shape, sizeOf, stridesOf } from "../dtype.ts";
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
  multiplicationOf,
  roundValue,
  zerosValue,
} from "../values.ts";
import { broadcastTo } from "./broadcast.ts";
import {
  type Padding,
  type PaddingArgument,
  dilated,
  resolvePadding,
  windowExtent,
} from "./padding.ts";
import { moveAxis, reshape, reverse, transpose } from "./shape.ts";

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
    if (lhs.dtype !== rhs.dtype || lhs.dtype === "bool") {
      throw dtypeError("convGeneralDilated", inputs, "operands must share one numeric dtype");
    }
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
    if (featureGroups > 1 && batchGroups > 1)
      throw fail("has feature groups or batch groups, not both");
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
    const result = emitOne(convP, [mergeBatch(lhs, attrs.batchGroups), rhs], attrs);
    return [reshape(result, [size, result.shape[0] / size, ...result.shape.slice(1)])];
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
  const [plus, times] = [additionOf(lhs.dtype), multiplicationOf(lhs.dtype)];
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
        const weight = rhs.data[kernelAt + c * rhsStrides[rank]];
        sum = plus(sum, times(lhs.data[at + channel0 + c], weight));
      }
    });
    result.data[flat] = sum;
  });
  return roundValue(result);
}

const spatialAxes = (x: Tensor): number[] => x.shape.slice(1, -1).map((_, i) => i);

/** Splits an axis into groups·n, and merges the groups in front of another axis. */
function regroup(x: Tensor, from: number, groups: number, to: number): Tensor {
  if (groups === 1) return x;
  const inner = x.shape[from] / groups;
  const wide = reshape(x, [...x.shape.slice(0, from), groups, inner, ...x.shape.slice(from + 1)]);
  return mergeAxis(wide, from, to);
}

/** Merges an axis in front of another one (numbered without it): extents a and b become one of a·b. */
function mergeAxis(x: Tensor, from: number, to: number): Tensor {
  const shape = moveAxis(x, from, to).shape;
  return reshape(moveAxis(x, from, to), [
    ...shape.slice(0, to),
    shape[to] * shape[to + 1],
    ...shape.slice(to + 2),
  ]);
}

/** d/d input: the cotangent convolved with the flipped kernel, strides turned into input dilation. */
function inputGradient(d: Tensor, lhs: Tensor, rhs: Tensor, attrs: ConvDimensions): Tensor {
  const axes = spatialAxes(lhs);
  const { strides, padding, lhsDilation, rhsDilation, featureGroups, batchGroups } = attrs;
  const rank = axes.length;
  const groups = featureGroups * batchGroups; // of the output's features
  // [k…, I, O] → [k…, O / groups, groups·I]
  const turned = moveAxis(reverse(rhs, axes), rank, rank + 1);
  const swapped = regroup(turned, rank, groups, rank + 1);
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
    featureGroups: groups,
    batchGroups: 1,
  });
  return regroup(product, rank + 1, batchGroups, 0); // batch groups came out as features
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

/** [size, N, …] → [groups·size·(N / groups), …]: the new axis merges inside each batch group. */
function mergeBatch(x: Tensor, groups: number): Tensor {
  const [size, n, ...rest] = x.shape;
  const wide = reshape(x, [size, groups, n / groups, ...rest]);
  return reshape(moveAxis(wide, 0, 1), [size * n, ...rest]);
}

/** A kernel for each row of the batch axis: one convolution whose feature groups are the rows. */
function batchedKernel(
  lhs: Tensor, // [N, …, C], or [size, N, …, C]
  rhs: Tensor, // [size, k…, I, O]
  lhsBatched: boolean,
  attrs: ConvDimensions,
  size: number,
): Tensor {
  const { featureGroups, batchGroups } = attrs;
  const first = lhsBatched ? 1 : 0;
  const last = lhs.rank - 1;
  const images = regroup(lhs, first, batchGroups, last); // groups of images → of features
  const groups = featureGroups * batchGroups;
  const shared = !lhsBatched && groups === 1;
  const rows = lhsBatched || shared ? images : broadcastTo(images, [size, ...images.shape]);
  const input = shared ? rows : mergeAxis(rows, 0, rows.rank - 2); // [N, …, size·C]
  const product = emitOne(convP, [input, mergeAxis(rhs, 0, rhs.rank - 2)], {
    ...attrs,
    featureGroups: shared ? 1 : size * groups,
    batchGroups: 1,
  }); // [N, …, size·O]
  const features = product.shape.at(-1)! / size;
  return moveAxis(reshape(product, [...product.shape.slice(0, -1), size, features]), -2, 0);
}

/** The convolution by name. */
export const convPrimitives = { convGeneralDilated: convP };

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
