/** @file Element-moving primitives in StableHLO. */

import type { AttrsOf } from "../../../../graph/ops/index.ts";
import type { Lowering } from "../lowering.ts";
import { writePad } from "./pad.ts";
import { i64, i64s } from "../text.ts";

const reshape: Lowering<AttrsOf<"reshape">> = ({ b, inputs: [x], attrs: { shape } }) => [
  b.reshape(x, shape),
];

const transpose: Lowering<AttrsOf<"transpose">> = ({ b, inputs: [x], attrs: { permutation } }) => [
  b.transpose(x, permutation),
];

const broadcastInDim: Lowering<AttrsOf<"broadcastInDim">> = ({ b, inputs: [x], attrs }) => [
  b.broadcast(x, attrs.shape, attrs.axes),
];

const slice: Lowering<AttrsOf<"slice">> = ({ b, inputs, outputs: [out], attrs }) => [
  b.one("slice", inputs, out, {
    start_indices: i64s(attrs.start),
    limit_indices: i64s(attrs.limit),
    strides: i64s(attrs.strides),
  }),
];

const pad: Lowering<AttrsOf<"pad">> = ({ b, inputs: [x, value], outputs: [out], attrs }) => [
  writePad(b, x, value, out, attrs),
];

const concatenate: Lowering<AttrsOf<"concatenate">> = ({ b, inputs, outputs: [out], attrs }) => [
  b.one("concatenate", inputs, out, { dimension: i64(attrs.axis) }),
];

const reverse: Lowering<AttrsOf<"reverse">> = ({ b, inputs, outputs: [out], attrs }) => [
  b.one("reverse", inputs, out, { dimensions: i64s(attrs.axes) }),
];

export const shapeLowerings = {
  reshape,
  transpose,
  broadcastInDim,
  slice,
  pad,
  concatenate,
  reverse,
};
