/** @file Values of runs as people read them, in the terminal, the report and the page alike. */

/** A number to four digits, very small and large ones with an exponent. */
export function showNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  return String(Number(value.toPrecision(4)));
}

/** Whether a metric is a share that reads best in percent. */
export const isShare = (metric: string): boolean =>
  /(^|[/_])(accuracy|recall|precision|knn\d+|\d+shot|skipped|dataWait|ece)($|[/@_-])/.test(metric);

/** A metric's value: shares in percent, other numbers to four digits. */
export const showValue = (metric: string, value: number): string =>
  isShare(metric) ? `${(100 * value).toFixed(2)} %` : showNumber(value);

/** Seconds as `1:23` or `2:03:04`. */
export function showTime(seconds: number): string {
  const whole = Math.round(seconds);
  const pad = (value: number) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** Whether more of a metric is better; undefined where neither is. */
export function moreIsBetter(metric: string): boolean | undefined {
  const name = metric.slice(metric.lastIndexOf("/") + 1);
  if (/accuracy|recall|precision|^knn\d|^\d+shot|imagesPerSecond/i.test(name)) return true;
  if (/loss|seconds|ece|brier|error|dataWait|skipped/i.test(name)) return false;
  return undefined;
}
