/** @file Two streams in one step: the batches of a training, and beside each one a batch of images without labels. */

import type { Features } from "../../preprocess/example.ts";
import { besideFields } from "../../preprocess/beside.ts";
import type { Batch } from "./batches.ts";

/** The seed of the second stream: its order is another one than that of the first, which may be of the same images. */
export const besideSeed = (seed: number): number => seed + 0x5eed;

/** The batches of two endless streams, one beside the other. Ending it ends both. */
export async function* besideBatches(
  own: AsyncGenerator<Batch, never>,
  unlabelled: AsyncGenerator<Batch, never>,
): AsyncGenerator<Batch, never> {
  try {
    for (;;) {
      const [{ value: first }, { value: second }] = await Promise.all([
        own.next(),
        unlabelled.next(),
      ]);
      const features: Features = { ...first.features, ...besideFields(second.features) };
      yield { ...first, features, next: { ...first.next, beside: second.next } };
    }
  } finally {
    await Promise.all([own.return(undefined as never), unlabelled.return(undefined as never)]);
  }
}
