/**
 * @file Images whose channels lie in blocks, [batch, channels / block, height, width, block]: the layout of ONNX Runtime's
 * fastest convolutions. To the rest of the lowering such an image is a value [batch, height, width, channels], of which the
 * builder knows that it is there in blocks too; whichever of both nobody reads is dropped in the end.
 */

import { type Shape, sameShape, sizeOf } from "../../../../graph/dtype.ts";
import type { GraphBuilder } from "../builder.ts";
import { BLOCKED, type BlockedImage } from "./planes.ts";
import { align, ordered } from "../realise.ts";
import {
  type Dense,
  type View,
  denseStrides,
  heldSize,
  layoutOf,
  reshapeView,
  viewOf,
} from "../view.ts";

/** The image in blocks that a view shows as a whole, in the order [batch, height, width, channels]. */
export function imageOf(builder: GraphBuilder, view: View): BlockedImage | undefined {
  const blocked = builder.blockedOf(view.dense);
  const strides = blocked && denseStrides(view.shape);
  return strides?.every((stride, axis) => stride === view.strides[axis]) ? blocked : undefined;
}

/** An image in blocks as a view [batch, height, width, channels]. */
export function viewOfImage(builder: GraphBuilder, blocked: BlockedImage): View {
  const { image } = blocked;
  const { dtype } = image;
  const [batch, channels, height, width] = image.shape;
  const shape = [batch, height, width, channels];
  const dense =
    dtype === "float32"
      ? builder.op("ReorderOutput", [image], {
          shape,
          dtype,
          domain: BLOCKED,
          attributes: { channels: { i: channels }, channels_last: { i: 1 } },
        })
      : unblocked(builder, image);
  builder.setBlocked(dense, blocked);
  return viewOf(dense, shape);
}

/** The same by ONNX's transpose, for dtypes that ONNX Runtime does not reorder. */
function unblocked(builder: GraphBuilder, image: Dense): Dense {
  const [batch, channels, height, width] = image.shape;
  const blocks = builder.reshape(image, [
    batch,
    channels / builder.block,
    height * width,
    builder.block,
  ]);
  return builder.reshape(builder.transpose(blocks, [0, 2, 1, 3]), [batch, height, width, channels]);
}

/** The image of a view [batch, height, width, channels] without a factor, put into blocks unless it is there so. */
export function inBlocks(builder: GraphBuilder, view: View): Dense {
  const known = imageOf(builder, view);
  if (known) return known.image;
  const [batch, height, width, channels] = view.shape;
  const isPlanar = layoutOf(view).indexOf(3) < layoutOf(view).indexOf(1); // channels before space
  const dense = align(builder, view, isPlanar ? [0, 3, 1, 2] : [0, 1, 2, 3], "full");
  return builder.once(`blocked:${dense.name}:${dense.shape.join()}:${isPlanar}`, () =>
    builder.op("ReorderInput", [dense], {
      shape: [batch, channels, height, width],
      dtype: dense.dtype,
      domain: BLOCKED,
      attributes: { channels_last: { i: isPlanar ? 0 : 1 } },
    }),
  );
}

/** The axes of a shape over an image, split where blocks, channels and images end. */
export interface FineAxes {
  readonly shape: Shape;
  /** For each axis, the one that it is a part of. */
  readonly parents: readonly number[];
  /** The axes in the order of memory in blocks. */
  readonly order: readonly number[];
  /** The axes that are height and width. */
  readonly spatial: readonly number[];
}

/** How an image [batch, height, width, channels] in another shape of its size falls into blocks, if it does. */
export function fineAxes(
  shape: Shape,
  { image }: BlockedImage,
  block: number,
): FineAxes | undefined {
  const [, channels, height, width] = image.shape;
  const bounds = [block, channels, channels * height * width];
  const parts: { extent: number; parent: number; kind: number }[] = []; // innermost first
  let inner = 1;
  const add = (extent: number, parent: number): void => {
    parts.push({ extent, parent, kind: bounds.filter((bound) => inner >= bound).length });
    inner *= extent;
  };
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    let rest = shape[axis];
    for (const bound of bounds) {
      if (bound <= inner || bound >= inner * rest) continue;
      if (bound % inner !== 0 || rest % (bound / inner) !== 0) return undefined;
      rest /= bound / inner;
      add(bound / inner, axis);
    }
    add(rest, axis);
  }
  parts.reverse();
  const ofKind = (kind: number) => parts.flatMap((part, i) => (part.kind === kind ? [i] : []));
  return {
    shape: parts.map(({ extent }) => extent),
    parents: parts.map(({ parent }) => parent),
    order: [...ofKind(3), ...ofKind(1), ...ofKind(2), ...ofKind(0)],
    spatial: ofKind(2),
  };
}

/** An image's blocks as a dense value of four axes: space is one. */
const blocksOf = (builder: GraphBuilder, image: Dense): Dense => {
  const [batch, channels, height, width] = image.shape;
  const { block } = builder;
  return builder.reshape(image, [batch, channels / block, height * width, block]);
};

/**
 * Views of one shape, of which one at least is an image in blocks, as views in the memory order of blocks. Other images
 * are put into blocks; undefined where that cannot be done.
 */
export function blockedViews(
  builder: GraphBuilder,
  views: readonly View[],
): { readonly like: Dense; readonly views: readonly View[] } | undefined {
  const images = views.map((view) => imageOf(builder, view));
  const like = images.find((image) => image !== undefined);
  const fine = like && fineAxes(views[0].shape, like, builder.block);
  if (!fine) return undefined;
  const [batch, channels, height, width] = like.image.shape;
  const ofImage = (image: Dense, scale: number): View =>
    ordered(blocksOf(builder, builder.scaled(image, scale)), fine.shape, fine.order);
  const fitted = views.map((view, i): View | undefined => {
    const given = images[i]?.image;
    if (given) {
      return sameShape(given.shape, like.image.shape) ? ofImage(given, view.scale) : undefined;
    }
    if (heldSize(view) < sizeOf(view.shape)) return reshapeView(view, fine.shape);
    const whole = reshapeView({ ...view, scale: 1 }, [batch, height, width, channels]);
    if (view.dense.dtype !== "float32" || !whole) return undefined;
    return ofImage(inBlocks(builder, whole), view.scale);
  });
  if (!fitted.every((view) => view !== undefined)) return undefined;
  return { like: like.image, views: fitted };
}

/**
 * Applies to an image in blocks what only changes its height and width (axes 1 and 2): `change` gets it as a view
 * [batch, height, width, channels / block, block] and gives such a view back. Undefined where it is not in blocks.
 */
export function inSpace(
  builder: GraphBuilder,
  view: View,
  axes: readonly number[],
  change: (view: View) => View,
): View | undefined {
  const image = view.shape.length === 4 ? imageOf(builder, view)?.image : undefined;
  if (!image || axes.some((axis) => axis === 0 || axis === 3 || view.shape[axis] === 1)) {
    return undefined;
  }
  const [batch, channels, height, width] = image.shape;
  if (!sameShape(view.shape, [batch, height, width, channels])) return undefined;
  const shape = [batch, height, width, channels / builder.block, builder.block];
  const order = [0, 3, 1, 2, 4];
  const made = change({ ...ordered(blocksOf(builder, image), shape, order), scale: view.scale });
  const dense = align(builder, { ...made, scale: 1 }, order, "full");
  const changed = [batch, channels, made.shape[1], made.shape[2]];
  const result = viewOfImage(builder, { image: builder.reshape(dense, changed) });
  return { ...result, scale: made.scale };
}
