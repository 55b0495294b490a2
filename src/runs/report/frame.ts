/** @file The frame of a page that needs nothing beside itself: its head, tiles, parts, and tables of facts. */

import { Html, html } from "./html.ts";
import { MARK, STYLE } from "./style.ts";

/** Nothing may be loaded, whatever stands in the files that a page shows. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

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
}

/** A page as HTML. */
export function framePage({ kicker, title, lead, tiles, parts, footer, script }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <link rel="icon" href="data:," />
        <title>${title} · Ocelli</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <header class="top">
          <div class="mark">${new Html(MARK)} Ocelli · ${kicker}</div>
          <h1>${title}</h1>
          <p class="lead">${lead}</p>
          <div class="tiles">
            ${tiles.map(([name, value]) => html`<div class="tile"><b>${value}</b><span>${name}</span></div>`)}
          </div>
        </header>
        <nav class="parts" aria-label="Parts">
          ${parts.map(([id, title]) => html`<a href="#${id}">${title}</a>`)}
        </nav>
        <main>
          ${parts.map(
            ([id, title, content]) =>
              html`<section id="${id}" aria-labelledby="${id}-title">
                <h2 id="${id}-title">${title}</h2>
                ${content}
              </section>`,
          )}
          <footer>${footer}</footer>
        </main>
        ${
          script !== undefined &&
          html`<script>
            ${new Html(script)};
          </script>`
        }
      </body>
    </html>`.markup;
}

/** What stands where there is nothing to show. */
export const none = (text: string): Html => html`<p class="none">${text}</p>`;

/** Facts by name, as a table. */
export function factTable(caption: string, facts: Readonly<Record<string, unknown>>): Html {
  const rows = Object.entries(facts);
  if (rows.length === 0) return none("Nothing was recorded.");
  return html`<div class="card scroll">
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
