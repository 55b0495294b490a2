/** @file Opening what is to be surveyed: a data set, or a folder of pictures that is none yet. */

import { stat } from "node:fs/promises";
import { imagePaths, pathSource } from "../data/readers/images.ts";
import type { Dataset } from "../data/source.ts";
import { ALL } from "../data/splits/hashed.ts";
import { OcelliError } from "../errors.ts";

/**
 * The data set that `open` opens; where a folder is none but has pictures, these without labels, with a note that says why.
 *
 * @throws the error of `open` where there are no pictures either
 */
export async function openForSurvey(path: string, open: () => Promise<Dataset>): Promise<Dataset> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof OcelliError) || error.code !== "data") throw error;
    const found = await stat(path).catch(() => undefined);
    if (!found?.isDirectory()) throw error;
    const inside = await imagePaths([path]).catch(() => undefined);
    if (!inside) throw error;
    return unlabelled(path, inside.images, [
      `pictures without labels, as this is no labelled data set: ${error.message}`,
      ...inside.notes,
    ]);
  }
}

/** Pictures of a folder as one split. */
function unlabelled(dir: string, images: readonly string[], notes: readonly string[]): Dataset {
  const source = pathSource(images, dir);
  return { name: "pictures", splits: [ALL], notes, open: () => Promise.resolve(source) };
}
