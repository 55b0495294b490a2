/** @file Convolutions and sliding windows in StableHLO. */

import { type Shape, sizeOf } from "../../../../graph/dtype.ts";
import type { AttrsOf } from "../../../../graph/ops/index.ts";
import type { ConvDimensions } from "../../../../graph/ops/conv.ts";
import { dilated } from "../../../../graph/ops/padding.ts";
import { type Builder, type Value, dimensions } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { i64, i64s, list, pairs } from "../text.ts";
import { writePad } from "./pad.ts";
import { precisionOf } from "./dot.ts";
import { betterOf, combiner, neutral, widened } from "./reduce.ts";

/**
 * A convolution whose padding crops nothing: an image is cropped first. XLA's kernels for CPUs take negative padding for
 * a large number, and read what lies beside the image in memory.
 */
function cropped(b: Builder, x: Value, attrs: ConvDimensions): { x: Value; attrs: ConvDimensions } {
  const crops = attrs.padding.map((edges) => edges.some((n) => n < 0));
  if (!crops.some(Boolean)) return { x, attrs };
  const at = (of: (axis: number) => number): number[] => [
    0,
    ...crops.map((crop, axis) => (crop ? of(axis) : 0)),
    0,
  ];
  const [low, high] = [0, 1].map((side) => at((axis) => attrs.padding[axis][side]));
  const interior = at((axis) => attrs.lhsDilation[axis] - 1);
  const shape = x.shape.map((n, i) => dilated(n, interior[i] + 1) + low[i] + high[i]);
  const image = writePad(
    b,
    x,
    b.scalar(0, x.dtype),
    { shape, dtype: x.dtype },
    { low, high, interior },
  );
  return {
    x: image,
    attrs: {
      ...attrs,
      padding: attrs.padding.map((edges, i) => (crops[i] ? [0, 0] : edges)),
      lhsDilation: attrs.lhsDilation.map((n, i) => (crops[i] ? 1 : n)),
    },
  };
}

const convGeneralDilated: Lowering<AttrsOf<"convGeneralDilated">> = ({
  b,
  inputs: [whole, rhs],
  outputs: [out],
  attrs: given,
}) => {
  if ([whole, rhs, out].some(({ shape }) => sizeOf(shape) === 0)) return [b.full(out, 0)];
  const { x: lhs, attrs } = cropped(b, whole, given);
  const axes = attrs.strides.map((_, i) => i);
  const image = list(["b", ...axes, "f"]);
  const numbers = `#stablehlo.conv<${image}x${list([...axes, "i", "o"])}->${image}>`;
  return [
    b.one("convolution", [lhs, rhs], out, {
      dimension_numbers: numbers,
      window_strides: i64s(attrs.strides),
      padding: pairs(attrs.padding),
      lhs_dilation: i64s(attrs.lhsDilation),
      rhs_dilation: i64s(attrs.rhsDilation),
      feature_group_count: i64(attrs.featureGroups),
      batch_group_count: i64(attrs.batchGroups),
      ...precisionOf(b, lhs),
    }),
  ];
};

const windowAttributes = (attrs: AttrsOf<"reduceWindow"> | AttrsOf<"selectAndScatterAdd">) => ({
  window_dimensions: i64s(attrs.window),
  window_strides: i64s(attrs.strides),
  padding: pairs(attrs.padding),
});

const REDUCERS = { sum: "add", max: "maximum", min: "minimum" } as const;

const reduceWindow: Lowering<AttrsOf<"reduceWindow">> = ({
  b,
  inputs: [x],
  outputs: [out],
  attrs,
}) => {
  if (sizeOf(out.shape) === 0) return [b.full(out, 0)];
  const reduce = (wide: Value): Value =>
    b.one(
      "reduce_window",
      [wide, b.scalar(neutral(REDUCERS[attrs.kind], x.dtype), wide.dtype)],
      { shape: out.shape, dtype: wide.dtype },
      windowAttributes(attrs),
      [combiner(b, REDUCERS[attrs.kind], wide.dtype)],
    );
  return [attrs.kind === "sum" ? widened(b, x, reduce) : reduce(x)];
};

/** The place of padding, behind all others. */
const NOWHERE = 2 ** 31 - 1;

/** How many leading axes no window slides along. */
function idleAxes({ window, strides, padding }: AttrsOf<"selectAndScatterAdd">): number {
  const slides = window.findIndex(
    (extent, i) => extent !== 1 || strides[i] !== 1 || padding[i].some((n) => n !== 0),
  );
  return slides < 0 ? window.length : slides;
}

/**
 * The sources added at the first extreme element of their windows. XLA's select_and_scatter leaves open which of equal
 * elements a window chooses, so each element carries its place: the smaller one wins, in whatever order they are compared.
 */
const selectAndScatterAdd: Lowering<AttrsOf<"selectAndScatterAdd">> = ({
  b,
  inputs: [x, source],
  outputs: [out],
  attrs,
}) => {
  if (sizeOf(source.shape) === 0 || sizeOf(x.shape) === 0) return [b.full(out, 0)];
  const lead = idleAxes(attrs);
  const batch = x.shape.slice(0, lead);
  const flat = (shape: Shape): number[] => [...batch, sizeOf(shape.slice(lead))];
  const inner = { shape: [sizeOf(x.shape.slice(lead))], dtype: "int32" as const };
  const count = b.one("iota", [], inner, { iota_dimension: i64(0) });
  const axes = x.shape.map((_, i) => i).slice(lead);
  const places = b.broadcast(b.reshape(count, x.shape.slice(lead)), x.shape, axes);
  const isMax = attrs.kind === "max";
  const edge = b.scalar(neutral(isMax ? "maximum" : "minimum", x.dtype), x.dtype);
  const [, chosen] = b.op(
    "stablehlo.reduce_window",
    [x, places, edge, b.scalar(NOWHERE, "int32")],
    [
      { shape: source.shape, dtype: x.dtype },
      { shape: source.shape, dtype: "int32" },
    ],
    windowAttributes(attrs),
    [betterOf(b, isMax ? "GT" : "LT", x.dtype)],
  );
  const shared = batch.map((_, i) => i);
  const zeros = b.full({ shape: flat(out.shape), dtype: source.dtype }, 0);
  const scatter = (wide: Value): Value =>
    b.one(
      "scatter",
      [
        wide,
        b.reshape(chosen, flat(source.shape)),
        b.convert(b.reshape(source, flat(source.shape)), wide.dtype),
      ],
      wide,
      {
        scatter_dimension_numbers: dimensions("scatter", {
          update_window_dims: [],
          inserted_window_dims: [lead],
          input_batching_dims: shared,
          scatter_indices_batching_dims: shared,
          scatter_dims_to_operand_dims: [lead],
          index_vector_dim: lead + 1,
        }),
      },
      [combiner(b, "add", wide.dtype)],
    );
  return [b.reshape(widened(b, zeros, scatter), out.shape)];
};

export const convLowerings = { convGeneralDilated, reduceWindow, selectAndScatterAdd };
