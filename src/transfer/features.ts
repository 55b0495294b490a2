/** @file Features of images: computed by a frozen backbone in batches, and kept in the cache folder. */

import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { evaluationBatches } from "../data/stream/batches.ts";
import {
  type BadImagePolicy,
  DataProblems,
  type DataProblemsSummary,
  isProblems,
} from "../data/problems.ts";
import { type Source, imagesOf } from "../data/source.ts";
import type { WorkerPool } from "../data/stream/workers.ts";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import { bytesOf } from "../formats/bytes.ts";
import { readSafetensors, safetensorsChunks } from "../formats/safetensors.ts";
import { type HostArray, type Tensor, hostArray } from "../graph/index.ts";
import { cacheFolder } from "../packages/cache.ts";
import type { Example } from "../preprocess/example.ts";
import { type Preprocessing, parsePreprocessing } from "../preprocess/pipeline.ts";
import { OcelliError } from "../errors.ts";
import { diskError, writeAtomically } from "../files.ts";
import { packageVersion } from "../runs/environment.ts";
import { disposeTree, uploadTree } from "../served/device-trees.ts";
import { classOf } from "../served/classification/shots.ts";
import type { ModelTensors } from "../served/outputs.ts";
import { type Backbone, featuresOf } from "./backbone.ts";
import { pruneFolder, touch } from "../packages/prune.ts";

/** What gives features of prepared images. */
export interface FeatureMaker {
  readonly preprocessing: Preprocessing;
  /** Features [batch, features] of images after the host's part of the preprocessing. */
  run(image: HostArray): Promise<HostArray>;
}

/** A backbone on a device. It owns memory until it is disposed; the engine is the caller's. */
export interface Extractor extends FeatureMaker {
  readonly backbone: Backbone;
  readonly engine: Engine;
  [Symbol.dispose](): void;
}

/** Uploads a backbone; it is compiled at its first batch. */
export async function createExtractor(engine: Engine, backbone: Backbone): Promise<Extractor> {
  const { net, params, variables } = backbone;
  const preprocessing = parsePreprocessing(backbone.preprocessing);
  const arrays = await uploadTree(engine, { params, variables });
  const forward = jit(engine, function features(weights: ModelTensors, image: Tensor) {
    return featuresOf(net, weights, preprocessing.onDevice({ image }).image);
  });
  return {
    backbone,
    engine,
    preprocessing,
    async run(image) {
      const features = (await forward(arrays, image)) as DeviceArray;
      const host = await features.read();
      features.dispose();
      return host;
    },
    [Symbol.dispose]: () => disposeTree(arrays),
  };
}

/** How images are read for their features. */
export interface FeatureOptions {
  readonly batchSize: number;
  readonly workers?: WorkerPool;
  readonly onBadImage: BadImagePolicy;
  readonly progress?: (done: number, total: number) => void;
}

/** Features of one batch, only of the images that could be read. */
export interface FeatureBatch {
  /** Which examples they are of. */
  readonly indices: readonly number[];
  /** float32 [indices, features] */
  readonly features: HostArray;
}

/** The features of a source's images, batch after batch; however many there are, a few batches are in memory. */
export async function* featureBatches(
  maker: FeatureMaker,
  source: Source,
  { progress, ...options }: FeatureOptions & { readonly problems?: DataProblems },
): AsyncGenerator<FeatureBatch, void> {
  const { preprocessing } = maker;
  let done = 0;
  const batching = { ...options, preprocessing, seed: 0 };
  for await (const batch of evaluationBatches(imagesOf(source), batching)) {
    const { shape, data } = await maker.run(batch.features.image);
    const all = data as Float32Array;
    const rows = [...batch.indices.keys()].filter((row) => batch.indices[row] >= 0);
    const [, width] = shape;
    const kept = new Float32Array(rows.length * width);
    rows.forEach((row, i) => kept.set(all.subarray(row * width, (row + 1) * width), i * width));
    progress?.((done += rows.length), source.length);
    yield {
      indices: rows.map((row) => batch.indices[row]),
      features: hostArray([rows.length, width], "float32", kept),
    };
  }
}

/** The features of the images of a whole source. */
export interface ImageFeatures extends FeatureBatch {
  /** Images that were left out, and those that may be lost in decoding. */
  readonly problems: DataProblemsSummary;
  /** Whether they came from the cache. */
  readonly cached: boolean;
}

