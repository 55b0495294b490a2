/** @file Searching an index: a rough scan of all pictures in memory, and the nearest of them ranked exactly. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataProblems } from "../data/problems.ts";
import { pathSource } from "../data/readers/images.ts";
import { OcelliError } from "../errors.ts";
import type { OpenModelOptions } from "../served/open.ts";
import { notesOnTexts } from "../served/texts.ts";
import { meanVector, product } from "../served/vectors.ts";
import { checkModel } from "./build.ts";
import { type Embedder, openEmbedder } from "./embedder.ts";
import { type Manifest, closeShards, indexAt, openShards, readManifest, rootOf } from "./folder.ts";
import { usualIndex } from "./last.ts";
import { createScanner } from "./scanner.ts";
import type { Shard } from "./shard.ts";

/** A picture that was found. */
export interface Hit {
  /** Its path. */
  readonly image: string;
  /** The product of its vector with the query's, both of length 1: at most 1. */
  readonly score: number;
  /** Whether the file is no longer there. */
  readonly missing?: true;
}

/** Vectors that are searched. They are held in memory until they are disposed. */
export interface OpenIndex extends Disposable {
  readonly manifest: Manifest;
  /** The index's own folder. */
  readonly index: string;
  readonly pictures: number;
  /** What its vectors take of memory, in bytes. */
  readonly bytes: number;
  /** The pictures nearest to a vector of length 1, the best first. */
  nearest(query: Float32Array, top: number): Hit[];
}

/** So many times the pictures that are asked for, and so many at least, are ranked by their exact vectors. */
const RANKED = 10;
const FEWEST = 100;

/**
 * Opens an index to search it.
 *
 * @param path the index, or the folder of pictures that holds it
 * @throws a data error where there is none
 */
export async function openIndex(path: string): Promise<OpenIndex> {
  const index = indexAt(path);
  const manifest = await readManifest(index);
  if (!manifest) {
    throw new OcelliError("data", `${path} has no index.`, {
      ...{ given: path, hint: "Make one: ocelli search index DIR." },
    });
  }
  const shards = await openShards(index);
  const rows = shards.reduce((sum, shard) => sum + shard.rows, 0);
  const scanner = createScanner(rows, shards[0]?.dim ?? 1);
  const starts: number[] = [];
  let first = 0;
  for (const shard of shards) {
    starts.push(first);
    scanner.put(first, shard.codes());
    first += shard.rows;
  }
  const left = manifest.complete ? [] : earlierRows(shards, starts);
  left.forEach((row) => scanner.leaveOut(row));
  const root = rootOf(index, manifest);
  const place = (row: number) => {
    const k = starts.findLastIndex((start) => start <= row);
    return { shard: shards[k], row: row - starts[k] };
  };
  return {
    ...{ manifest, index, pictures: rows - left.length, bytes: scanner.bytes },
    nearest(query, top) {
      if (rows === 0) return [];
      const rough = scanner.nearest(query, Math.max(RANKED * top, FEWEST));
      return rough
        .map((at) => {
          const { shard, row } = place(at);
          return { shard, row, score: product(query, shard.vector(row)) };
        })
        .sort((a, b) => b.score - a.score)
        .slice(0, top)
        .map(({ shard, row, score }) => {
          const image = join(root, shard.fileOf(row).path);
          return { image, score, ...(!existsSync(image) && { missing: true as const }) };
        });
    },
    [Symbol.dispose]: () => closeShards(shards),
  };
}

/** The rows of pictures that stand in a later row again, in an index that was not finished. */
function earlierRows(shards: readonly Shard[], starts: readonly number[]): number[] {
  const rows = new Map<string, number>();
  const earlier: number[] = [];
  shards.forEach((shard, k) =>
    shard.files().forEach(({ path }, row) => {
      const before = rows.get(path);
      if (before !== undefined) earlier.push(before);
      rows.set(path, starts[k] + row);
    }),
  );
  return earlier;
}

/** What is searched for: words, a picture, or both, whose vectors are then averaged. */
export interface Query {
  readonly text?: string;
  /** A picture's path, its address, or `-` for standard input. */
  readonly image?: string;
}

/** An index with its model, ready for queries. It owns memory until it is disposed. */
export interface Searcher extends Pick<OpenIndex, "manifest" | "index" | "pictures"> {
  /**
   * The pictures nearest to a query, the best first; default: 10.
   *
   * @throws an argument error where the query is empty, or where the model reads no texts
   */
  search(query: Query, top?: number): Promise<Hit[]>;
  dispose(): Promise<void>;
}

/** Options of {@link openSearch}. */
export interface SearchOptions extends OpenModelOptions {
  /** Another name of the model that the index was made with. Default: as the index has it. */
  readonly model?: string;
}

/**
 * Opens an index with its model.
 *
 * @param path the index, or the folder of pictures that holds it. Default: that of the current folder, or the one made last.
 * @throws a data error where there is no index; an argument error where its model has changed, or is another
 * @example
 * const searcher = await openSearch("holiday");
 * const [best] = await searcher.search({ text: "a red bird" }); // { image: "holiday/2024/bird.jpg", score: 0.31 }
 * await searcher.dispose();
 */
export async function openSearch(
  path?: string,
  { model, ...options }: SearchOptions = {},
): Promise<Searcher> {
  using stack = new DisposableStack();
  const opened = stack.use(await openIndex(path ?? (await usualIndex())));
  const embedder = await openEmbedder(model ?? opened.manifest.model.spec, options);
  try {
    checkModel(opened.index, opened.manifest, embedder.identity);
  } catch (error) {
    await embedder.dispose();
    throw error;
  }
  const kept = stack.move();
  const { manifest, index, pictures } = opened;
  return {
    ...{ manifest, index, pictures },
    async search(query, top = 10) {
      if (!Number.isInteger(top) || top < 1) {
        throw new OcelliError("argument", "top must be a whole number from 1.", { given: top });
      }
      return opened.nearest(await vectorOf(query, embedder, options), top);
    },
    async dispose() {
      kept.dispose();
      await embedder.dispose();
    },
  };
}

/** The vector of a query, of length 1. */
async function vectorOf(
  { text, image }: Query,
  embedder: Embedder,
  { report }: Pick<SearchOptions, "report">,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  if (text !== undefined) {
    const { model, identity } = embedder;
    if (text.trim() === "") throw new OcelliError("argument", "the words to search for are empty.");
    if (!model.texts) {
      throw new OcelliError(
        "argument",
        `${identity.spec} searches by picture only (--image), not by words.`,
        {
          hint: "For words, index with a run of the task contrastive, or SigLIP or CLIP as hf:…, as --model.",
        },
      );
    }
    const { texts } = model;
    for (const note of notesOnTexts(texts, [text])) report?.(note);
    parts.push((await texts.embed([text])).data as Float32Array);
  }
  if (image !== undefined) {
    const reading = { batchSize: 1, onBadImage: "error", problems: new DataProblems() } as const;
    for await (const { vectors } of embedder.images(pathSource([image]), reading)) {
      parts.push(vectors);
    }
  }
  if (parts.length === 0) throw new OcelliError("argument", "a search needs words or a picture.");
  return meanVector(parts);
}
