/** @file How images are seen while a backbone is trained further: other crops, and the scaling that it was trained with. */

import { parsePreprocessing } from "../preprocess/pipeline.ts";
import type { Backbone } from "./backbone.ts";

/**
 * A preprocessing with other operations on the decoded image in place of its own, and its scaling of pixels.
 *
 * @returns undefined where it does not begin by decoding to colours
 */
export function onImages(preprocessing: string, operations: string): string | undefined {
  const { hostOperations, text, decodesColours } = parsePreprocessing(preprocessing);
  if (!decodesColours) return undefined;
  const calls = text.split("|");
  return [calls[0], operations, ...calls.slice(hostOperations)].join("|");
}

/**
 * A preprocessing for training from that for evaluation: a random part of at least half of the image, perhaps mirrored.
 * Images that are not decoded to colours, or not square, are taken as for evaluation.
 */
export function cropped({
  preprocessing,
  imageShape: [height, width, channels],
}: Pick<Backbone, "preprocessing" | "imageShape">): string {
  if (height !== width || channels !== 3) return preprocessing;
  return onImages(preprocessing, `inception_crop(${height},50)|flip_lr`) ?? preprocessing;
}
