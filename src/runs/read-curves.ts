/** @file Curves of any length in flat memory: neighbouring points are merged as they become too many. */

import { openOwn } from "../files.ts";
import { parseLine } from "./read-lines.ts";

/** Points of one metric, by ascending step. Where points were merged, their mean, lowest and highest are kept. */
export interface Curve {
  readonly steps: readonly number[];
  readonly means: readonly number[];
  readonly lows: readonly number[];
  readonly highs: readonly number[];
}

interface Bucket {
  step: number;
  sum: number;
  low: number;
  high: number;
  count: number;
}

/** Gathers points; keeps between `limit / 2` and `limit` of them. */
export class CurveBuilder {
  private readonly limit: number;
  private buckets: Bucket[] = [];
  private perBucket = 1;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Adds a point. A step that is not beyond the last one replaces what was there: a resumed run repeats steps. */
  add(step: number, value: number): void {
    while (this.buckets.length > 0 && this.buckets.at(-1)!.step >= step) this.buckets.pop();
    const last = this.buckets.at(-1);
    if (last && last.count < this.perBucket) {
      last.step = step;
      last.sum += value;
      last.low = Math.min(last.low, value);
      last.high = Math.max(last.high, value);
      last.count++;
      return;
    }
    if (this.buckets.length === this.limit) this.merge();
    this.buckets.push({ step, sum: value, low: value, high: value, count: 1 });
  }

  private merge(): void {
    this.perBucket *= 2;
    const merged: Bucket[] = [];
    for (let i = 0; i < this.buckets.length; i += 2) {
      const [a, b] = [this.buckets[i], this.buckets[i + 1] as Bucket | undefined];
      if (!b) merged.push(a);
      else {
        merged.push({
          step: b.step,
          sum: a.sum + b.sum,
          low: Math.min(a.low, b.low),
          high: Math.max(a.high, b.high),
          count: a.count + b.count,
        });
      }
    }
    this.buckets = merged;
  }

  /** The points so far. */
  curve(): Curve {
    return {
      steps: this.buckets.map(({ step }) => step),
      means: this.buckets.map(({ sum, count }) => sum / count),
      lows: this.buckets.map(({ low }) => low),
      highs: this.buckets.map(({ high }) => high),
    };
  }
}

const CHUNK = 256 * 1024;
/** A line that is longer is no line of metrics: characters. */
const LONGEST_LINE = 16 * 1024 * 1024;
/** Names beyond those whose curves are kept are counted, up to so many. */
const COUNTED = 100_000;

/** The curves of a metrics file that may still grow: each update reads only what was appended. */
export class MetricsReader {
  private readonly path: string;
  private readonly limit: number;
  private readonly most: number;
  private builders = new Map<string, CurveBuilder>();
  private others = new Set<string>();
  private offset = 0;
  private rest: string[] = []; // parts of a line whose end is not written yet
  private restLength = 0;
  private decoder = new TextDecoder();
  private updating: Promise<void> | undefined;

  /**
   * @param limit the most points of a curve
   * @param most the most curves: those of the names that come first
   */
  constructor(path: string, limit = 512, most = 1000) {
    this.path = path;
    this.limit = limit;
    this.most = most;
  }

  /** How many more metrics there are. */
  get omitted(): number {
    return this.others.size;
  }

  /** How much of the file was read, in bytes: it changes when curves do. */
  get position(): number {
    return this.offset;
  }

  /** Reads what is new. A file that became shorter is read afresh; an absent one is empty. Calls at once read together. */
  update(): Promise<void> {
    return (this.updating ??= this.read().finally(() => (this.updating = undefined)));
  }

  private async read(): Promise<void> {
    const file = await openOwn(this.path).catch(() => undefined);
    if (!file) return;
    try {
      const { size } = await file.stat();
      if (size < this.offset) this.restart();
      const buffer = new Uint8Array(Math.min(CHUNK, Math.max(size - this.offset, 1)));
      while (this.offset < size) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, this.offset);
        if (bytesRead === 0) return;
        this.offset += bytesRead;
        this.take(this.decoder.decode(buffer.subarray(0, bytesRead), { stream: true }));
      }
    } finally {
      await file.close();
    }
  }

  /** The curves by metric, in the order of their first appearance. */
  curves(): Record<string, Curve> {
    return Object.fromEntries([...this.builders].map(([name, builder]) => [name, builder.curve()]));
  }

  private restart(): void {
    this.builders = new Map();
    this.offset = 0;
    this.others = new Set();
    this.rest = [];
    this.restLength = 0;
    this.decoder = new TextDecoder();
  }

  private take(text: string): void {
    const lines = text.split("\n");
    const last = lines.pop()!;
    if (lines.length > 0) {
      lines[0] = this.rest.join("") + lines[0];
      this.rest = [];
      this.restLength = 0;
    }
    this.restLength += last.length;
    if (this.restLength > LONGEST_LINE)
      this.rest = ["?"]; // no JSON: skipped at its end
    else this.rest.push(last);
    for (const line of lines) {
      const parsed = parseLine(line);
      if (!parsed) continue;
      const { step, ...values } = parsed;
      for (const [name, value] of Object.entries(values)) {
        let builder = this.builders.get(name);
        if (!builder && this.builders.size >= this.most) {
          if (this.others.size < COUNTED) this.others.add(name);
          continue;
        }
        if (!builder) this.builders.set(name, (builder = new CurveBuilder(this.limit)));
        builder.add(step, value);
      }
    }
  }
}

/** The curves of a run folder, and how many more metrics there are. */
export async function readCurves(metricsFile: string, limit?: number) {
  const reader = new MetricsReader(metricsFile, limit);
  await reader.update();
  return { curves: reader.curves(), omitted: reader.omitted };
}
