/** @file Curves for the page: smoothed, and on one axis of steps, images, epochs, percent or time. */

import type { Curve } from "../../runs/read-curves.ts";
import type { RunCard } from "../../runs/read.ts";

/** A run's line in a chart. */
export interface Line {
  readonly run: string;
  /** Whose metric: training, or an evaluation. */
  readonly part: string;
  readonly colour: string;
  readonly curve: Curve;
  /** Where each point stands on the axis. */
  readonly xs: readonly number[];
}

/** What the axis may count, with its name. */
export const AXES = {
  step: "steps",
  images: "images",
  epoch: "epochs",
  percent: "% of each run",
  time: "time in training",
} as const;

export type Axis = keyof typeof AXES;

/** The run that a line is of, as far as axes need it. */
type Placed = Pick<RunCard, "batchSize" | "perEpoch" | "step" | "totalSteps">;

/**
 * Where steps of a run stand on an axis; undefined where the run does not know, such as of an older run how long an epoch
 * is. Time is in minutes, that of training steps alone, as the measured speed has it.
 */
export function placeOn(
  axis: Axis,
  run: Placed,
  speed: Curve | undefined,
): ((step: number) => number) | undefined {
  const { batchSize, perEpoch, totalSteps } = run;
  switch (axis) {
    case "step":
      return (step) => step;
    case "images":
      return batchSize === undefined ? undefined : (step) => step * batchSize;
    case "epoch":
      return perEpoch === undefined ? undefined : (step) => step / perEpoch;
    case "percent":
      return (step) => (100 * step) / Math.max(1, totalSteps ?? run.step);
    case "time":
      return batchSize === undefined || !speed?.steps.length
        ? undefined
        : minutesOf(speed, batchSize);
  }
}

/** Minutes of training until a step, from the images per second between the points of a curve. */
function minutesOf({ steps, means }: Curve, batchSize: number): (step: number) => number {
  const perStep = means.map((speed) => (speed > 0 ? batchSize / speed / 60 : 0));
  const ends: number[] = [];
  perStep.reduce((sum, minutes, i) => {
    const end = sum + minutes * (steps[i] - (i > 0 ? steps[i - 1] : 0));
    ends.push(end);
    return end;
  }, 0);
  return (step) => {
    const after = steps.findIndex((end) => end >= step);
    const i = after < 0 ? steps.length - 1 : after;
    return ends[i] - (steps[i] - step) * perStep[i];
  };
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
