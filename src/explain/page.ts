/** @file Explanations as one page: each picture beside its map, with class, score and the scale of the colours. */

import { writeAtomically } from "../files.ts";
import { barePage } from "../runs/report/frame.ts";
import { type Html, html } from "../runs/report/html.ts";
import type { Ranked } from "../tasks/index.ts";
import { SCALE } from "./overlay.ts";

/** A picture on the page. */
export interface PageEntry {
  readonly image: string;
  readonly class: string;
  readonly probability: number;
  readonly ranked: readonly Ranked[];
  /** PNG files: the picture alone, and its maps. */
  readonly original: Uint8Array;
  readonly pictures: readonly Uint8Array[];
}

/** What a page shows. */
interface ExplainPage {
  /** The model. */
  readonly spec: string;
  readonly method: string;
  readonly entries: readonly PageEntry[];
  /** Pictures that were explained, on the page or not. */
  readonly count: number;
}

/** Classes beside each picture. */
const RANKED = 5;

const STYLE = `
.explained { display:grid; gap:16px; grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr)); margin-top:20px; }
.explained h2 { margin:0 0 2px; overflow-wrap:anywhere; }
.explained .maps { display:grid; grid-template-columns:repeat(auto-fill,minmax(140px,220px)); gap:10px; margin:12px 0; }
.explained figure { border:0; padding:0; } .explained figcaption { color:var(--soft); font-size:13px; }
.explained img { width:100%; border-radius:6px; display:block; }
.scale { max-width:320px; } .scale div { height:12px; border-radius:6px; background:${SCALE}; } .scale span { display:flex; justify-content:space-between; font-size:13px; color:var(--soft); }
table .bar i { background:var(--s0); }
`;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const dataUrl = (png: Uint8Array): string =>
  `data:image/png;base64,${Buffer.from(png).toString("base64")}`;

const scale = html`<div class="scale">
  <div
    role="img"
    aria-label="Colours from the least of a map, dark blue, to the most, yellow"
  ></div>
  <span aria-hidden="true"><span>least of this map</span><span>most</span></span>
</div>`;

const entryCard = ({ image, class: name, probability, ranked, ...shown }: PageEntry): Html =>
  html`<article class="card">
    <h2>${name} · ${percent(probability)}</h2>
    <p class="lead">${image}</p>
    <div class="maps">
      <figure>
        <img src="${dataUrl(shown.original)}" alt="${image} as the model sees it" />
        <figcaption>as the model sees it</figcaption>
      </figure>
      ${shown.pictures.map((picture, head) => {
        const of = shown.pictures.length > 1 ? `head ${head}` : `map of ${name}`;
        return html`<figure>
          <img src="${dataUrl(picture)}" alt="${image}: ${of}" />
          <figcaption>${of}</figcaption>
        </figure>`;
      })}
    </div>
    ${scale}
    <table>
      <caption>
        the most probable classes
      </caption>
      <tbody>
        ${ranked.slice(0, RANKED).map(
          (one) =>
            html`<tr>
              <th scope="row">${one.name}</th>
              <td>
                <span class="bar" aria-hidden="true"
                  ><i style="width:${(100 * one.score).toFixed(1)}%"></i
                ></span>
              </td>
              <td class="n">${percent(one.score)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </article>`;

/** Writes a page of explanations, which needs nothing beside itself. */
export async function writeExplainPage(file: string, page: ExplainPage): Promise<void> {
  const { spec, method, entries, count } = page;
  const markup = barePage({
    kicker: "explanations",
    title: spec,
    lead: html`${method} of ${count} ${count === 1 ? "picture" : "pictures"}. A map shows where the
    answer comes from; its colours go from its own least value to its most, so they compare places
    of one picture, not pictures.`,
    main: html`<div class="explained">${entries.map(entryCard)}</div>
      ${count > entries.length && html`<p class="soft">… and ${count - entries.length} more, in their own files.</p>`}`,
    style: STYLE,
  });
  await writeAtomically(file, markup);
}
