/** @file A survey as one page with pictures, in the frame of a run's report. */

import type { Dataset } from "../data/source.ts";
import { writeAtomically } from "../files.ts";
import { COLOURS } from "../preprocess/alpha.ts";
import { type Part, factTable, framePage, none, scrolls } from "../runs/report/frame.ts";
import { type Html, html } from "../runs/report/html.ts";
import { thumbnail } from "../served/pictures.ts";
import { classCounts } from "./classification/lines.ts";
import { counted, showCount } from "./counts.ts";
import { type DeepShown, deepParts } from "./deep/page.ts";
import { findings } from "./findings.ts";
import { describeChannels, showBytes, showSize, sizesLine } from "./lines.ts";
import type { Member } from "./members.ts";
import { type Pictures, groupList, keyOf, pictureList } from "./page-pictures.ts";
import type { Survey } from "./survey.ts";

/** Pictures of each kind on a page, and rows of its tables. */
const GROUPS = 24;
const OF_GROUP = 6;
const PICTURES = 36;
const ROWS = 400;

/** Writes a survey as a page; the pictures that it shows are read once more. */
export async function writeSurveyPage(
  file: string,
  title: string,
  dataset: Dataset,
  survey: Survey,
): Promise<void> {
  const shown = shownOf(survey);
  const members = Object.values(shown).flat(2);
  const pictures = await readPictures(dataset, members);
  await writeAtomically(file, renderSurvey(title, survey, shown, pictures));
}

/** The pictures on a page. */
interface Shown extends DeepShown {
  readonly examples: readonly Member[];
  readonly equal: readonly (readonly Member[])[];
  readonly near: readonly (readonly Member[])[];
  readonly transparent: readonly Member[];
  readonly plain: readonly Member[];
}

const shownOf = ({ examples, equal, near, transparent, plain, deep }: Survey): Shown => ({
  examples,
  equal: equal.listed.slice(0, GROUPS).map((group) => group.slice(0, OF_GROUP)),
  near: near.listed.slice(0, GROUPS).map(({ pair }) => pair),
  transparent: transparent.listed.slice(0, PICTURES),
  plain: plain.listed.slice(0, PICTURES),
  alike: deep?.alike.listed.slice(0, GROUPS).map(({ pair }) => pair) ?? [],
  doubtful: deep?.doubtful?.listed.slice(0, PICTURES).map(({ member }) => member) ?? [],
  outliers: deep?.outliers.listed.slice(0, PICTURES) ?? [],
});

async function readPictures(dataset: Dataset, members: readonly Member[]): Promise<Pictures> {
  const wanted = new Set(members.map(keyOf));
  const pictures = new Map<string, string>();
  for (const split of new Set(members.map((member) => member.split))) {
    const source = await dataset.open(split);
    for (let index = 0; index < source.length; index++) {
      const key = keyOf({ split, id: source.id(index) });
      if (!wanted.has(key)) continue;
      const { image } = await source.read(index);
      pictures.set(key, await thumbnail(image, COLOURS.white));
    }
  }
  return pictures;
}

function renderSurvey(title: string, survey: Survey, shown: Shown, pictures: Pictures): string {
  const { images, bytes, splits, classes, unreadable, transparent, plain, equal, near } = survey;
  const { data, notes, seconds } = survey;
  const parts: (Part | undefined)[] = [
    ["findings", "What to look at", findingsPart(survey)],
    classes.length > 0 ? ["classes", "Classes", classTable(survey)] : undefined,
    ["pictures", "Pictures", pictureList(shown.examples, pictures)],
    [
      "facts",
      "Splits, sizes, channels",
      factTable("All pictures that can be read", factsOf(survey)),
    ],
    [
      "equal",
      "Equal pictures (exact)",
      groupList(shown.equal, equal.count, pictures, "No two files have the same bytes."),
    ],
    [
      "near",
      "Nearly equal pictures (near)",
      html`<p class="soft">
          Pairs whose 64-bit difference hashes differ in at most ${near.bits} bits. They may be
          copies at another size or quality, or only look alike; equal pictures and those of one
          colour are left out.${!near.isWhole && " There were too many to compare them all."}
        </p>
        ${groupList(shown.near, near.count, pictures, "There are none.")}`,
    ],
    ...(survey.deep ? deepParts(survey.deep, shown, pictures) : []),
    transparent.count > 0
      ? [
          "transparent",
          "Transparent pictures, on white",
          pictureList(shown.transparent, pictures, transparent.count),
        ]
      : undefined,
    plain.count > 0
      ? ["plain", "Pictures of one colour", pictureList(shown.plain, pictures, plain.count)]
      : undefined,
    ["unreadable", "Pictures that cannot be read", problemTable(survey)],
    ["fields", "Fields", fieldTables(survey)],
  ];
  return framePage({
    kicker: "a data set",
    title,
    lead: html`${data}${notes.map((note) => html`<br />${note}`)}`,
    tiles: [
      ["images", showCount(images)],
      ["size", showBytes(bytes)],
      ["splits", showCount(splits.length)],
      ["classes", showCount(classes.length)],
      ["cannot be read", showCount(unreadable.count)],
      ["equal pictures", showCount(equal.pictures)],
      ["pairs nearly equal", showCount(near.count)],
      ["transparent", showCount(transparent.count)],
      ["of one colour", showCount(plain.count)],
    ],
    parts: parts.filter((part) => part !== undefined),
    footer: `Read in ${seconds.toFixed(1)} s.`,
  });
}

