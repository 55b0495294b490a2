/** @file What an evaluator takes from batch after batch: sums added up, rows laid under one another. */

import type { Gathered } from "../evaluate/evaluator.ts";
import { type HostArray, hostArray, typedArray } from "../graph/dtype.ts";

type Arrays = Readonly<Record<string, HostArray>>;

/** Gathers what one evaluator measured. */
export class Gathering {
  private readonly sums: Record<string, number> = {};
  private readonly rows = new Map<string, HostArray[]>();

  /** Takes in a batch; only `rows` of it are examples. */
  add(measured: { readonly sums: Arrays; readonly rows: Arrays }, rows: readonly number[]): void {
    for (const [name, sum] of Object.entries(measured.sums)) {
      this.sums[name] = (this.sums[name] ?? 0) + Number(sum.data[0]);
    }
    for (const [name, array] of Object.entries(measured.rows)) {
      const kept = this.rows.get(name) ?? [];
      kept.push(takeRows(array, rows));
      this.rows.set(name, kept);
    }
  }

  /** All that was taken in. */
  result(): Gathered {
    const rows = [...this.rows].map(([name, parts]) => [name, stackRows(parts)] as const);
    return { sums: this.sums, rows: Object.fromEntries(rows) };
  }
}

/** Some rows of an array, in memory of their own. */
function takeRows({ shape: [count, ...shape], dtype, data }: HostArray, rows: readonly number[]) {
  const size = data.length / count;
  const out = typedArray(dtype, rows.length * size) as Float32Array; // of whichever type, like the data
  rows.forEach((row, i) =>
    out.set((data as Float32Array).subarray(row * size, (row + 1) * size), i * size),
  );
  return hostArray([rows.length, ...shape], dtype, out);
}

/** Arrays laid under one another. */
function stackRows(parts: readonly HostArray[]): HostArray {
  const [{ shape, dtype }] = parts;
  const length = parts.reduce((sum, { data }) => sum + data.length, 0);
  const out = typedArray(dtype, length) as Float32Array; // of whichever type, like the data
  let at = 0;
  for (const { data } of parts) {
    out.set(data as Float32Array, at);
    at += data.length;
  }
  const rows = parts.reduce((sum, part) => sum + part.shape[0], 0);
  return hostArray([rows, ...shape.slice(1)], dtype, out);
}
