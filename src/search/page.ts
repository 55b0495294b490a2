/** @file What a search found as one page with pictures, which needs nothing beside itself. */

import { basename, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { readImage } from "../data/readers/images.ts";
import { bytesArray } from "../data/source.ts";
import { writeAtomically } from "../files.ts";
import { COLOURS } from "../preprocess/alpha.ts";
import { framePage, none } from "../runs/report/frame.ts";
import { type Html, html } from "../runs/report/html.ts";
import { thumbnail } from "../served/pictures.ts";
import { rootOf } from "./folder.ts";
import type { Hit, Query, Searcher } from "./search.ts";

/** The longer side of a picture on the page, in pixels. */
const SIDE = 240;

/** Larger pictures than those of a report, drawn smoothly. */
const STYLE = `
.pictures { grid-template-columns:repeat(auto-fill,minmax(200px,1fr)); }
.pictures img { image-rendering:auto; }`;

/** Writes a page of the pictures that a search found, each a link to its file. */
export async function writeSearchPage(
  file: string,
  { text, image }: Query,
  hits: readonly Hit[],
  { manifest, index, pictures }: Pick<Searcher, "manifest" | "index" | "pictures">,
): Promise<void> {
  const shown: Html[] = [];
  const root = rootOf(index, manifest);
  for (const [k, hit] of hits.entries()) shown.push(await entry(hit, k + 1, root));
  const asked = image === undefined ? undefined : await small(image);
  const page = framePage({
    kicker: "a search",
    title: text ?? `Like ${basename(image ?? "")}`,
    lead: html`${text !== undefined && image !== undefined && html`and like ${basename(image)}`}
    ${asked && html`<br /><img src="${asked}" alt="The picture that was searched for" />`}`,
    tiles: [
      ["found", String(hits.length)],
      ["pictures in the index", pictures.toLocaleString("en")],
      ["model", basename(manifest.model.spec)],
    ],
    parts: [
      [
        "found",
        "Nearest pictures, the best first",
        shown.length > 0
          ? html`<ul class="pictures">
              ${shown}
            </ul>`
          : none("There are none."),
      ],
    ],
    style: STYLE,
    footer: "The number is the product of the vectors: 1 for the same picture.",
  });
  await writeAtomically(file, page);
}

async function entry({ image, score, missing }: Hit, place: number, root: string): Promise<Html> {
  const url = missing ? "" : await small(image);
  const picture = url
    ? html`<a href="${pathToFileURL(resolve(image)).href}"
        ><img src="${url}" alt="${basename(image)}"
      /></a>`
    : html`<p class="none">The file is no longer there.</p>`;
  return html`<li>
    ${picture}<b>${place}</b> · ${score.toFixed(3)}<br /><span class="soft"
      >${relative(root, image)}</span
    >
  </li>`;
}

/** A small picture of a file as a data URL; "" where it cannot be shown. */
const small = async (path: string): Promise<string> => {
  const bytes = await readImage(path).catch(() => undefined);
  return bytes ? thumbnail(bytesArray(bytes), COLOURS.white, SIDE) : "";
};
