import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import type { Features } from "../../preprocess/example.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { type Batch, evaluationBatches, trainingBatches } from "./batches.ts";
import { DataProblems } from "../problems.ts";
import type { Source } from "../source.ts";
import { createWorkerPool } from "./workers.ts";

const preprocessing = parsePreprocessing("decode|inception_crop(16)|flip_lr|randaug(2,10)");
let source: Source;

/** Twelve photographs of noise; the fifth is cut off, the ninth is no image. */
beforeAll(async () => {
  const files = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      sharp({
        create: {
          width: 60 + i,
          height: 50,
          channels: 3,
          background: "grey",
          noise: { type: "gaussian", mean: 128, sigma: 30 },
        },
      })
        .jpeg()
        .toBuffer(),
    ),
  );
  files[4] = files[4].subarray(0, 200);
  files[8] = Buffer.from("no image");
  source = {
    length: 12,
    fields: { image: "image" },
    names: {},
    id: (index) => `photo-${index}.jpg`,
    read: (index) => ({
      image: { shape: [files[index].length], dtype: "uint8", data: new Uint8Array(files[index]) },
      label: { shape: [], dtype: "int32", data: Int32Array.of(index) },
    }),
  };
});

const options = { batchSize: 4, seed: 1, preprocessing, onBadImage: "skip" as const };

async function take(stream: AsyncGenerator<Batch, unknown>, n: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  while (batches.length < n) batches.push((await stream.next()).value as Batch);
  await stream.return(undefined);
  return batches;
}

test("0, 1 and 2 workers give the same batches; bad images are replaced and named", async () => {
  const problems = new DataProblems();
  const alone = await take(trainingBatches(source, { ...options, problems }), 6);
  const seen = alone.flatMap(({ indices }) => [...indices]);
  expect(seen).not.toContain(4);
  expect(seen).not.toContain(8);
  expect(
    problems
      .toJSON()
      .examples.map(({ id }) => id)
      .sort(),
  ).toEqual(["photo-4.jpg", "photo-8.jpg"]);
  for (const size of [1, 2]) {
    using workers = createWorkerPool(size);
    expect(await take(trainingBatches(source, { ...options, workers }), 6)).toEqual(alone);
  }
});

test("a stream that leaves images out resumes bit for bit", async () => {
  const whole = await take(trainingBatches(source, options), 6);
  for (const [i, { next }] of whole.slice(0, 5).entries()) {
    const [resumed] = await take(trainingBatches(source, options, next), 1);
    expect(resumed).toEqual(whole[i + 1]);
  }
});

test("evaluation masks bad images where they stand", async () => {
  using workers = createWorkerPool(1);
  for (const given of [options, { ...options, workers }]) {
    const batches: Batch[] = [];
    for await (const batch of evaluationBatches(source, given)) batches.push(batch);
    expect(batches.map(({ features }) => [...features.mask.data])).toEqual([
      [1, 1, 1, 1],
      [0, 1, 1, 1],
      [0, 1, 1, 1],
    ]);
    expect(batches.map(({ count }) => count)).toEqual([4, 3, 3]);
    expect(batches[1].indices[0]).toBe(-1);
  }
});

test("pictures that no operation changes come over too", async () => {
  const png = await sharp(Buffer.from([1, 2, 3, 4, 5, 6]), {
    raw: { width: 2, height: 1, channels: 3 },
  })
    .png()
    .toBuffer();
  const image = { shape: [png.length], dtype: "uint8" as const, data: new Uint8Array(png) };
  using workers = createWorkerPool(1);
  const raw = { features: { image }, key: [0], id: "two.png" };
  const prepared = await workers.prepare("decode|rgb", () => raw);
  expect(prepared).toMatchObject({ features: { image: { shape: [1, 2, 3] } } });
  const { features } = prepared as { features: Features };
  expect([...features.image.data]).toEqual([1, 2, 3, 4, 5, 6]);
});

test("an error names the example and comes back as itself", async () => {
  using workers = createWorkerPool(2);
  const strict = { ...options, onBadImage: "error" as const, workers };
  await expect(take(trainingBatches(source, strict), 6)).rejects.toMatchObject({
    code: "data",
    message: expect.stringMatching(/^photo-[48]\.jpg cannot be decoded: /) as string,
  });
});

test("where no image can be decoded the stream ends with an error", async () => {
  const bad = { ...source, read: () => source.read(8) };
  const problems = new DataProblems();
  problems.add({ id: "another split/1.jpg", reason: "it is empty." });
  const stream = trainingBatches(bad, { ...options, problems, split: "train[:50%]" });
  await expect(stream.next()).rejects.toThrow(
    /^none of the \d+ images of the split train\[:50%\] can be decoded\. The first, photo-/,
  );
  const pass = evaluationBatches(bad, { ...options, problems: new DataProblems(), split: "test" });
  await expect(pass.next()).rejects.toThrow(
    /^none of the \d+ images of the split test can be decoded\. The first, photo-/,
  );
});
