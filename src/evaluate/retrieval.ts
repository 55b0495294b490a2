/** @file Retrieval between images and texts: recall at the first few ranks, both ways. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { toNumbers } from "../graph/index.ts";
import type { NamedValues } from "./evaluator.ts";
import { largest } from "./classification/knn.ts";
import { type Matrix, matrixOf, rowOf, timesTransposed, transpose } from "./matrix.ts";

const RANKS = [1, 5, 10] as const;

/** Embeddings of images and texts. */
export interface PairedEmbeddings {
  /** [images, dim] */
  readonly zimg: HostArray;
  /** [texts, dim] */
  readonly ztxt: HostArray;
  /** The image that each text belongs to, [texts]; an image may have several. */
  readonly imageOfText: HostArray;
}

/**
 * Recall at 1, 5 and 10 by dot product: `img2txt_recall@1`, the part of images for which any of their texts is the
 * nearest, and so on; `txt2img_recall@1` likewise.
 *
 * @see https://github.com/google-research/big_vision (`evaluators/proj/image_text/image_text_retrieval.py`)
 */
export function retrieval({ zimg, ztxt, imageOfText }: PairedEmbeddings): NamedValues {
  const similarity = timesTransposed(matrixOf(zimg), matrixOf(ztxt)); // [images, texts]
  const owner = toNumbers(imageOfText);
  if (owner.length !== similarity.columns || owner.length === 0) {
    throw new OcelliError("shape", `${similarity.columns} texts belong to ${owner.length} images.`);
  }
  return [
    ...recalls("img2txt", similarity, (image, text) => owner[text] === image),
    ...recalls("txt2img", transpose(similarity), (text, image) => owner[text] === image),
  ];
}

/** The part of rows that have a match among their first columns. */
function recalls(
  name: string,
  similarity: Matrix,
  matches: (row: number, column: number) => boolean,
): NamedValues {
  const firstMatch = Array.from({ length: similarity.rows }, (_, row) =>
    largest(rowOf(similarity, row), RANKS.at(-1)!).findIndex((column) => matches(row, column)),
  );
  return RANKS.map((k) => {
    const found = firstMatch.filter((rank) => rank >= 0 && rank < k).length;
    return [`${name}_recall@${k}`, found / similarity.rows];
  });
}
