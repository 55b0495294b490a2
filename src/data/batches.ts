/** @file Batches of preprocessed examples: an endless shuffled stream for training, one pass for evaluation. */

import { OcelliError } from "../errors.ts";
import { bytesOf } from "../formats/bytes.ts";
import { typedArray } from "../graph/dtype.ts";
import type { Features } from "../preprocess/operation.ts";
import type { Preprocessing } from "../preprocess/pipeline.ts";
import { seededRandom } from "../preprocess/random.ts";
import { epochOrder } from "./shuffle.ts";
import type { Source } from "./source.ts";

/** A place in the training stream: the next example is the `index`-th of the epoch's order. */
interface Position {
  readonly epoch: number;
  readonly index: number;
}

/** A batch in host memory. */
export interface Batch {
  /** The examples' arrays, stacked: `image` [batch, …], `label` [batch]; and `mask` [batch], 0 where padded. */
  readonly features: Features;
  /** How many examples are real. */
  readonly count: number;
  /** Where the stream goes on after this batch. */
  readonly next: Position;
}

/** What both kinds of stream take. */
export interface BatchOptions {
  readonly batchSize: number;
  readonly preprocessing: Preprocessing;
  /** Decides the order and, with the epoch and the example's id, every random operation. */
  readonly seed: number;
}

/**
 * Full batches without end. Every epoch visits each example once in its own order, and a batch may span two epochs.
 * Started at a batch's `next`, the stream goes on as if it had never stopped.
 */
export async function* trainingBatches(
  source: Source,
  { batchSize, preprocessing, seed }: BatchOptions,
  start: Position = { epoch: 0, index: 0 },
): AsyncGenerator<Batch, never> {
  let { epoch, index } = start;
  let order = epochOrder(source.length, seed, epoch);
  for (;;) {
    const examples: Promise<Features>[] = [];
    while (examples.length < batchSize) {
      if (index === source.length) {
        index = 0;
        order = epochOrder(source.length, seed, ++epoch);
      }
      examples.push(prepare(source, order[index++], preprocessing, [seed, epoch]));
    }
    const features = collate(await Promise.all(examples), batchSize);
    yield { features, count: batchSize, next: { epoch, index } };
  }
}

/** All examples once, in their own order; the last batch is padded with zeros and masked. */
export async function* evaluationBatches(
  source: Source,
  { batchSize, preprocessing, seed }: BatchOptions,
): AsyncGenerator<Batch, void> {
  for (let begin = 0; begin < source.length; begin += batchSize) {
    const count = Math.min(batchSize, source.length - begin);
    const examples = Array.from({ length: count }, (_, i) =>
      prepare(source, begin + i, preprocessing, [seed, "evaluation"]),
    );
    const features = collate(await Promise.all(examples), batchSize);
    yield { features, count, next: { epoch: 0, index: begin + count } };
  }
}

async function prepare(
  source: Source,
  index: number,
  preprocessing: Preprocessing,
  key: readonly (number | string)[],
): Promise<Features> {
  return preprocessing.onHost(await source.read(index), seededRandom(...key, source.id(index)));
}

/**
 * Examples stacked to `batchSize`, the missing ones zeros, with `mask` [batchSize], float32, saying which are real.
 * All examples must agree in their arrays' shapes and dtypes.
 */
export function collate(examples: readonly Features[], batchSize: number): Features {
  const mask = Float32Array.from({ length: batchSize }, (_, i) => (i < examples.length ? 1 : 0));
  const stacked = Object.entries(examples[0]).map(([name, { shape, dtype, data }]) => {
    const out = typedArray(dtype, batchSize * data.length);
    const bytes = new Uint8Array(out.buffer);
    examples.forEach((example, i) => {
      const array = example[name];
      if (array?.dtype !== dtype || String(array.shape) !== String(shape)) {
        const show = (given: typeof array) => `${given?.dtype}[${given?.shape.join(",")}]`;
        throw new OcelliError(
          "data",
          `a batch needs equal shapes, but "${name}" is ${show({ shape, dtype, data })} and ${show(array)}.`,
          { hint: "Add an operation such as resize(28) to the preprocessing." },
        );
      }
      bytes.set(bytesOf(array), i * data.byteLength);
    });
    return [name, { shape: [batchSize, ...shape], dtype, data: out }];
  });
  return {
    ...Object.fromEntries(stacked),
    mask: { shape: [batchSize], dtype: "float32", data: mask },
  } as Features;
}
