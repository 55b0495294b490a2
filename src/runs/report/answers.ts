/** @file Answers that are maps: picture, truth and answer side by side. */

import { type Html, html } from "./html.ts";
import type { MapAnswers } from "./material.ts";

/** The names' colours, then each example. */
export const mapPictures = ({ names, colours, examples }: MapAnswers): Html =>
  html`<p class="legend">
      ${names.map((name, k) => html`<span class="key"><i class="colour" style="background:${colours[k]}"></i>${name}</span>`)}
    </p>
    <ul class="pictures triples">
      ${examples.map(
        ({ id, picture, truth, answer, right }) =>
          html`<li>
            <div class="triple">
              <figure>
                <img src="${picture}" alt="${id}" loading="lazy" />
                <figcaption>picture</figcaption>
              </figure>
              <figure>
                <img src="${truth}" alt="${id}: the true map" loading="lazy" />
                <figcaption>truth</figcaption>
              </figure>
              <figure>
                <img src="${answer}" alt="${id}: the model's map" loading="lazy" />
                <figcaption>answer</figcaption>
              </figure>
            </div>
            <b>${(100 * right).toFixed(1)} %</b> of the pixels are right<br /><span class="soft"
              >${id}</span
            >
          </li>`,
      )}
    </ul>`;
