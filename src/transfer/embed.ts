/** @file Features of many images in a parquet file: computed, written and forgotten batch after batch. */

import { closeSync, openSync, rmSync } from "node:fs";
import type { ParquetWriter } from "hyparquet-writer";
import type { BadImagePolicy } from "../data/problems.ts";
import { DataProblems } from "../data/problems.ts";
import type { Source } from "../data/source.ts";
import { createWorkerPool } from "../data/stream/workers.ts";
import { openEngine } from "../engines/select.ts";
import { cpuBudget } from "../engines/threads.ts";
import { diskError, nameBeside, putInPlace } from "../files.ts";
import { importOptional } from "../packages/peers.ts";
import type { Backbone } from "./backbone.ts";
import type { ServedModel, ServedTexts } from "../served/model.ts";
import { createExtractor, featureBatches } from "./features.ts";

/** Options of {@link embedImages}. */
export interface EmbedOptions {
  readonly engine?: string;
  /** Images computed together. Default: 16. */
  readonly batchSize?: number;
  /** Whether an image that cannot be decoded ends it, or is left out, which it is unless given. */
  readonly onBadImage?: BadImagePolicy;
  /** Hears of each image that is left out. */
  readonly problems?: DataProblems;
  readonly progress?: (done: number, total: number) => void;
}

/** What {@link embedImages} wrote. */
export interface EmbedResult {
  readonly out: string;
  /** Rows: images that could be read. */
  readonly count: number;
  readonly skipped: number;
  /** Numbers an image. */
  readonly features: number;
  readonly engine: string;
  readonly seconds: number;
}

/** Numbers in a row group, and rows: so many are in memory at once. */
const GROUP = 2 ** 19;
const MAX_ROWS = 4096;

/** A text and a list of floats, neither ever absent. */
const SCHEMA = [
  { name: "root", num_children: 2 },
  { name: "id", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
  { name: "embedding", converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
] as const;

/**
 * Writes the features of a source's images to a parquet file of the columns `id` and `embedding`, a list of floats. The
 * file appears when it is whole; its metadata hold the model, the preprocessing and the hash of the weights.
 */
export async function embedImages(
  backbone: Backbone,
  source: Source,
  out: string,
  {
    onBadImage = "skip",
    batchSize = 16,
    problems = new DataProblems(),
    ...options
  }: EmbedOptions = {},
): Promise<EmbedResult> {
  const began = performance.now();
  const partial = nameBeside(out);
  const { model, preprocessing, sha256 } = backbone;
  const described = { model: JSON.stringify(model), preprocessing, sha256 };
  const file = await openParquet(out, partial, described, backbone.features);
  const engine = await openEngine(options.engine).catch((error: unknown) => {
    rmSync(partial, { force: true });
    throw error;
  });
  const workers = createWorkerPool(cpuBudget().decode);
  const extractor = await createExtractor(engine, backbone);
  const width = backbone.features;
  const reading = { batchSize, workers, onBadImage, problems, progress: options.progress };
  let count = 0;
  try {
    for await (const { indices, features } of featureBatches(extractor, source, reading)) {
      const all = features.data as Float32Array;
      indices.forEach((index, row) => {
        const embedding = Array.from(all.subarray(row * width, (row + 1) * width));
        file.add(source.id(index), embedding);
      });
      count += indices.length;
    }
    file.close();
    await putInPlace(partial, out);
  } catch (error) {
    rmSync(partial, { force: true });
    throw diskError(out, error);
  } finally {
    workers[Symbol.dispose]();
    extractor[Symbol.dispose]();
    await engine.dispose();
  }
  const seconds = Math.round(performance.now() - began) / 1000;
  return { out, count, skipped: problems.count, features: width, engine: engine.name, seconds };
}

/**
 * Writes the vectors of texts to a parquet file of the columns `id`, the text, and `embedding`, a list of floats, of
 * length 1 in the space of the model's vectors of images.
 */
export async function embedTextsTo(
  out: string,
  { texts, card }: Pick<ServedModel, "card"> & { readonly texts: ServedTexts },
  lines: readonly string[],
): Promise<{ readonly out: string; readonly count: number; readonly features: number }> {
  const { shape, data } = await texts.embed(lines);
  const [count, width] = shape;
  const partial = nameBeside(out);
  const described = { model: JSON.stringify(card.model), task: JSON.stringify(card.task) };
  const file = await openParquet(out, partial, described, width);
  try {
    lines.forEach((line, row) => {
      const vector = (data as Float32Array).subarray(row * width, (row + 1) * width);
      file.add(line, Array.from(vector));
    });
    file.close();
    await putInPlace(partial, out);
  } catch (error) {
    rmSync(partial, { force: true });
    throw diskError(out, error);
  }
  return { out, count, features: width };
}

/** A parquet file that rows are added to; a row group is written when it is full. */
async function openParquet(
  out: string,
  path: string,
  described: Readonly<Record<string, string>>,
  width: number,
) {
  const rows = Math.max(1, Math.min(MAX_ROWS, Math.floor(GROUP / width)));
  const kvMetadata = Object.entries(described).map(([key, value]) => ({ key, value }));
  const writer = await openWriter(out, path, kvMetadata);
  let ids: string[] = [];
  let embeddings: number[][] = [];
  const flush = (): void => {
    if (ids.length === 0) return;
    void writer.write({
      columnData: [
        { name: "id", data: ids },
        { name: "embedding", data: embeddings, codec: "UNCOMPRESSED", encoding: "PLAIN" },
      ],
      rowGroupSize: rows,
    });
    ids = [];
    embeddings = [];
  };
  return {
    add(id: string, embedding: number[]): void {
      ids.push(id);
      embeddings.push(embedding);
      if (ids.length === rows) flush();
    },
    close(): void {
      flush();
      void writer.finish();
    },
  };
}

async function openWriter(
  out: string,
  path: string,
  kvMetadata: { key: string; value: string }[],
): Promise<ParquetWriter> {
  const { ParquetWriter, fileWriter } = await importOptional(() => import("hyparquet-writer"));
  try {
    closeSync(openSync(path, "wx")); // a new file: the writer itself would follow a link
    const schema = SCHEMA.map((element) => ({ ...element }));
    return new ParquetWriter({ writer: fileWriter(path), schema, kvMetadata, statistics: false });
  } catch (error) {
    throw diskError(out, error);
  }
}
