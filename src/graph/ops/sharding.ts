/** @file withSharding: how a value is split over the devices of a mesh, said inside a program. */

import { type Primitive, type Tensor, emitOne, shapeError, specOf } from "../tensor.ts";

/**
 * For each axis of an array the axis of the mesh that it is split over, several with the slowest first, or null for
 * none. Axes that are not listed are not split; every device has a copy of what is not split.
 *
 * @example
 * ["data"]; // the batch
 * [null, "model"]; // the columns of a kernel
 */
export type Sharding = readonly (string | readonly string[] | null)[];

export interface ShardingAttrs {
  readonly sharding: Sharding;
}

const withShardingP: Primitive<"withSharding", ShardingAttrs> = {
  name: "withSharding",
  infer([x], { sharding }) {
    if (sharding.length > x.shape.length) {
      throw shapeError("withSharding", [x], `the sharding names ${sharding.length} axes`);
    }
    return [specOf(x)];
  },
  gradient: ({ attrs }, [d]) => [d && emitOne(withShardingP, [d], attrs)],
  batch: ({ inputs, attrs: { sharding } }) => [
    emitOne(withShardingP, inputs, { sharding: [null, ...sharding] }),
  ],
  interpret: ([x]) => [x],
  flops: () => 0,
};

/** The sharding primitive by name. */
export const shardingPrimitives = { withSharding: withShardingP };

/**
 * x, split over the mesh as said, and its cotangent too. The compiler moves what must move; on an engine without a mesh
 * it is x.
 *
 * @example
 * const hidden = withSharding(dense(scope, x, 4096), ["data", null, "model"]); // [batch, tokens, hidden]
 */
export const withSharding = (x: Tensor, sharding: Sharding): Tensor =>
  emitOne(withShardingP, [x], { sharding });
