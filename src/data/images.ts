/** @file Image files without labels: those that one names, and those in folders. */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { OcelliError } from "../errors.ts";
import { cannotRead, readImageFile } from "./files.ts";
import { IMAGE_FILE } from "./folder.ts";
import type { Source } from "./source.ts";

/**
 * The image files that paths name: files as they are, and what lies in folders and below, in the order of their names.
 *
 * @throws a data error where a path does not exist or a folder has no images
 */
export async function imagePaths(paths: readonly string[]) {
  const images: string[] = [];
  let folders = 0;
  for (const path of paths) {
    const found = await stat(path).catch((error) => {
      throw cannotRead(path, error);
    });
    if (!found.isDirectory()) {
      images.push(path);
      continue;
    }
    folders++;
    const names = await readdir(path, { recursive: true });
    const inside = names.filter((name) => IMAGE_FILE.test(name)).sort();
    if (inside.length === 0) throw new OcelliError("data", `${path} has no images.`);
    for (const name of inside) images.push(join(path, name));
  }
  return { images, folders };
}

/** A source of image files without labels; ids are their paths. */
export const pathSource = (paths: readonly string[]): Source => ({
  length: paths.length,
  classes: [],
  id: (index) => paths[index],
  async read(index) {
    const data = await readImageFile(paths[index]);
    return { image: { shape: [data.length], dtype: "uint8", data } };
  },
});
