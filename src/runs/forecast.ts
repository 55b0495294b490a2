/** @file How long work will take, measured by its first moments: one line where that is more than a minute. */

import { progressBar } from "../columns.ts";
import { showTime } from "./list-show.ts";

/** Work from this many seconds on is worth a line. */
const WORTH_A_LINE = 60;
/** Seconds of measuring before anything is said. */
const MEASURED = 2;

/** Measures work that is done in steps. The time before the first step, such as compiling, does not count. */
export class Forecast {
  private readonly now: () => number;
  private first: { readonly done: number; readonly at: number } | undefined;
  private said = false;
  /** Seconds until the end; undefined until two steps were measured. */
  left: number | undefined;

  /** @param now milliseconds on a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /**
   * Takes in how much is done. Yields the seconds left the first time that these are known to be more than a minute, and
   * undefined else.
   */
  see(done: number, total: number): number | undefined {
    const at = this.now();
    if (!this.first) this.first = { done, at };
    const steps = done - this.first.done;
    const seconds = (at - this.first.at) / 1000;
    if (steps <= 0 || seconds < MEASURED) return undefined;
    this.left = ((total - done) * seconds) / steps;
    if (this.said || this.left < WORTH_A_LINE) return undefined;
    this.said = true;
    return this.left;
  }
}

/** Seconds in words, such as `about 14 minutes`; for estimates. */
export function describeSeconds(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  const count = (value: number, unit: string) => `${value} ${unit}${value === 1 ? "" : "s"}`;
  if (minutes < 60) return `about ${count(minutes, "minute")}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) {
    const rest = minutes % 60;
    return `about ${count(hours, "hour")}${rest > 0 ? ` ${count(rest, "minute")}` : ""}`;
  }
  return `about ${count(Math.round(hours / 24), "day")}`;
}

/** Where the estimate and the progress go. */
interface Told {
  line(text: string): void;
  status(text: string): void;
}

/**
 * Shows the progress of some work with the time left, and says in a line how long it will take where that is more than a
 * minute.
 *
 * @param what the work in a few words, such as `features of train`
 * @param unit what is counted, such as `images`
 */
export function tellProgress(
  reporter: Told,
  what: string,
  unit: string,
  now?: () => number,
): (done: number, total: number) => void {
  const forecast = new Forecast(now);
  return (done, total) => {
    const long = forecast.see(done, total);
    if (long !== undefined) {
      const count = `${total.toLocaleString("en")} ${unit}`;
      reporter.line(`time    ${what}: ${describeSeconds(long)} for ${count}`);
    }
    const { left } = forecast;
    const rest = left === undefined ? "" : ` · ${showTime(left)} left`;
    const bar = progressBar(total > 0 ? done / total : 1);
    reporter.status(`${bar} ${what}: ${done} of ${total} ${unit}${rest}`);
  };
}

/**
 * Estimates work of several like parts, such as the trials of a sweep: a line, once, where what is left takes more than a
 * minute.
 *
 * @param unit what a part is, such as `trial`
 */
export function tellParts(
  line: (text: string) => void,
  unit: string,
): (secondsOfOne: number, left: number) => void {
  let said = false;
  return (secondsOfOne, left) => {
    const seconds = secondsOfOne * left;
    if (said || left < 1 || seconds < WORTH_A_LINE) return;
    said = true;
    const parts = left === 1 ? `1 ${unit}` : `${left} ${unit}s, if all are like this one`;
    line(`time    ${describeSeconds(seconds)} for ${parts}`);
  };
}
