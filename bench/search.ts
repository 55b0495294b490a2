/**
 * @file `ocelli bench search --vectors 1000000`: an index of many vectors built, opened and searched; how many of the true
 * ten nearest are found.
 */

import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../src/random.ts";
import { writeManifest } from "../src/search/folder.ts";
import { openIndex } from "../src/search/search.ts";
import { ShardWriter, fullRows } from "../src/search/shards.ts";
import { toUnitLength } from "../src/served/vectors.ts";

/** What a benchmark measures. */
interface SearchBenchOptions {
  readonly vectors: number;
  /** Numbers of a vector. */
  readonly size: number;
  /** Queries, each asked once in every run. */
  readonly queries: number;
  readonly runs: number;
}

/** What a benchmark found; times in milliseconds. */
export interface SearchBench extends SearchBenchOptions {
  readonly build: number;
  readonly open: number;
  /** Each query in its fastest run: their mean, and the slowest. */
  readonly query: number;
  readonly slowest: number;
  /** The part of the true ten nearest that are found. */
  readonly recall: number;
  /** Bytes on the disk, and of the vectors in memory. */
  readonly disk: number;
  readonly memory: number;
}

const NEAREST = 10;
/** Vectors lie around as many centres, so that the nearest are near one another. */
const CENTRES = 1000;
const SPREAD = 0.7;

/** Unit vectors around some centres, one after the other. */
function drawer(size: number): (into: Float32Array) => void {
  const random = seededRandom("bench", "search");
  const draw = (): number => random.uniform() + random.uniform() - 1;
  const centres = Float32Array.from({ length: CENTRES * size }, draw);
  return (into) => {
    const at = random.integer(0, CENTRES) * size;
    for (let j = 0; j < size; j++) into[j] = centres[at + j] + SPREAD * draw();
    toUnitLength(into);
  };
}

/** The best rows of a query so far. */
interface Best {
  readonly query: Float32Array;
  readonly rows: number[];
  readonly scores: number[];
}

function offer({ rows, scores }: Best, row: number, score: number): void {
  if (rows.length === NEAREST && score <= scores[NEAREST - 1]) return;
  let at = rows.length;
  while (at > 0 && score > scores[at - 1]) at--;
  rows.splice(at, 0, row);
  scores.splice(at, 0, score);
  rows.length = scores.length = Math.min(rows.length, NEAREST);
}

/** Builds an index in a temporary folder and searches it. */
export async function benchSearch(options: SearchBenchOptions): Promise<SearchBench> {
  const { vectors, size, queries, runs } = options;
  const folder = await mkdtemp(join(tmpdir(), "ocelli-bench-search-"));
  try {
    const next = drawer(size);
    const exact = Array.from({ length: queries }, (): Best => {
      const query = new Float32Array(size);
      next(query);
      return { query, rows: [], scores: [] };
    });
    const writer = await ShardWriter.open(folder, fullRows);
    const vector = new Float32Array(size);
    let build = 0;
    for (let row = 0; row < vectors; row++) {
      next(vector);
      for (const best of exact) {
        let score = 0;
        for (let j = 0; j < size; j++) score += best.query[j] * vector[j];
        offer(best, row, score);
      }
      const began = performance.now();
      const file = { path: String(row), size: 1, mtime: 1, sha256: "0".repeat(64) };
      await writer.add(file, vector);
      build += performance.now() - began;
    }
    const began = performance.now();
    await writer.flush();
    build += performance.now() - began;
    const model = { spec: "none", sha256: "", task: "features", words: false };
    await writeManifest(folder, {
      ...{ version: 1, root: ".", model, complete: true, unreadable: [] },
    });
    const disk = await bytesOf(folder);
    const opening = performance.now();
    using index = await openIndex(folder);
    const open = performance.now() - opening;
    const times = exact.map(() => Infinity);
    let found = 0;
    for (let run = 0; run < runs; run++) {
      found = 0;
      for (const [k, best] of exact.entries()) {
        const asked = performance.now();
        const hits = index.nearest(best.query, NEAREST);
        times[k] = Math.min(times[k], performance.now() - asked);
        const names = new Set(hits.map(({ image }) => image.slice(folder.length + 1)));
        found += best.rows.filter((row) => names.has(String(row))).length;
      }
    }
    const query = times.reduce((sum, time) => sum + time, 0) / queries;
    const slowest = Math.max(...times);
    return {
      ...options,
      ...{
        build,
        open,
        query,
        slowest,
        recall: found / (NEAREST * queries),
        disk,
        memory: index.bytes,
      },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

/** The figures in some lines. */
export function describeSearch(found: SearchBench): string {
  const { vectors, size, build, open, query, slowest, recall, disk, memory } = found;
  const mb = (bytes: number): string => `${Math.round(bytes / 1e6).toLocaleString("en")} MB`;
  return [
    `${vectors.toLocaleString("en")} vectors of ${size} numbers`,
    `query    ${query.toFixed(1)} ms (slowest ${slowest.toFixed(1)}), recall@10 ${recall.toFixed(4)}`,
    `build    ${(build / 1000).toFixed(1)} s without computing the vectors, open ${(open / 1000).toFixed(2)} s`,
    `disk     ${mb(disk)}, memory ${mb(memory)}`,
  ].join("\n");
}
