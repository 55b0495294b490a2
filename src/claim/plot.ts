/** @file Plots of a claim as SVG: values over what was varied, and of every arm, with standard errors as bars. */

import { ticks } from "../runs/report/chart.ts";
import { type Html, html } from "../runs/report/html.ts";
import { isShare, showNumber } from "../runs/list-show.ts";

/** A value with the half length of its error bar; 0 for none. */
export interface Measured {
  readonly mean: number;
  readonly error: number;
}

/** A point of a line. */
export interface Point extends Measured {
  readonly x: number;
}

/** A line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

/** What {@link linePlot} draws. */
export interface LinePlot {
  readonly title: string;
  /** What is varied. */
  readonly axis: string;
  readonly log: boolean;
  /** The value's name; a share is shown in percent. */
  readonly metric: string;
  readonly lines: readonly Line[];
}

const WIDTH = 560;
const HEIGHT = 280;
const MARGIN = { left: 62, right: 22, top: 12, bottom: 40 };
const ROW = 26;
/** Half the length of an error bar's ends. */
const CAP = 4;
/** Room for the arms' names. */
const NAMES = 220;
const COLOURS = 6;

const round = (value: number): number => Math.round(value * 10) / 10;

const show = (metric: string, value: number): string =>
  isShare(metric) ? `${showNumber(Number((100 * value).toPrecision(4)))} %` : showNumber(value);

const shown = (metric: string, { mean, error }: Measured): string =>
  error > 0 ? `${show(metric, mean)} ± ${show(metric, error)}` : show(metric, mean);

/** The ends of an axis that holds all values with their bars. */
function rangeOf(values: readonly Measured[]): [low: number, high: number] {
  const low = Math.min(...values.map(({ mean, error }) => mean - error));
  const high = Math.max(...values.map(({ mean, error }) => mean + error));
  const space = high > low ? 0.06 * (high - low) : Math.abs(high) * 0.1 || 1;
  return [low - space, high + space];
}

/** A function from values to pixels. */
const scaleTo =
  ([low, high]: readonly [number, number], from: number, to: number) =>
  (value: number): number =>
    round(from + ((value - low) / (high - low)) * (to - from));

const isDrawn = ({ mean }: Measured): boolean => Number.isFinite(mean);

/** Lines over an axis, with a bar of one standard error to either side of each point; undefined without points. */
export function linePlot({ title, axis, log, metric, lines }: LinePlot): Html | undefined {
  const drawn = lines
    .map(({ name, points }) => ({
      name,
      points: points.filter(isDrawn).toSorted((a, b) => a.x - b.x),
    }))
    .filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return undefined;
  const all = drawn.flatMap(({ points }) => points);
  const along = (x: number): number => (log ? Math.log10(x) : x);
  const stops = [...new Set(all.map(({ x }) => x))].sort((a, b) => a - b);
  const [first, last] = [along(stops[0]), along(stops.at(-1)!)];
  const ends: [number, number] = first === last ? [first - 1, last + 1] : [first, last];
  const x = (value: number): number =>
    scaleTo(ends, MARGIN.left + 20, WIDTH - MARGIN.right - 20)(along(value));
  const range = rangeOf(all);
  const y = scaleTo(range, HEIGHT - MARGIN.bottom, MARGIN.top);
  const words = drawn.map(({ name, points }) => {
    const values = points.map((point) => `${shown(metric, point)} at ${showNumber(point.x)}`);
    return `${name}: ${values.join(", ")}`;
  });
  return html`<figure>
    <figcaption><b>${title}</b> ${drawn.map(({ name }, k) => key(name, k))}</figcaption>
    <svg
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      role="img"
      aria-label="${`${title}. ${words.join("; ")}.`}"
    >
      ${ticks(...range).map((value) => html`<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}" /><text class="tick" x="${MARGIN.left - 8}" y="${y(value) + 4}" text-anchor="end">${show(metric, value)}</text>`)}
      ${stops.map((stop) => html`<text class="tick" x="${x(stop)}" y="${HEIGHT - 22}" text-anchor="middle">${showNumber(stop)}</text>`)}
      <text class="tick" x="${WIDTH / 2}" y="${HEIGHT - 5}" text-anchor="middle">${axis}</text>
      ${drawn.map(({ points }, k) => {
        const shift = 3 * (k - (drawn.length - 1) / 2); // bars of different lines do not hide one another
        const at = points.map((point) => ({ ...point, left: x(point.x) + shift }));
        const path = at.map(({ left, mean }) => `${left},${y(mean)}`).join(" ");
        return html`<g class="s${k % COLOURS}">
          <polyline
            class="line"
            points="${path}"
            stroke-dasharray="${k < COLOURS ? "none" : "6 4"}"
          />
          ${at.map((point) => html`${upright(point, point.left, y)}<circle class="dot" cx="${point.left}" cy="${y(point.mean)}" r="3.4"><title>${shown(metric, point)}</title></circle>`)}
        </g>`;
      })}
    </svg>
  </figure>`;
}

const key = (name: string, k: number): Html =>
  html`<span class="key"
    ><i class="s${k % COLOURS}"></i>${name}${k < COLOURS ? "" : " (dashed)"}</span
  >`;

/** An upright error bar. */
function upright({ mean, error }: Measured, left: number, y: (value: number) => number) {
  if (error === 0) return undefined;
  const [top, bottom] = [y(mean + error), y(mean - error)];
  return html`<path
    class="line"
    d="M${left},${top}V${bottom}M${left - CAP},${top}h${2 * CAP}M${left - CAP},${bottom}h${2 * CAP}"
  />`;
}

/** One row for each arm: its value, and a bar of one standard error to either side. */
export function armPlot(
  metric: string,
  arms: readonly (Measured & { readonly name: string })[],
): Html | undefined {
  const drawn = arms.filter(isDrawn);
  if (drawn.length === 0) return undefined;
  const range = rangeOf(drawn);
  const height = drawn.length * ROW + MARGIN.bottom;
  const x = scaleTo(range, NAMES, WIDTH - MARGIN.right);
  const floor = height - MARGIN.bottom + 8;
  const words = drawn.map((arm) => `${arm.name}: ${shown(metric, arm)}`).join("; ");
  return html`<figure>
    <figcaption><b>${metric} of every arm</b></figcaption>
    <svg
      viewBox="0 0 ${WIDTH} ${height}"
      role="img"
      aria-label="${`${metric} of every arm. ${words}.`}"
    >
      ${ticks(...range).map((value) => html`<line class="grid" x1="${x(value)}" x2="${x(value)}" y1="4" y2="${floor}" /><text class="tick" x="${x(value)}" y="${floor + 16}" text-anchor="middle">${show(metric, value)}</text>`)}
      ${drawn.map((arm, k) => {
        const middle = round((k + 0.5) * ROW + 4);
        const [left, right] = [x(arm.mean - arm.error), x(arm.mean + arm.error)];
        const bar =
          arm.error > 0 &&
          html`<path
            class="line"
            d="M${left},${middle}H${right}M${left},${middle - CAP}v${2 * CAP}M${right},${middle - CAP}v${2 * CAP}"
          />`;
        return html`<text class="tick" x="${NAMES - 10}" y="${middle + 4}" text-anchor="end"
            >${arm.name}</text
          >
          <g class="s0"
            >${bar}<circle class="dot" cx="${x(arm.mean)}" cy="${middle}" r="3.4"
              ><title>${shown(metric, arm)}</title></circle
            ></g
          >`;
      })}
    </svg>
  </figure>`;
}
