/** @file Maps of classes: which pixels count, and their cross-entropy. */

import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  broadcastInDim,
  broadcastTo,
  convert,
  div,
  maximum,
  mul,
  notEqual,
  oneHot,
  reduceSum,
} from "../graph/index.ts";
import { shapeError } from "../graph/tensor.ts";
import { NO_CLASS } from "../preprocess/example.ts";
import { softmaxXent } from "./softmax.ts";

/** 1 for the pixels that have a class, of examples that a mask [batch] keeps; map [batch, height, width] → float32 alike. */
export function labelledPixels(map: Tensor, mask?: Tensor): Tensor {
  const labelled = convert(notEqual(convert(map, "int32"), NO_CLASS), "float32");
  if (!mask) return labelled;
  return mul(labelled, broadcastInDim(convert(mask, "float32"), map.shape, [0]));
}

/** Scores of each pixel, [batch, height, width, classes]; a configuration error of a model that gives others. */
export function pixelScores(logits: Tensor): Tensor {
  if (logits.rank === 4) return logits;
  throw new OcelliError(
    "config",
    `segmentation needs logits [batch, height, width, classes], but the model gives [${logits.shape.join(", ")}].`,
    { hint: 'Put it into a segmenter: model { name: "segmenter", backbone: { name: … } }.' },
  );
}

/** What {@link pixelXent} takes beside logits and map. */
interface PixelXentOptions {
  /** 0 for examples that do not count, [batch]. */
  readonly mask?: Tensor;
  /** How much the pixels of each class weigh, [classes]; all the same where absent. */
  readonly weights?: Tensor;
}

/**
 * The mean cross-entropy of the pixels that have a class, each by the weight of its class (divided by the sum of these
 * weights, as PyTorch's is), with that sum; 0 where no pixel has one.
 *
 * @param logits [batch, height, width, classes]
 * @param map integers [batch, height, width], 255 for no class
 */
export function pixelXent(
  logits: Tensor,
  map: Tensor,
  { mask, weights }: PixelXentOptions = {},
): { readonly loss: Tensor; readonly count: Tensor } {
  const [batch, height, width, classes] = logits.shape;
  if (logits.rank !== 4 || String(map.shape) !== String([batch, height, width])) {
    const takes = "takes logits [batch, height, width, classes] and a map [batch, height, width]";
    throw shapeError("pixelXent", [logits, map], takes);
  }
  const dtype = logits.dtype === "float64" ? "float64" : "float32";
  const hot = oneHot(map, classes, dtype); // [batch, height, width, classes]
  const weighted = weights ? mul(hot, broadcastTo(weights, hot.shape)) : hot;
  const labelled = convert(labelledPixels(map, mask), dtype);
  const total = reduceSum(mul(softmaxXent(logits, weighted), labelled));
  const count = reduceSum(mul(reduceSum(weighted, 3), labelled));
  return { loss: div(total, maximum(count, 1e-8)), count };
}
