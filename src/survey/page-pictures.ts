/** @file Pictures on the page of a survey: one, a list, groups of the same. */

import { none } from "../runs/report/frame.ts";
import { type Html, html } from "../runs/report/html.ts";
import { showCount } from "./counts.ts";
import { type Member, isMixed } from "./members.ts";

/** Small pictures as data URLs, by {@link keyOf}. */
export type Pictures = ReadonlyMap<string, string>;

/** A picture among {@link Pictures}. */
export const keyOf = ({ split, id }: Member): string => `${split}\0${id}`;

const picture = (member: Member, pictures: Pictures, note?: Html): Html => {
  const { split, id, label } = member;
  const url = pictures.get(keyOf(member)) ?? "";
  return html`<li>
    ${url !== "" && html`<img src="${url}" alt="${id}" loading="lazy" />`}${
      label !== undefined && html`<b>${label}</b><br />`
    }
    ${note !== undefined && html`<span class="wrong">${note}</span><br />`}
    <span class="soft">${split}<br />${id}</span>
  </li>`;
};

/** Pictures with their names, of `count`; `notes` by {@link keyOf} stand below them. */
export function pictureList(
  members: readonly Member[],
  pictures: Pictures,
  count = 0,
  notes: ReadonlyMap<string, Html> = new Map(),
): Html {
  if (members.length === 0) return none("There are none that can be read.");
  return html`<ul class="pictures">
      ${members.map((member) => picture(member, pictures, notes.get(keyOf(member))))}
    </ul>
    ${count > members.length && html`<p class="soft">… and ${showCount(count - members.length)} more.</p>`}`;
}

/** Groups of pictures, of `count`. */
export function groupList(
  groups: readonly (readonly Member[])[],
  count: number,
  pictures: Pictures,
  absent: string,
): Html {
  if (groups.length === 0) return none(absent);
  return html`<div class="grid2">
      ${groups.map((group) => {
        const marks = [
          ...(isMixed(group, "label") ? ["several classes"] : []),
          ...(isMixed(group, "split") ? ["several splits"] : []),
        ];
        return html`<div class="card">
          ${marks.length > 0 && html`<p class="wrong">${marks.join(", ")}</p>`}
          <ul class="pictures">
            ${group.map((member) => picture(member, pictures))}
          </ul>
        </div>`;
      })}
    </div>
    ${count > groups.length && html`<p class="soft">… and ${showCount(count - groups.length)} more.</p>`}`;
}
