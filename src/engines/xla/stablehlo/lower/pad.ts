/** @file Padding in StableHLO; over several devices along axes that are whole on each. */

import type { PadAttrs } from "../../../../graph/ops/slice.ts";
import type { Spec } from "../../../../graph/tensor.ts";
import type { Builder, Value } from "../builder.ts";
import { i64s } from "../text.ts";

/**
 * Pads with a scalar. XLA's partitioner makes wrong elements of interior padding and of shifts along an axis that is
 * split over devices, so such an axis is made whole before; the other axes stay split as they are.
 */
export function writePad(b: Builder, x: Value, value: Value, out: Spec, attrs: PadAttrs): Value {
  const pads = (axis: number): boolean =>
    [attrs.low, attrs.high, attrs.interior].some((list) => list[axis] !== 0);
  const whole = (y: Value): Value => {
    if (!b.mesh) return y;
    const axes = y.shape.map((_, axis) => (pads(axis) ? "{}" : "{?}"));
    const sharding = `#sdy.sharding<@mesh, [${axes.join(", ")}]>`;
    return b.op("sdy.sharding_constraint", [y], [y], { sharding })[0];
  };
  return whole(
    b.one("pad", [whole(x), value], out, {
      edge_padding_low: i64s(attrs.low),
      edge_padding_high: i64s(attrs.high),
      interior_padding: i64s(attrs.interior),
    }),
  );
}
