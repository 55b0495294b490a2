/** @file The pictures in a folder of a run. */

import { listOwnFolder } from "../files.ts";

/** The names of a folder's PNG files, in the order that people count in. */
export async function listPictures(folder: string): Promise<string[]> {
  const names = await listOwnFolder(folder);
  return names
    .filter((name) => name.endsWith(".png"))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}
