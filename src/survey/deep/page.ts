/** @file What features say of a data set, on the page of a survey. */

import { type Part, none } from "../../runs/report/frame.ts";
import { html } from "../../runs/report/html.ts";
import type { Member } from "../members.ts";
import { type Pictures, groupList, keyOf, pictureList } from "../page-pictures.ts";
import type { DeepFacts } from "./deep.ts";
import { describeDeep } from "./findings.ts";

/** The pictures that are shown. */
export interface DeepShown {
  readonly alike: readonly (readonly Member[])[];
  readonly doubtful: readonly Member[];
  readonly outliers: readonly Member[];
}

/** What the features of a model say. */
export function deepParts(deep: DeepFacts, shown: DeepShown, pictures: Pictures): Part[] {
  const { doubtful, alike, outliers } = deep;
  const doubts = new Map(
    doubtful?.listed.map((doubt) => [
      keyOf(doubt.member),
      html`rather ${doubt.suggested}: ${(100 * doubt.probability).toFixed(0)} % against
      ${(100 * doubt.own).toFixed(0)} %`,
    ]),
  );
  return [
    [
      "labels",
      "Labels that are likely wrong",
      doubtful === undefined
        ? none("The pictures have no labels of one class each, or too few.")
        : html`<p class="soft">
              A linear classifier on ${describeDeep(deep)}; it judges pictures that it did not see,
              and agrees with ${(100 * doubtful.agreement).toFixed(0)} % of the labels.
            </p>
            ${
              shown.doubtful.length === 0
                ? none("There are none.")
                : pictureList(shown.doubtful, pictures, doubtful.count, doubts)
            }`,
    ],
    [
      "alike",
      "Pictures with nearly the same features",
      html`<p class="soft">
          Pairs whose features have a cosine of at least ${alike.least}, once the mean of all is
          taken away; equal pictures are left out. Pairs in several splits let a model know what it
          is judged by.
        </p>
        ${groupList(shown.alike, alike.count, pictures, "There are none.")}`,
    ],
    [
      "outliers",
      "Pictures unlike all others",
      shown.outliers.length === 0
        ? none("There are none.")
        : pictureList(shown.outliers, pictures, outliers.count),
    ],
  ];
}
