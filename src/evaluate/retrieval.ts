/** @file Retrieval between images and texts: recall at the first few ranks, both ways. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { toNumbers } from "../graph/index.ts";
import type { NamedValues } from "./evaluator.ts";
import { largest } from "./classification/knn.ts";
import { type Matrix, dot, matrixOf, rowOf } from "./matrix.ts";

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
 * nearest, and so on; `txt2img_recall@1` likewise. Products are held for one image at a time.
 *
 * @see https://github.com/google-research/big_vision (`evaluators/proj/image_text/image_text_retrieval.py`)
 */
export function retrieval({ zimg, ztxt, imageOfText }: PairedEmbeddings): NamedValues {
  const [images, texts] = [matrixOf(zimg), matrixOf(ztxt)];
  const owners = toNumbers(imageOfText);
  checkPairs(images, texts, owners);
  const own = owners.map((image, text) => dot(rowOf(images, image), rowOf(texts, text)));
  const imageRanks: number[] = [];
  const textRanks = new Int32Array(texts.rows); // how many images are nearer to a text than its own
  const similarity = new Float64Array(texts.rows);
  for (let image = 0; image < images.rows; image++) {
    const vector = rowOf(images, image);
    for (let text = 0; text < texts.rows; text++) {
      similarity[text] = dot(vector, rowOf(texts, text));
      textRanks[text] += Number(isBefore(image, similarity[text], owners[text], own[text]));
    }
    const nearest = largest(similarity, RANKS.at(-1)!);
    imageRanks.push(nearest.findIndex((text) => owners[text] === image));
  }
  return [...recalls("img2txt", imageRanks), ...recalls("txt2img", Array.from(textRanks))];
}

/** Whether an image stands before a text's own, of equals the earlier first; one of NaN does, so that it counts as wrong. */
const isBefore = (image: number, score: number, owner: number, own: number): boolean =>
  image !== owner && (score === own ? image < owner : !(score < own));

function checkPairs(images: Matrix, texts: Matrix, owners: readonly number[]): void {
  const fail = (message: string): never => {
    throw new OcelliError("shape", message);
  };
  if (images.columns !== texts.columns) {
    fail(`images are vectors of ${images.columns}, texts of ${texts.columns}.`);
  }
  if (owners.length !== texts.rows || owners.length === 0) {
    fail(`${texts.rows} texts belong to ${owners.length} images.`);
  }
  const wrong = owners.find((owner) => !(owner >= 0 && owner < images.rows));
  if (wrong !== undefined) fail(`a text belongs to image ${wrong}; there are ${images.rows}.`);
}

/** The part of ranks, from 0, that are among the first few; -1 is none. */
const recalls = (name: string, ranks: readonly number[]): NamedValues =>
  RANKS.map((k) => {
    const found = ranks.filter((rank) => rank >= 0 && rank < k).length;
    return [`${name}_recall@${k}`, found / ranks.length];
  });
