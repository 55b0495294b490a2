import { expect, test } from "vitest";
import type { Features } from "../../preprocess/example.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { collate } from "../../preprocess/collate.ts";
import { arraySource } from "../classification/arrays.ts";
import { type Batch, evaluationBatches, trainingBatches } from "./batches.ts";

/** Ten images of 3×3; the middle pixel and the label both tell the example. */
const source = arraySource({
  images: { shape: [10, 3, 3], dtype: "uint8", data: Uint8Array.from({ length: 90 }, (_, i) => i) },
  labels: { shape: [10], dtype: "uint8", data: Uint8Array.from({ length: 10 }, (_, i) => i) },
  name: "ten",
});
const options = { batchSize: 4, seed: 3, preprocessing: parsePreprocessing("random_shift(1)") };

async function take(stream: AsyncGenerator<Batch, unknown>, n: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  while (batches.length < n) batches.push((await stream.next()).value as Batch);
  return batches;
}

const labels = (batch: Batch): number[] => [...(batch.features.label.data as Int32Array)];

test("every epoch visits each example once, in another order; batches span epochs", async () => {
  const batches = await take(trainingBatches(source, options), 5);
  const seen = batches.flatMap(labels);
  for (const epoch of [seen.slice(0, 10), seen.slice(10)]) {
    expect(epoch.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }
  expect(seen.slice(0, 10)).not.toEqual(seen.slice(10));
  expect(batches.map(({ next }) => [next.epoch, next.index])).toEqual([
    [0, 4],
    [0, 8],
    [1, 2],
    [1, 6],
    [1, 10],
  ]);
  expect(batches[0].features.image.shape).toEqual([4, 3, 3, 1]);
  expect([...batches[0].features.mask.data]).toEqual([1, 1, 1, 1]);
});

test("a stream started at a batch's next goes on bit for bit", async () => {
  const whole = await take(trainingBatches(source, options), 7);
  for (const [i, { next }] of whole.slice(0, 5).entries()) {
    const [resumed] = await take(trainingBatches(source, options, next), 1);
    expect(resumed).toEqual(whole[i + 1]);
  }
});

test("order and augmentation depend on the seed, not on how long reading takes", async () => {
  let turn = 0;
  const slow = {
    ...source,
    read: async (index: number): Promise<Features> => {
      for (let i = 0; i < (turn = (turn * 5 + 3) % 7); i++) await Promise.resolve();
      return source.read(index);
    },
  };
  const expected = await take(trainingBatches(source, options), 3);
  expect(await take(trainingBatches(slow, options), 3)).toEqual(expected);
  const other = await take(trainingBatches(source, { ...options, seed: 4 }), 3);
  expect(other.flatMap(labels)).not.toEqual(expected.flatMap(labels));
});

test("evaluation sees each example once; the last batch is padded and masked", async () => {
  const batches: Batch[] = [];
  for await (const batch of evaluationBatches(source, options)) batches.push(batch);
  expect(batches.map(labels)).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9, 0, 0],
  ]);
  expect(batches.map(({ count }) => count)).toEqual([4, 4, 2]);
  expect([...batches[2].features.mask.data]).toEqual([1, 1, 0, 0]);
  expect([...batches[2].features.image.data.slice(18)]).toEqual(new Array(18).fill(0));
});

test("examples of different shapes are refused", () => {
  const image = (size: number) => ({
    image: { shape: [size], dtype: "uint8" as const, data: new Uint8Array(size) },
  });
  expect(() => collate([image(2), image(3)], 2)).toThrow('"image" is uint8[2] and uint8[3]');
});