/** The features of a whole source with its classes. */
export interface SourceFeatures extends ImageFeatures {
  /** Class of each row. */
  readonly labels: readonly number[];
}

/** Where features are kept, and how much of them. */
export interface FeatureCache {
  /** The folder. Default: the user's cache folder. */
  readonly cache?: string;
  /** All that is kept together; what was not used for longest goes first. Default: 2 GiB. */
  readonly cacheBytes?: number;
  /** Told where the cache cannot be written. */
  readonly report?: (line: string) => void;
}

const CACHE_BYTES = 2 ** 31;

/** The features of a source's images, as {@link imageFeatures} finds them, with their classes. */
export async function sourceFeatures(
  extractor: Extractor,
  source: Source,
  options: FeatureOptions & FeatureCache,
): Promise<SourceFeatures> {
  const labels: number[] = [];
  const found = await imageFeatures(extractor, source, options, ({ label }, id) =>
    labels.push(classOf(label, id)),
  );
  return { ...found, labels: found.indices.map((i) => labels[i]) };
}

/**
 * The features of a source's images, labelled or not: from the cache where the same backbone saw the same images, else
 * computed and kept.
 *
 * @param see takes each example as it is read, in order
 */
export async function imageFeatures(
  extractor: Extractor,
  source: Source,
  options: FeatureOptions & FeatureCache,
  see: (example: Example, id: string) => void = () => undefined,
): Promise<ImageFeatures> {
  const key = await identify(extractor, source, options, see);
  const { cache = cacheFolder("features"), cacheBytes = CACHE_BYTES } = options;
  const folder = join(cache, extractor.backbone.sha256.slice(0, 16));
  const file = join(folder, `${key}.safetensors`);
  const known = await readCached(file);
  const found = known ?? (await compute(extractor, source, options));
  if (known) {
    await touch(file);
  } else {
    try {
      await mkdir(folder, { recursive: true });
      const indices = hostArray([found.indices.length], "int32", Int32Array.from(found.indices));
      const texts = { problems: JSON.stringify(found.problems) };
      await writeAtomically(file, safetensorsChunks({ features: found.features, indices }, texts));
      await pruneFolder(cache, cacheBytes, file);
    } catch (error) {
      const why = diskError(file, error);
      if (!(why instanceof OcelliError)) throw why;
      options.report?.(`features are not kept: ${why.message}`);
    }
  }
  return { ...found, cached: known !== undefined };
}

/** What decides the features to the last digit: the weights, how images are prepared and computed, and their bytes. */
async function identify(
  { backbone, engine }: Extractor,
  source: Source,
  { onBadImage, batchSize }: FeatureOptions,
  see: (example: Example, id: string) => void,
): Promise<string> {
  const parts = [
    packageVersion(),
    engine.name,
    backbone.sha256,
    backbone.preprocessing,
    onBadImage,
    batchSize,
  ];
  const hash = createHash("sha256").update(JSON.stringify(parts));
  for (let index = 0; index < source.length; index++) {
    const example = await source.read(index);
    const { image } = example;
    see(example, source.id(index));
    hash.update(`\0${source.id(index)}[${image.shape.join()}]`).update(bytesOf(image));
  }
  return hash.digest("hex");
}

type Found = Pick<ImageFeatures, "indices" | "features" | "problems">;

async function compute(
  extractor: Extractor,
  source: Source,
  options: FeatureOptions,
): Promise<Found> {
  const problems = new DataProblems();
  const width = extractor.backbone.features;
  const all = new Float32Array(source.length * width);
  const indices: number[] = [];
  for await (const batch of featureBatches(extractor, source, { ...options, problems })) {
    all.set(batch.features.data as Float32Array, indices.length * width);
    indices.push(...batch.indices);
  }
  const data = all.slice(0, indices.length * width);
  const features = hostArray([indices.length, width], "float32", data);
  return { indices, features, problems: problems.toJSON() };
}

/** Features from their file; undefined where it is absent or damaged, or of a version that kept fewer facts. */
async function readCached(file: string): Promise<Found | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  if (!bytes) return undefined;
  try {
    const { tensors, metadata } = readSafetensors(bytes);
    const { features, indices } = tensors;
    const problems: unknown = JSON.parse(metadata.problems);
    if (!isProblems(problems)) return undefined;
    return { features, indices: [...(indices.data as Int32Array)], problems };
  } catch {
    return undefined;
  }
}
