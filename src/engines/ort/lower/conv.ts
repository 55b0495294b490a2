/** @file Convolutions in ONNX: NHWC programs on NCHW kernels, whose results stay NCHW in memory until someone minds. */

import { OcelliError } from "../../../errors.ts";
import { sizeOf } from "../../../graph/dtype.ts";
import type { ConvDimensions } from "../../../graph/ops/conv.ts";
import type { Padding } from "../../../graph/ops/padding.ts";
import type { LoweringContext, Lowerings } from "./context.ts";
import { product } from "./dot.ts";
import { align, ordered } from "./realise.ts";
import { filled } from "./reduce.ts";
import { padView, reshaped } from "./shape.ts";
import { type View, permuteView } from "./view.ts";

/** ONNX Runtime's convolutions slide along up to three axes. */
const MAX_SPATIAL = 3;

/** Batch groups as feature groups: [groups · n, …, C] → [n, …, groups · C]. */
function batchGroupsAsFeatures({ builder }: LoweringContext, x: View, groups: number): View {
  const [batch, ...rest] = x.shape;
  const wide = reshaped(builder, x, [groups, batch / groups, ...rest]);
  const spatial = rest.slice(0, -1).map((_, i) => i + 2);
  const moved = permuteView(wide, [1, ...spatial, 0, rest.length + 1]);
  return reshaped(builder, moved, [batch / groups, ...rest.slice(0, -1), groups * rest.at(-1)!]);
}

const isPlain = ({ lhsDilation, featureGroups }: ConvDimensions, padding: readonly Padding[]) =>
  featureGroups === 1 &&
  lhsDilation.every((d) => d === 1) &&
  padding.every(([low, high]) => low === 0 && high === 0);

/**
 * How a spatial axis splits where windows neither overlap nor leave gaps: into [positions, taps] if the stride is the
 * kernel's extent (patches), into [taps, positions] if the dilation is the result's extent (the kernel's gradient).
 */
function tiling(extent: number, taps: number, stride: number, dilation: number, out: number) {
  if (dilation === 1 && stride === taps && out * taps === extent) return "patches";
  if (stride === 1 && dilation === out && out * taps === extent) return "comb";
  return undefined;
}

/** A convolution whose windows tile the input, as one matrix product. */
function tiledConvolution(
  context: LoweringContext,
  x: View,
  kernel: View,
  attrs: ConvDimensions,
  out: readonly number[],
): View | undefined {
  const rank = attrs.strides.length;
  const tilings = attrs.strides.map((stride, i) =>
    tiling(x.shape[i + 1], kernel.shape[i], stride, attrs.rhsDilation[i], out[i]),
  );
  if (tilings.includes(undefined)) return undefined;
  const split = tilings.flatMap((kind, i) =>
    kind === "patches" ? [out[i], kernel.shape[i]] : [kernel.shape[i], out[i]],
  );
  const wide = reshaped(context.builder, x, [x.shape[0], ...split, x.shape.at(-1)!]);
  const taps = tilings.map((kind, i) => 1 + 2 * i + (kind === "patches" ? 1 : 0));
  return product(context, wide, kernel, {
    lhsBatch: [],
    rhsBatch: [],
    lhsContract: [...taps, 1 + 2 * rank],
    rhsContract: [...attrs.strides.map((_, i) => i), rank],
  });
}

const lowerConv: Lowerings<"convGeneralDilated">["convGeneralDilated"] = (
  context,
  [input, kernel],
  attrs,
  { outputs: [y] },
) => {
  const { builder } = context;
  const { strides, lhsDilation, rhsDilation, batchGroups } = attrs;
  const { dtype } = input.dense;
  const rank = strides.length;
  if (sizeOf(input.shape) === 0 || sizeOf(kernel.shape) === 0) return [filled(builder, 0, y.shape, dtype)];
  if (dtype !== "float32") {
    throw new OcelliError("unsupported", `the ort engine has no convolution of ${dtype}.`, {
      hint: "Convert to float32.",
    });
  }
  if (rank > MAX_SPATIAL) {
    throw new OcelliError("unsupported", `the ort engine convolves along up to ${MAX_SPATIAL} axes, not ${rank}.`);
  }
  const x = batchGroups === 1 ? input : batchGroupsAsFeatures(context, input, batchGroups);
  const groups = attrs.featureGroups * batchGroups;
  const scale = x.scale * kernel.scale;
  const unscaled = { ...kernel, scale: 1 };
  if (isPlain(attrs, attrs.padding) && batchGroups === 1) {
    const tiled = tiledConvolution(context, x, kernel, attrs, y.shape.slice(1, -1));
    if (tiled) return [tiled];
  }
  const zeros = (n: number) => new Array<number>(n).fill(0);
  const mustPad =
    lhsDilation.some((d) => d !== 1) || attrs.padding.flat().some((amount) => amount < 0);
  const pads: readonly Padding[] = mustPad ? strides.map(() => [0, 0]) : attrs.padding;
  const padded = mustPad
    ? padView(builder, { ...x, scale: 1 }, builder.scalar(0, dtype), {
        low: [0, ...attrs.padding.map(([low]) => low), 0],
        high: [0, ...attrs.padding.map(([, high]) => high), 0],
        interior: [0, ...lhsDilation.map((d) => d - 1), 0],
      })
    : { ...x, scale: 1 };
  const spatial = zeros(rank).map((_, i) => i + 1);
  const order = [0, rank + 1, ...spatial];
  const images = align(builder, padded, order, "full"); // [N, C, …]
  const filters = align(builder, unscaled, [rank + 1, rank, ...zeros(rank).map((_, i) => i)], "full"); // [F, C / groups, k…]
  const made = builder.op("Conv", [images, filters], {
    shape: order.map((axis) => y.shape[axis]),
    dtype,
    attributes: {
      kernel_shape: { ints: kernel.shape.slice(0, rank) },
      strides: { ints: strides },
      dilations: { ints: rhsDilation },
      pads: { ints: [...pads.map(([low]) => low), ...pads.map(([, high]) => high)] },
      group: { i: groups },
    },
  });
  return [{ ...ordered(made, y.shape, order), scale }];
};

/** The lowering of convolutions by name. */
export const convLowerings: Lowerings<"convGeneralDilated"> = { convGeneralDilated: lowerConv };
