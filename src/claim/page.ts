/** @file All claims on one page: what holds, the tables, and plots with standard errors. */

import { type Html, html } from "../runs/report/html.ts";
import { barePage, scrolls } from "../runs/report/frame.ts";
import { type ClaimResult } from "./result.ts";
import { spread } from "./claim.ts";
import type { Claim, PlotPoint } from "./define.ts";
import { type Line, armPlot, linePlot } from "./plot.ts";

/** A claim on the page. */
export interface PageEntry {
  readonly claim: Claim;
  /** What its last run came to; undefined where it has not been run, or not to its end. */
  readonly result: ClaimResult | undefined;
  /** The table in the room's README, which stands in where there is no result. */
  readonly table: string | undefined;
  /** Why it did not come to its end. */
  readonly problem?: string;
}

/** Room between the parts of a claim. */
const SPACES =
  "main > .card, section > * + .card, .grid2, .none { margin-top:14px; } table + table { margin-top:18px; }";

/** The page of some claims, as HTML. */
export function claimsPage(entries: readonly PageEntry[], scale: "quick" | "full"): string {
  const title = scale === "full" ? "All claims" : "All claims, quick";
  return barePage({
    kicker: "claims of published systems",
    title,
    lead: leadOf(scale),
    main: html`<div ${scrolls("All claims", "card scroll")}>${overview(entries)}</div>
      ${entries.map(section)}`,
    style: SPACES,
  });
}

const leadOf = (scale: "quick" | "full"): string =>
  scale === "full"
    ? "npx ocelli claim --all --full writes this page; a claim of which no run is at hand shows the table of its room. Bars are one standard error of the mean over the seeds to either side."
    : "npx ocelli claim --all writes this page: one seed and short trainings, for the direction alone.";

/** Every claim in a row. */
function overview(entries: readonly PageEntry[]): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">claim</th>
        <th scope="col">in one sentence</th>
        <th scope="col">checks that hold</th>
      </tr>
    </thead>
    <tbody>
      ${entries.map(
        ({ claim: { name, headline }, result, problem }) =>
          html`<tr>
            <td><a href="#${name}">${name}</a></td>
            <td>${headline}</td>
            <td>${result ? verdictOf(result) : (problem ?? "no run at hand")}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function verdictOf({ checks }: ClaimResult): string {
  const holding = checks.filter(({ holds }) => holds).length;
  const open = checks.filter(({ isOpen }) => isOpen).length;
  return `${holding} of ${checks.length}${open > 0 ? `; ${open} within the error` : ""}`;
}

function section({ claim, result, table, problem }: PageEntry): Html {
  const text = result?.table ?? table;
  return html`<section>
    <h2 id="${claim.name}">${claim.name}</h2>
    <p class="lead">${claim.headline}</p>
    ${problem !== undefined && html`<p class="wrong">${problem}</p>`}
    ${result ? html`<div class="grid2">${plotsOf(claim, result)}</div>` : html`<p class="none">No run of these settings is at hand.${text !== undefined && " The table is that of the room, which says what it was run with."}</p>`}
    ${text !== undefined && html`<div ${scrolls(`Text of ${claim.name}`, "card scroll")}>${markdown(text)}</div>`}
  </section>`;
}

/** The claim's own plots, what was tried, and every arm. */
function plotsOf(claim: Claim, result: ClaimResult): (Html | undefined)[] {
  const { metric, plots, tune } = claim;
  const { arms } = result;
  const own = plots.map(({ title, axis, log = false, lines }) => {
    const [shown = metric] = Object.values(lines).flatMap((points) => points[0]?.value ?? []);
    const measured = ({ x, arm, value = metric }: PlotPoint) => ({
      x,
      ...spread(arms[arm].values.map((values) => values[value])),
    });
    const drawn = Object.entries(lines).map(([name, points]) => ({
      name,
      points: points.map(measured),
    }));
    return linePlot({ title, axis, log, metric: shown, lines: drawn });
  });
  const tried = Object.keys(tune).map((setting) =>
    linePlot({
      title: `${metric} on the validation split by ${setting}`,
      axis: setting,
      log: tune[setting].every((value) => value > 0),
      metric,
      lines: Object.entries(arms).map(([name, arm]) => ({
        name,
        points: bestBy(setting, arm, claim),
      })),
    }),
  );
  const all = Object.entries(arms).map(([name, { metric: found }]) => ({ name, ...found }));
  return [...own, ...tried, armPlot(metric, all)];
}

/** The best value of each value of a setting, whatever the other settings. */
function bestBy(
  setting: string,
  { tried }: ClaimResult["arms"][string],
  { maximize }: Claim,
): Line["points"] {
  const best = new Map<number, number>();
  for (const { tuned, value } of tried) {
    const x = tuned[setting] as number | undefined;
    if (x === undefined) continue;
    const before = best.get(x) ?? value;
    best.set(x, maximize ? Math.max(before, value) : Math.min(before, value));
  }
  return [...best].map(([x, mean]) => ({ x, mean, error: 0 }));
}

/** Our own tables and paragraphs in Markdown, as HTML. */
function markdown(text: string): Html[] {
  return text
    .trim()
    .split(/\n\n+/)
    .map((block) => (block.startsWith("|") ? tableOf(block) : html`<p class="soft">${block}</p>`));
}

function tableOf(block: string): Html {
  const [head, , ...rows] = block.split("\n").map((line) =>
    line
      .replace(/^\|\s*|\s*\|$/g, "")
      .split("|")
      .map((cell) => cell.trim()),
  );
  return html`<table>
    <thead>
      <tr>
        ${head.map((cell) => html`<th scope="col">${cell}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (cells) =>
          html`<tr>
            ${cells.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}
