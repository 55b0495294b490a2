/** @file Curves for the page: smoothed, and on one axis of steps or images. */

import type { Curve } from "../../runs/read-curves.ts";

/** A run's line in a chart. */
export interface Line {
  readonly run: string;
  /** Whose metric: training, or an evaluation. */
  readonly part: string;
  readonly colour: string;
  readonly curve: Curve;
  /** Images in a step, where the axis is of images; 1 where it is of steps. */
  readonly scale: number;
}

/**
 * The exponential moving average, without a pull towards zero at the start.
 *
 * @param weight of the past, from 0 (as it is) to below 1
 */
export function smooth(values: readonly number[], weight: number): number[] {
  let average = 0;
  let mass = 0;
  return values.map((value) => {
    average = weight * average + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return average / mass;
  });
}

/** Lines on one common axis, as uPlot takes them: null where a line has no point. */
export function align(lines: readonly { xs: readonly number[]; ys: readonly number[] }[]) {
  const xs = [...new Set(lines.flatMap(({ xs }) => xs))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, i) => [x, i]));
  const columns = lines.map((line) => {
    const column = new Array<number | null>(xs.length).fill(null);
    line.xs.forEach((x, i) => (column[place.get(x)!] = line.ys[i]));
    return column;
  });
  return [xs, ...columns] as [number[], ...(number | null)[][]];
}

/** Charts in the order of interest, after those of the loss and of what runs are known by. */
const FURTHER = ["learningRate", "gradNorm", "imagesPerSecond", "dataWait"];

/** The kinds of metrics, such as `loss` of training and of every evaluation. */
export function chartsOf(
  lines: ReadonlyMap<string, readonly Line[]>,
  headlines: readonly string[],
): [string, readonly Line[]][] {
  const first = ["loss", ...headlines, ...FURTHER];
  const rank = (kind: string) => (first.includes(kind) ? first.indexOf(kind) : first.length);
  return [...lines].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
