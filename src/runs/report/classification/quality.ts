/** @file What the model gets right and wrong: per class, class by class, and in pictures. */

import type { RunSummary } from "../../read.ts";
import { unwritten } from "../absent.ts";
import { type Part, none, scrolls } from "../frame.ts";
import { type Html, html } from "../html.ts";
import { type Predictions, namedMistakes } from "./predictions.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
/** Classes beyond these are folded away, or left out of the matrix. */
const MANY_ROWS = 40;
const MANY_CELLS = 30;

interface Row {
  readonly k: number;
  readonly name: string;
  readonly count: number;
  readonly right: number;
  readonly taken: number;
}

function rowsOf({ classes, confusion }: Predictions): Row[] {
  const taken = classes.map(() => 0);
  for (const row of confusion) row.forEach((count, k) => (taken[k] += count));
  return confusion.map((row, k) => ({
    k,
    name: classes[k],
    count: row.reduce((sum, count) => sum + count, 0),
    right: row[k],
    taken: taken[k],
  }));
}

const recall = ({ right, count }: Row): number => (count > 0 ? right / count : NaN);

/** Recall of each class, the weakest first. */
function classTable(predictions: Predictions): Html {
  const rows = rowsOf(predictions)
    .filter(({ count }) => count > 0)
    .sort((a, b) => recall(a) - recall(b));
  const body = (rows: readonly Row[]) =>
    rows.map((row) => {
      const { name, count, right, taken } = row;
      return html`<tr>
        <th scope="row">${name}</th>
        <td>
          <span class="bar" aria-hidden="true"
            ><i style="width:${percent(recall(row)).replace(" ", "")}"></i
          ></span>
        </td>
        <td class="n">${percent(recall(row))}</td>
        <td class="n">${taken > 0 ? percent(right / taken) : "–"}</td>
        <td class="n">${count}</td>
      </tr>`;
    });
  const table = (rows: readonly Row[], name: string, caption: string) =>
    html`<div ${scrolls(name)}>
      <table>
        <caption>
          ${caption}
        </caption>
        <thead>
          <tr>
            <th scope="col">class</th>
            <td></td>
            <th scope="col" class="n">recall</th>
            <th scope="col" class="n">precision</th>
            <th scope="col" class="n">images</th>
          </tr>
        </thead>
        <tbody>
          ${body(rows)}
        </tbody>
      </table>
    </div>`;
  const others = rows.slice(MANY_ROWS);
  return html`<div class="card">
    ${table(rows.slice(0, MANY_ROWS), "Recall and precision", "The weakest classes first. Recall: how many of the class's images were recognised. Precision: how many of the images that were taken for the class belong to it.")}
    ${
      others.length > 0 &&
      html`<details>
        <summary>${others.length} more classes</summary>
        ${table(others, "Recall and precision of the others", "The other classes.")}
      </details>`
    }
  </div>`;
}

/** The confusion matrix; of many classes, the part of those that are confused most. */
function confusionMatrix(predictions: Predictions): Html {
  const { classes, confusion } = predictions;
  const rows = rowsOf(predictions);
  const part = classes.length > MANY_CELLS;
  const shown = part
    ? [...rows].sort((a, b) => b.count - b.right - (a.count - a.right)).slice(0, MANY_CELLS)
    : rows;
  const columns = [...shown].sort((a, b) => a.k - b.k);
  const cell = (row: Row, column: Row) => {
    const count = confusion[row.k][column.k];
    const share = row.count > 0 ? count / row.count : 0;
    // Small shares stay visible; dark cells keep legible digits by the page's own text colour.
    const strength = count === 0 ? 0 : 0.08 + 0.5 * Math.sqrt(share);
    const title = `${row.name} taken for ${column.name}: ${count} of ${row.count}`;
    return html`<td style="background:rgba(var(--heat),${strength.toFixed(3)})" title="${title}">
      ${count === 0 ? html`<span class="soft">·</span>` : count}
    </td>`;
  };
  return html`<div class="card">
    <div ${scrolls("Confusion of the classes")}>
      <table class="matrix">
        <caption>
          Rows: what it is. Columns: what it was taken
          for.${part && ` The ${MANY_CELLS} of ${classes.length} classes with the most mistakes.`}
        </caption>
        <thead>
          <tr>
            <td></td>
            ${columns.map(({ name }) => html`<th scope="col" title="${name}">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${columns.map(
            (row) =>
              html`<tr>
                <th scope="row" title="${row.name}">${row.name}</th>
                ${columns.map((column) => cell(row, column))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${confusedPairs(predictions)}
  </div>`;
}

function confusedPairs({ classes, confusion }: Predictions): Html {
  const pairs = confusion
    .flatMap((row, label) => row.map((count, taken) => ({ label, taken, count })))
    .filter(({ label, taken, count }) => label !== taken && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, 5);
  if (pairs.length === 0) return html`<p class="soft">No class is taken for another.</p>`;
  return html`<p class="soft">
    Most often:
    ${pairs.map(({ label, taken, count }, i) => html`${i > 0 && ", "}${classes[label]} taken for ${classes[taken]} (${count})`)}.
  </p>`;
}

/** The mistakes that the model was surest of. */
const mistakePictures = (predictions: Predictions): Html =>
  html`<ul class="pictures">
    ${namedMistakes(predictions).map(
      ({ id, label, predicted, probability, thumbnail }) =>
        html`<li>
          <img src="${thumbnail}" alt="${id}: ${label} taken for ${predicted}" loading="lazy" /><b
            class="wrong"
            >${predicted}</b
          >
          ${percent(probability)}<br />is <b>${label}</b><br /><span class="soft">${id}</span>
        </li>`,
    )}
  </ul>`;

/**
 * The parts of a report on a classifier: the recall of each class, the confusion, and the worst mistakes.
 *
 * @param untrained classes without an image to learn from
 */
export function qualityParts(
  predictions: Predictions | undefined,
  untrained: readonly string[],
  run: RunSummary,
): Part[] {
  const of = (show: (predictions: Predictions) => Html): Html =>
    predictions ? show(predictions) : unwritten("No predictions were recorded", run);
  const left =
    untrained.length > 0 &&
    html`<p>Without training images, and so not learned: ${untrained.join(", ")}.</p>`;
  return [
    ["classes", "Recall of each class", html`${left}${of(classTable)}`],
    ["confusion", "Confusion", of(confusionMatrix)],
    [
      "mistakes",
      "Most confident mistakes",
      of((found) =>
        found.mistakes.length > 0
          ? mistakePictures(found)
          : none("None: every judged image was recognised."),
      ),
    ],
  ];
}
