/** @file How a training goes: means since the last report, speed, time left, and the share of time spent on data. */

import { progressBar, sparkline } from "../../columns.ts";
import { showTime } from "../../runs/list-show.ts";

/** Where lines for people go. */
export interface Reporter {
  line(text: string): void;
  /** Shows a line that the next one replaces, where there is a terminal. */
  status(text: string): void;
  readonly terminal: boolean;
  /**
   * Hears, in place of a line, how many seconds a training of more than a minute will take, as its first steps show:
   * for work of many trainings.
   */
  expect?(seconds: number): void;
}

/** Says nothing. */
export const SILENT: Reporter = {
  line: () => undefined,
  status: () => undefined,
  terminal: false,
};

/** What was measured between two reports. */
export interface Report {
  readonly step: number;
  /** Means of the steps' metrics. */
  readonly means: Readonly<Record<string, number>>;
  readonly imagesPerSecond: number;
  /** The share of the time in which the device waited for a batch, from 0 to 1. */
  readonly dataWait: number;
  /** Seconds until the last step. */
  readonly eta: number;
}

/** Metrics of steps since the last report, as a checkpoint keeps them. */
export interface Gathered {
  readonly steps: number;
  readonly sums: Readonly<Record<string, number>>;
}

/** Gathers the metrics of steps, and times. */
export class Meter {
  private readonly total: number;
  private readonly batchSize: number;
  private readonly now: () => number;
  private began: number;
  private waited = 0;
  private timed = 0; // steps since `began`
  private steps = 0;
  private sums: Record<string, number> = {};

  /**
   * @param total steps of the whole training
   * @param now milliseconds on a clock that never goes back
   */
  constructor(total: number, batchSize: number, now: () => number = () => performance.now()) {
    this.total = total;
    this.batchSize = batchSize;
    this.now = now;
    this.began = now();
  }

  /** What was gathered since the last report. */
  get gathered(): Gathered {
    return { steps: this.steps, sums: { ...this.sums } };
  }

  /** Goes on from what was gathered before, whose time does not count. */
  restore({ steps, sums }: Gathered): void {
    this.steps = steps;
    this.sums = { ...sums };
  }

  /**
   * Waits for a batch, and counts how long, unless the device still had `work` when it came: then nobody waited. Work
   * that ended meanwhile counts as if it had ended at once.
   */
  async waitFor<T>(batch: Promise<T>, work?: Promise<unknown>): Promise<T> {
    const began = this.now();
    let hasWork = work !== undefined;
    const end = (): void => void (hasWork = false);
    work?.then(end, end);
    const result = await batch;
    const waited = this.now() - began;
    const count = (): void => void (this.waited += hasWork ? 0 : waited);
    if (hasWork)
      setImmediate(count); // what ended while the batch was put together is told only then
    else count();
    return result;
  }

  /** Waits for something else than steps, such as an evaluation, whose time does not count. */
  async outside<T>(work: Promise<T>): Promise<T> {
    const began = this.now();
    const result = await work;
    this.began += this.now() - began;
    return result;
  }

  /** Counts a step that is done. */
  add(metrics: Readonly<Record<string, number>>): void {
    this.steps++;
    this.timed++;
    for (const [name, value] of Object.entries(metrics)) {
      if (name === "gradNorm" && metrics.overflowed === 1) continue; // infinite for the scale's sake alone
      this.sums[name] = (this.sums[name] ?? 0) + value;
    }
  }

  /** What happened since the last report; the next one begins here. */
  report(step: number): Report {
    const now = this.now();
    const seconds = Math.max(now - this.began, 1e-3) / 1000;
    const { overflowed = 0 } = this.sums;
    const means = Object.entries(this.sums).map(([name, sum]) => {
      return [name, sum / (name === "gradNorm" ? this.steps - overflowed : this.steps)];
    });
    const report = {
      step,
      means: Object.fromEntries(means) as Record<string, number>,
      imagesPerSecond: (this.timed * this.batchSize) / seconds,
      dataWait: this.waited / 1000 / seconds,
      eta: this.timed === 0 ? 0 : ((this.total - step) * seconds) / this.timed,
    };
    this.began = now;
    this.waited = 0;
    this.timed = 0;
    this.restore({ steps: 0, sums: {} });
    return report;
  }
}

/** Metrics that are recorded, but too many for a line. */
const QUIET: ReadonlySet<string> = new Set([
  ...["gradNorm", "learningRate", "skipped", "lossScale", "overflowed"],
  ...["outputDeviation", "outputRank"],
]);

/** How far a training is. */
interface Extent {
  /** Steps of the whole training. */
  readonly total: number;
  /** Steps of an epoch, which need not be whole. */
  readonly perEpoch: number;
}

/** A report as one line, such as `step 300/4690 · epoch 1/10 · loss 0.312 · 4312 images/s · data wait 0.1 % · 1:23 left`. */
export function describeReport(report: Report, extent: Extent): string {
  const { step, eta } = report;
  const parts = [`step ${step}/${extent.total}`, `epoch ${describeEpoch(step, extent)}`];
  return [...parts, ...describeMeans(report), `${showTime(eta)} left`].join(" · ");
}

/**
 * A report for a line that the next one replaces: a bar, and the losses so far as a sparkline. What matters most comes
 * first, since a narrow terminal cuts the end.
 */
export function describeStatus(
  report: Report,
  { total, perEpoch }: Extent,
  losses: readonly number[],
): string {
  const { step, eta } = report;
  return [
    `${progressBar(step / total)} epoch ${describeEpoch(step, { total, perEpoch })}`,
    `${showTime(eta)} left`,
    `${sparkline(losses)} ${describeMeans(report).join(" · ")}`.trim(),
    `step ${step}/${total}`,
  ].join(" · ");
}

/** The epoch that a step belongs to, of all that are begun: `2/10`. */
const describeEpoch = (step: number, { total, perEpoch }: Extent): string =>
  `${Math.max(1, Math.ceil(step / perEpoch))}/${Math.max(1, Math.ceil(total / perEpoch))}`;

function describeMeans({ means, imagesPerSecond, dataWait }: Report): string[] {
  const { loss, ...others } = means;
  const { overflowed = 0 } = means;
  const shown = Object.entries({ loss, ...others }).filter(([name]) => !QUIET.has(name));
  return [
    ...shown.map(([name, value]) => `${name} ${showMetric(name, value)}`),
    ...(means.skipped > overflowed
      ? [`${percent(means.skipped - overflowed)} of the steps not finite and left out`]
      : []),
    ...(overflowed > 0 ? [`${percent(overflowed)} left out to halve the loss scale`] : []),
    `${Math.round(imagesPerSecond)} images/s`,
    `data wait ${percent(dataWait)}`,
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A metric for people: accuracies in percent, other numbers to four digits. */
export const showMetric = (name: string, value: number): string =>
  name === "accuracy" ? `${(100 * value).toFixed(2)} %` : String(Number(value.toPrecision(4)));
