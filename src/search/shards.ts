/** @file The shards of an index: filled one after the other, and tidied up once all pictures are in. */

import { rm } from "node:fs/promises";
import { closeShards, listShards, openShards, shardFile } from "./folder.ts";
import { type IndexedFile, type Shard, writeShard } from "./shard.ts";

/** A shard is written once it has so many rows, or after so many milliseconds: what a kill loses. */
const ROWS = 1024;
const PATIENCE = 20_000;

/** The bytes of vectors in a shard that is full. */
const FULL = 2 ** 26;

/** How many rows fill a shard. */
export const fullRows = (dim: number): number => Math.max(ROWS, Math.floor(FULL / (4 * dim)));

/** Writes rows as shards behind those that an index has. */
export class ShardWriter {
  readonly #index: string;
  readonly #full: ((dim: number) => number) | undefined;
  #next: number;
  #files: IndexedFile[] = [];
  #vectors: Float32Array[] = [];
  #since = performance.now();

  private constructor(index: string, next: number, full?: (dim: number) => number) {
    this.#index = index;
    this.#next = next;
    this.#full = full;
  }

  /** @param full how many rows of vectors of a length fill a shard. Default: those that are worth a file while computing. */
  static async open(index: string, full?: (dim: number) => number): Promise<ShardWriter> {
    const last = (await listShards(index)).at(-1)?.number ?? 0;
    return new ShardWriter(index, last + 1, full);
  }

  async add(file: IndexedFile, vector: Float32Array): Promise<void> {
    this.#files.push(file);
    this.#vectors.push(vector.slice());
    const isLate = !this.#full && performance.now() - this.#since > PATIENCE;
    if (isLate || this.#files.length >= (this.#full?.(vector.length) ?? ROWS)) await this.flush();
  }

  /** Writes what is not written yet. */
  async flush(): Promise<void> {
    this.#since = performance.now();
    if (this.#files.length === 0) return;
    const dim = this.#vectors[0].length;
    const all = new Float32Array(dim * this.#files.length);
    this.#vectors.forEach((vector, row) => all.set(vector, row * dim));
    await writeShard(shardFile(this.#index, this.#next++), this.#files, all);
    this.#files = [];
    this.#vectors = [];
  }
}

/**
 * Leaves each picture in an index once, and no others; small shards become full ones. New shards are written before old
 * ones are removed: of a path that stands there twice the later row holds.
 *
 * @param paths the pictures that there are
 * @returns how many pictures are in the index
 */
export async function tidyShards(index: string, paths: ReadonlySet<string>): Promise<number> {
  const shards = await openShards(index);
  try {
    const last = new Map<string, Shard>();
    const lastRow = new Map<string, number>();
    for (const shard of shards) {
      shard.files().forEach(({ path }, row) => {
        last.set(path, shard);
        lastRow.set(path, row);
      });
    }
    const isLive = (shard: Shard, path: string, row: number): boolean =>
      paths.has(path) && last.get(path) === shard && lastRow.get(path) === row;
    const liveOf = (shard: Shard): number[] =>
      shard.files().flatMap(({ path }, row) => (isLive(shard, path, row) ? [row] : []));
    const live = new Map(shards.map((shard) => [shard, liveOf(shard)]));
    const small = shards.filter(({ rows, dim }) => 2 * rows < fullRows(dim));
    const old = shards.filter(
      (shard) =>
        live.get(shard)!.length < shard.rows || (small.length > 1 && small.includes(shard)),
    );
    const writer = await ShardWriter.open(index, fullRows);
    for (const shard of old) {
      const files = shard.files();
      for (const row of live.get(shard)!) await writer.add(files[row], shard.vector(row));
    }
    await writer.flush();
    for (const { file } of old) await rm(file, { force: true });
    return [...live.values()].reduce((sum, { length }) => sum + length, 0);
  } finally {
    closeShards(shards);
  }
}
