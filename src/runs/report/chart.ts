/** @file Curves as SVG: axes with round numbers, one line a series, bands where points were merged. */

import { isShare, showNumber } from "../list-show.ts";
import type { Curve } from "../read-curves.ts";
import { type Html, html } from "./html.ts";

/** One line of a chart. */
export interface Series {
  readonly name: string;
  readonly curve: Curve;
}

const WIDTH = 560;
const HEIGHT = 250;
const MARGIN = { left: 62, right: 22, top: 12, bottom: 36 };
const INNER = {
  width: WIDTH - MARGIN.left - MARGIN.right,
  height: HEIGHT - MARGIN.top - MARGIN.bottom,
};
/** Fewer points than this are marked one by one. */
const FEW = 24;
/** Lines of one chart. */
const MOST = 24;

/** About `count` round numbers that span from `low` to `high`. */
export function ticks(low: number, high: number, count = 5): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) =>
    Number(((first + k) * step).toPrecision(12)),
  );
}

/** The least and the greatest of values, however many. */
const extent = (values: readonly number[]) => ({
  low: values.reduce((a, b) => Math.min(a, b), Infinity),
  high: values.reduce((a, b) => Math.max(a, b), -Infinity),
});

/** Where the axes begin and end. */
function ranges(series: readonly Series[]) {
  const steps = extent(series.flatMap(({ curve }) => [curve.steps[0], curve.steps.at(-1)!]));
  const means = extent(series.flatMap(({ curve }) => [...curve.means]));
  let { low } = means;
  const { high } = means;
  // The lower end is zero where that costs little room.
  if (low > 0 && low < 0.35 * high) low = 0;
  const space = high > low ? 0.04 * (high - low) : Math.abs(high) * 0.1 || 1;
  return {
    left: steps.low,
    right: steps.high,
    low: low && low - space,
    high: high + space,
  };
}

/** A chart of some series of one metric, with its legend and its values as a table. */
export function chart(metric: string, title: string, all: readonly Series[]): Html {
  const series = all.slice(0, MOST);
  const range = ranges(series);
  const { left, right, low, high } = range;
  const width = right - left || 1;
  const x = (step: number) => round(MARGIN.left + ((step - left) / width) * INNER.width);
  const y = (value: number) => {
    const share = (Math.min(Math.max(value, low), high) - low) / (high - low);
    return round(MARGIN.top + (1 - share) * INNER.height);
  };
  const data = series.map(({ name, curve: { steps, means } }) => ({
    name,
    steps,
    means: means.map(six),
  }));
  const frame = {
    ...MARGIN,
    ...INNER,
    minStep: left,
    maxStep: right,
    low,
    high,
    share: isShare(metric),
  };
  return html`<figure class="chart" data-chart="${JSON.stringify({ series: data, frame })}">
    <figcaption><b>${title}</b> ${legend(series)}</figcaption>
    <svg
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      role="img"
      tabindex="0"
      aria-label="${describe(metric, title, series)}"
    >
      ${ticks(low, high).map((value) => html`<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}" /><text class="tick" x="${MARGIN.left - 8}" y="${y(value) + 4}" text-anchor="end">${tickText(metric, value)}</text>`)}
      ${ticks(left, right, 6).map((step) => html`<text class="tick" x="${x(step)}" y="${HEIGHT - 18}" text-anchor="middle">${step.toLocaleString("en")}</text>`)}
      <text
        class="tick axis"
        x="${MARGIN.left + INNER.width / 2}"
        y="${HEIGHT - 3}"
        text-anchor="middle"
      >
        step
      </text>
      ${series.map(({ curve }, k) => line(curve, k, x, y))}
      <g class="cursor"></g>
    </svg>
    ${all.length > MOST && html`<p class="soft">… and ${all.length - MOST} more lines, which are in metrics.jsonl.</p>`}
    <p class="readout" aria-live="polite"></p>
    ${table(metric, title, series)}
  </figure>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
const six = (value: number): number => Number(value.toPrecision(6));

const tickText = (metric: string, value: number): string =>
  isShare(metric) ? `${showNumber(Number((100 * value).toPrecision(6)))} %` : showNumber(value);

function line(curve: Curve, k: number, x: (v: number) => number, y: (v: number) => number): Html {
  const { steps, means, lows, highs } = curve;
  const points = steps.map((step, i) => `${x(step)},${y(means[i])}`).join(" ");
  const merged = lows.some((low, i) => low !== highs[i]);
  const band = [
    ...steps.map((step, i) => `${x(step)},${y(highs[i])}`),
    ...steps.map((step, i) => `${x(step)},${y(lows[i])}`).reverse(),
  ].join(" ");
  const few = steps.length <= FEW;
  return html`${merged && html`<polygon class="band s${k % 6}" points="${band}" />`}<polyline
      class="line s${k % 6}"
      points="${points}"
    />${few && steps.map((step, i) => html`<circle class="dot s${k % 6}" cx="${x(step)}" cy="${y(means[i])}" r="3.2" />`)}`;
}

const legend = (series: readonly Series[]): Html[] =>
  series.map(({ name }, k) => html`<span class="key"><i class="s${k % 6}"></i>${name}</span>`);

/** The chart in words. */
function describe(metric: string, title: string, series: readonly Series[]): string {
  const texts = series.map(({ name, curve: { steps, means } }) => {
    const [first, last] = [means[0], means.at(-1)!].map((value) => tickText(metric, six(value)));
    return steps.length > 1
      ? `${name} goes from ${first} at step ${steps[0]} to ${last} at step ${steps.at(-1)}`
      : `${name} is ${last} at step ${steps[0]}`;
  });
  return `${title}: ${texts.join("; ")}.`;
}

/** Rows of the table of values. */
const ROWS = 12;

function table(metric: string, title: string, series: readonly Series[]): Html {
  return html`<details>
    <summary>Values</summary>
    ${series.map(({ name, curve }) => {
      const { steps, means } = curve;
      const count = Math.min(ROWS, steps.length);
      const chosen = Array.from({ length: count }, (_, k) =>
        count === 1 ? 0 : Math.round((k * (steps.length - 1)) / (count - 1)),
      );
      return html`<table>
        <caption>
          ${name}
        </caption>
        <thead>
          <tr>
            <th scope="col">step</th>
            <th scope="col">${title}</th>
          </tr>
        </thead>
        <tbody>
          ${chosen.map(
            (i) =>
              html`<tr>
                <td>${steps[i]}</td>
                <td>${tickText(metric, six(means[i]))}</td>
              </tr>`,
          )}
        </tbody>
      </table>`;
    })}
  </details>`;
}
