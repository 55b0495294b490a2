/** @file Images that a table names by paths, beside the table. */

import { stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { openBytes } from "../files/byte-file.ts";
import { LIMITS } from "../../formats/budget.ts";
import { readImageFile } from "../files/files.ts";
import { isUrl } from "../files/http.ts";

/**
 * The bytes of an image that a table names: by an address, or by a path from where the table is. A path is read as it is
 * written where there is such a file, and else without blanks around it and with `\\` between its parts as `/`.
 */
export async function readBeside(table: string, path: string): Promise<Uint8Array> {
  const tidy = path.trim();
  if (isUrl(tidy)) return fetchImage(tidy);
  const slashed = tidy.replaceAll("\\", "/");
  if (isUrl(table)) return fetchImage(new URL(encodePath(slashed), table).href);
  const at = (text: string): string => (isAbsolute(text) ? text : join(dirname(table), text));
  for (const text of new Set([path, tidy])) {
    if (text !== slashed && (await isFile(at(text)))) return readImageFile(at(text));
  }
  return readImageFile(at(slashed));
}

/** A path as a part of an address: `#`, `?` and `%` are signs of file names there. */
const encodePath = (path: string): string =>
  path
    .replace(/^\/{2,}/, "/")
    .split("/")
    .map((part) => encodeURIComponent(part))
    .join("/");

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

async function fetchImage(url: string): Promise<Uint8Array> {
  const file = await openBytes(url);
  if (file.size > LIMITS.imageBytes) {
    throw new OcelliError("data", `${url} of ${file.size} bytes is too large for an image.`);
  }
  return file.read(0, file.size);
}
