/** @file Images in blocks of channels, and their planes: what transposes of such images move. */

import type { GraphBuilder } from "../builder.ts";
import type { Dense } from "../view.ts";

/** ONNX Runtime's own operators over images in blocks of channels. */
export const BLOCKED = "com.microsoft.nchwc";

/** An image whose channels lie in blocks, beside a value [batch, height, width, channels] of the same elements. */
export interface BlockedImage {
  /** [batch, channels, height, width] to ONNX; in memory [batch, channels / block, height, width, block]. */
  readonly image: Dense;
  /** Where it is nothing but another image times a factor for each channel of each image: those. */
  readonly scaled?: { readonly image: Dense; readonly factor: Dense };
}

/** The extents of all axes but the last, each split where an image ends, and how many of them are the batch's. */
function splitBatch(shape: readonly number[], batch: number) {
  const parts: number[][] = [];
  let before = 1;
  let outer = 0;
  for (const extent of shape.slice(0, -1)) {
    const rest = batch / before; // images that one step along the axes so far holds
    const isSplit = rest > 1 && rest < extent;
    if (rest > 1 && (isSplit ? extent % rest : rest % extent) !== 0) return undefined;
    if (rest > 1) outer++;
    parts.push(isSplit ? [rest, extent / rest] : [extent]);
    before *= extent;
  }
  return { parts, outer };
}

/**
 * The transpose of an image in blocks whose channels move away from the end: ONNX Runtime takes the blocks apart into
 * planes, and whole planes move, which is much faster than to move element by element. Undefined for other values.
 */
export function transposePlanes(
  builder: GraphBuilder,
  x: Dense,
  permutation: readonly number[],
): Dense | undefined {
  const image = builder.blockedOf(x)?.image;
  const last = x.shape.length - 1;
  if (image?.dtype !== "float32" || permutation.at(-1) === last) return undefined;
  const [batch, channels] = image.shape;
  const split = x.shape[last] === channels ? splitBatch(x.shape, batch) : undefined;
  if (!split) return undefined;
  const planes = builder.once(`planes:${image.name}`, () =>
    builder.op("ReorderOutput", [image], {
      ...image,
      domain: BLOCKED,
      attributes: { channels: { i: channels }, channels_last: { i: 0 } },
    }),
  );
  const { parts, outer } = split;
  const extents = parts.flat();
  let next = 0;
  // the channels come between the batch and space
  const places = parts.map((part) => part.map(() => (next < outer ? next++ : ++next)));
  const moved = builder.transpose(
    builder.reshape(planes, [...extents.slice(0, outer), channels, ...extents.slice(outer)]),
    permutation.flatMap((axis) => places[axis] ?? [outer]),
  );
  return builder.reshape(
    moved,
    permutation.map((axis) => x.shape[axis]),
  );
}
