/** @file The frame of a page that needs nothing beside itself: its head, tiles, parts, and tables of facts. */

import { Html, html } from "./html.ts";
import { MARK, STYLE } from "./style.ts";

/** Nothing may be loaded, whatever stands in the files that a page shows. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/** A part of a page. */
export type Part = readonly [id: string, title: string, content: Html];

/** What a page is made of. */
export interface Page {
  /** What kind of page it is, beside the mark. */
  readonly kicker: string;
  readonly title: string;
  /** What is said below the title. */
  readonly lead: Html;
  /** Figures with their names. */
  readonly tiles: readonly (readonly [name: string, value: string])[];
  readonly parts: readonly Part[];
  readonly footer: string;
  readonly script?: string;
  /** Style beside that of all pages. */
  readonly style?: string;
}

/** What a bare page is made of. */
interface BarePage extends Pick<Page, "kicker" | "title" | "script"> {
  readonly lead: Html | string;
  /** What stands in the head of the page below the lead. */
  readonly figures?: Html;
  /** What stands between the head and the main part. */
  readonly between?: Html;
  readonly main: Html;
  /** Style beside that of all pages. */
  readonly style?: string;
}

/** A page of a head and a main part, as HTML. Only a page with a script may run one. */
export function barePage(page: BarePage): string {
  const { kicker, title, lead, figures, between, main, style = "", script } = page;
  const policy = script === undefined ? POLICY : `${POLICY}; script-src 'unsafe-inline'`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <link rel="icon" href="data:," />
        <title>${title} · Ocelli</title>
        <style>
          ${new Html(STYLE + style)}
        </style>
      </head>
      <body>
        <header class="top">
          <div class="mark">${new Html(MARK)} Ocelli · ${kicker}</div>
          <h1>${title}</h1>
          <p class="lead">${lead}</p>
          ${figures}
        </header>
        ${between}
        <main>${main}</main>
        ${
          script !== undefined &&
          html`<script>
            ${new Html(script)};
          </script>`
        }
      </body>
    </html>`.markup;
}

/** A page of tiles and parts, as HTML. */
export const framePage = ({ tiles, parts, footer, ...head }: Page): string =>
  barePage({
    ...head,
    figures: html`<div class="tiles">
      ${tiles.map(([name, value]) => html`<div class="tile"><b>${value.replace(" %", "\u00a0%")}</b><span>${name}</span></div>`)}
    </div>`,
    between: html`<nav class="parts" aria-label="Parts">
      ${parts.map(([id, title]) => html`<a href="#${id}">${title}</a>`)}
    </nav>`,
    main: html`${parts.map(
        ([id, title, content]) =>
          html`<section id="${id}" aria-labelledby="${id}-title">
            <h2 id="${id}-title">${title}</h2>
            ${content}
          </section>`,
      )}
      <footer>${footer}</footer>`,
  });

/** What stands where there is nothing to show. */
export const none = (text: string): Html => html`<p class="none">${text}</p>`;

/** The attributes of what is wide and scrolls by itself, by the keyboard too; `label` names it. */
export const scrolls = (label: string, classes = "scroll"): Html =>
  html`class="${classes}" role="region" aria-label="${label}" tabindex="0"`;

/** Facts by name, as a table; `absent` where there are none. */
export function factTable(
  caption: string,
  facts: Readonly<Record<string, unknown>>,
  absent: Html = none("Nothing was recorded."),
): Html {
  const rows = Object.entries(facts);
  if (rows.length === 0) return absent;
  return html`<div ${scrolls(caption, "card scroll")}>
    <table>
      <caption>
        ${caption}
      </caption>
      <tbody>
        ${rows.map(
          ([name, value]) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td>${String(value)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
