/** @file A scan of all vectors of bytes in memory: roughly the nearest to a query, in less than a second for millions. */

import { OcelliError } from "../errors.ts";
import { largest } from "../evaluate/classification/knn.ts";
import { type Codes, codeWidth, quantiseQuery } from "./quantise.ts";
import { type ScanKernel, openScanKernel } from "./scan-kernel.ts";

/** WebAssembly has 4 GiB of memory at most; the vectors of one kernel take this many bytes. */
const MOST_BYTES = 2 ** 31;
const PAGE = 65_536;

/** Vectors in the memory of one kernel: the query, rows, scales, scores one after the other. */
interface Part {
  readonly kernel: ScanKernel;
  readonly rows: number;
  readonly at: { readonly codes: number; readonly scales: number; readonly scores: number };
}

/** Rows of bytes that are filled in, and then scanned for queries. */
export interface Scanner {
  readonly rows: number;
  /** What it takes of memory, in bytes. */
  readonly bytes: number;
  /** Puts rows into their place from `first` on. */
  put(first: number, codes: Codes): void;
  /** A row that no query finds. */
  leaveOut(row: number): void;
  /** The rows with the largest products with a query, [dim], by their bytes; the best first. */
  nearest(query: Float32Array, count: number): number[];
}

/** Room for `rows` vectors of `dim` numbers. */
export function createScanner(rows: number, dim: number): Scanner {
  const width = codeWidth(dim);
  const perPart = Math.max(1, Math.floor(MOST_BYTES / (width + 8)));
  const parts: Part[] = [];
  for (let first = 0; first < rows; first += perPart) {
    parts.push(openPart(Math.min(perPart, rows - first), width));
  }
  const left: number[] = [];
  return {
    rows,
    bytes: parts.reduce((sum, { kernel }) => sum + kernel.memory.buffer.byteLength, 0),
    put(first, { codes, scales }) {
      for (let done = 0; done < scales.length;) {
        const row = first + done;
        const { kernel, rows: size, at } = parts[Math.floor(row / perPart)];
        const inPart = row % perPart;
        const count = Math.min(scales.length - done, size - inPart);
        const bytes = codes.subarray(done * width, (done + count) * width);
        new Uint8Array(kernel.memory.buffer, at.codes + inPart * width).set(bytes);
        const some = scales.subarray(done, done + count);
        new Float32Array(kernel.memory.buffer, at.scales, size).set(some, inPart);
        done += count;
      }
    },
    leaveOut: (row) => void left.push(row),
    nearest(query, count) {
      if (query.length !== dim) {
        throw new OcelliError("shape", `a query has ${query.length} numbers, vectors have ${dim}.`);
      }
      const { codes } = quantiseQuery(query);
      const found = parts.flatMap(({ kernel, rows: size, at }, k) => {
        new Int16Array(kernel.memory.buffer, 0, width).set(codes);
        kernel.scanRows(at.codes, at.scales, size, width, 0, at.scores);
        const scores = new Float32Array(kernel.memory.buffer, at.scores, size);
        for (const row of left) {
          if (Math.floor(row / perPart) === k) scores[row % perPart] = -Infinity;
        }
        return largest(scores, Math.min(count, size)).flatMap((row) =>
          scores[row] === -Infinity ? [] : [{ row: row + k * perPart, score: scores[row] }],
        );
      });
      found.sort((a, b) => b.score - a.score || a.row - b.row);
      return found.slice(0, count).map(({ row }) => row);
    },
  };
}

function openPart(rows: number, width: number): Part {
  const kernel = openScanKernel();
  const codes = 2 * width; // behind the query
  const scales = codes + rows * width;
  const scores = scales + rows * 4;
  const bytes = scores + rows * 4;
  const missing = Math.ceil(bytes / PAGE) - kernel.memory.buffer.byteLength / PAGE;
  if (missing > 0) kernel.memory.grow(missing);
  return { kernel, rows, at: { codes, scales, scores } };
}
