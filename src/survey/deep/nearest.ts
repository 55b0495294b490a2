/** @file The nearest rows of every row by the cosine of their features, computed in blocks on an engine. */

import { type DeviceArray, type Engine, jit } from "../../engines/engine.ts";
import { type Tensor, hostArray, matmul, transpose } from "../../graph/index.ts";
import { disposeTree } from "../../served/device-trees.ts";
import type { UnitRows } from "../../transfer/alike.ts";

/** Two rows and the cosine of their features. */
export interface AlikePair {
  readonly a: number;
  readonly b: number;
  readonly likeness: number;
}

/** What {@link nearestRows} found. */
export interface Nearest {
  /** Pairs of at least the likeness that was asked for, the most alike first. */
  readonly pairs: readonly AlikePair[];
  /** False where there were too many pairs: the most alike were kept. */
  readonly isWhole: boolean;
  /** Of each row the mean of 1 − cosine with its nearest rows. */
  readonly distances: Float64Array;
}

/** Rows that are compared with all at once. */
const BLOCK = 256;
/** Pairs that are kept: pictures of one film may be alike each with each. */
const PAIRS = 200_000;

/** What {@link nearestRows} looks for. */
export interface NearestWanted {
  /** Pairs of at least this cosine are kept. */
  readonly least: number;
  /** How many nearest rows a distance is the mean of. */
  readonly count: number;
  /** Whether two rows may be a pair. Default: all may. */
  readonly isPair?: (a: number, b: number) => boolean;
  /** Pairs that are kept, at most. Default: 200,000. */
  readonly most?: number;
}

/**
 * Compares every row with every other.
 *
 * @param pause awaited after every block
 */
export async function nearestRows(
  engine: Engine,
  { rows, width, data }: UnitRows,
  { least, count, isPair = () => true, most = PAIRS }: NearestWanted,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<Nearest> {
  let pairs: AlikePair[] = [];
  let isWhole = true;
  const sortPairs = () => pairs.sort((p, q) => q.likeness - p.likeness || p.a - q.a || p.b - q.b);
  const keepMostAlike = (): void => {
    pairs = sortPairs().slice(0, most);
    least = Math.max(least, pairs[most - 1].likeness);
    isWhole = false;
  };
  const distances = new Float64Array(rows);
  const compare = jit(engine, function cosines(block: Tensor, all: Tensor) {
    return matmul(block, transpose(all)); // [BLOCK, rows]
  });
  const all = await engine.upload(hostArray([rows, width], "float32", data));
  try {
    for (let begin = 0; begin < rows; begin += BLOCK) {
      const size = Math.min(BLOCK, rows - begin);
      const block = new Float32Array(BLOCK * width); // the last one is padded by zeros
      block.set(data.subarray(begin * width, (begin + size) * width));
      const found = (await compare(
        hostArray([BLOCK, width], "float32", block),
        all,
      )) as DeviceArray;
      const cosines = (await found.read()).data as Float32Array;
      found.dispose();
      for (let i = 0; i < size; i++) {
        const a = begin + i;
        const row = cosines.subarray(i * rows, (i + 1) * rows);
        for (let b = a + 1; b < rows; b++) {
          if (row[b] >= least && isPair(a, b)) pairs.push({ a, b, likeness: row[b] });
          if (pairs.length >= 2 * most) keepMostAlike();
        }
        row[a] = -Infinity; // itself
        distances[a] = meanDistance(row, Math.min(count, rows - 1));
      }
      await pause();
    }
  } finally {
    disposeTree({ all });
  }
  if (pairs.length > most) keepMostAlike();
  return { pairs: sortPairs(), isWhole, distances };
}

/** The mean of 1 − cosine over the greatest `count` cosines; 0 of none. */
function meanDistance(cosines: Float32Array, count: number): number {
  if (count === 0) return 0;
  const greatest = new Float64Array(count).fill(-Infinity); // falling
  for (const value of cosines) {
    if (value <= greatest[count - 1]) continue;
    let at = count - 1;
    for (; at > 0 && greatest[at - 1] < value; at--) greatest[at] = greatest[at - 1];
    greatest[at] = value;
  }
  return greatest.reduce((sum, cosine) => sum + (1 - cosine), 0) / count;
}
