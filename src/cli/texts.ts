/** @file Texts of a command line: given one by one, or a line each in a file. */

import { readDataFile } from "../data/files/files.ts";
import { OcelliError } from "../errors.ts";
import { decodeUtf8 } from "../formats/bytes.ts";

/**
 * The lines of a text file, without blank ones at its end.
 *
 * @throws a data error where it cannot be read, a format error where it is no UTF-8, an argument error where a line is empty
 */
export async function readLines(file: string): Promise<string[]> {
  const text = decodeUtf8(await readDataFile(file), file).replace(/^\u{feff}/u, "");
  const lines = text.trimEnd().split(/\r?\n/);
  return lines.map((line, i) => checkText(line, `line ${i + 1} of ${file}`));
}

/** Texts of a command line, and those of a file. */
export const textsGiven = async (
  texts: readonly string[],
  file: string | undefined,
): Promise<string[]> => [
  ...texts.map((text) => checkText(text, "a --text")),
  ...(file === undefined ? [] : await readLines(file)),
];

/** A text without blanks around it; an argument error that says where it stands if nothing is left. */
function checkText(text: string, where: string): string {
  if (text.trim() !== "") return text.trim();
  throw new OcelliError("argument", `${where} is empty.`, { given: text });
}