function findingsPart(survey: Survey): Html {
  const found = findings(survey);
  if (found.length === 0) return none("Nothing looks wrong.");
  return html`<div ${scrolls("Findings", "card scroll")}>
    <table>
      <tbody>
        ${found.map(
          ({ about, text, such }) =>
            html`<tr>
              <th scope="row" style="white-space:nowrap">${about}</th>
              <td>${text}${such.map((one) => html`<br /><span class="soft">${one}</span>`)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function classTable(survey: Survey): Html {
  const { splits } = survey;
  const rows = classCounts(survey).map(([name, counts]) => {
    return { name, counts, total: counts.reduce((sum, count) => sum + count, 0) };
  });
  const most = Math.max(1, ...rows.map(({ total }) => total));
  return html`<div ${scrolls("Counts by class", "card scroll")}>
    <table>
      <thead>
        <tr>
          <th scope="col">class</th>
          <td></td>
          <th scope="col" class="n">images</th>
          ${splits.length > 1 && splits.map(({ split }) => html`<th scope="col" class="n">${split}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.slice(0, ROWS).map(
          ({ name, counts, total }) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td>
                <span class="bar" aria-hidden="true"
                  ><i style="width:${((100 * total) / most).toFixed(1)}%"></i
                ></span>
              </td>
              <td class="n">${showCount(total)}</td>
              ${
                splits.length > 1 &&
                counts.map(
                  (count) =>
                    html`<td class="${count === 0 ? "n wrong" : "n"}">${showCount(count)}</td>`,
                )
              }
            </tr>`,
        )}
      </tbody>
    </table>
    ${rows.length > ROWS && html`<p class="soft">… and ${rows.length - ROWS} more classes.</p>`}
  </div>`;
}

function factsOf({ splits, shares, sizes, channels }: Survey): Record<string, string> {
  const counts = splits.map(({ split, count }) => [`split ${split}`, counted(count, "image")]);
  const kinds = Object.entries(channels).map(([number, count]) => [
    describeChannels(number),
    counted(count, "picture"),
  ]);
  const common =
    sizes?.common.map((size) => [showSize(size), counted(size.count, "picture")]) ?? [];
  return {
    ...(Object.fromEntries(counts) as Record<string, string>),
    ...(shares && { "splits are made": "from the images' names, as the data has none" }),
    ...(sizes && { "sizes (width × height)": sizesLine(sizes) }),
    ...(Object.fromEntries([...common, ...kinds]) as Record<string, string>),
  };
}

function problemTable({ unreadable: { count, listed } }: Survey): Html {
  if (count === 0) return none("All can be read.");
  return html`<div ${scrolls("Unreadable pictures", "card scroll")}>
    <table>
      <thead>
        <tr>
          <th scope="col">picture</th>
          <th scope="col">split</th>
          <th scope="col">reason</th>
        </tr>
      </thead>
      <tbody>
        ${listed.slice(0, ROWS).map(
          ({ id, split, reason }) =>
            html`<tr>
              <th scope="row">${id}</th>
              <td>${split}</td>
              <td>${reason}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${count > listed.length && html`<p class="soft">… and ${showCount(count - listed.length)} more.</p>`}
  </div>`;
}

function fieldTables({ splits }: Survey): Html {
  const tables = splits.flatMap(({ split, fields }) =>
    fields.map(({ field, kind, counts = {}, facts }) => {
      const values =
        field === "label" ? [] : Object.entries(counts).map(([k, n]) => [k, String(n)]);
      const all = { kind, ...facts, ...(Object.fromEntries(values) as Record<string, string>) };
      return factTable(`${field} of ${split}`, all);
    }),
  );
  if (tables.length === 0) return none("The pictures have no labels and no other fields.");
  return html`<div class="grid2">${tables}</div>`;
}
