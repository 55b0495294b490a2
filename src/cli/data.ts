/** @file `--data`: data by a name that Ocelli knows, or by a path. */

import type { DataConfig } from "../data/config.ts";
import { OcelliError } from "../errors.ts";

/** Data sets that come with Ocelli. */
const BUILT_IN = ["mnist", "composites"] as const;

/** What `--data` takes, for messages. */
export const NAME_DATA =
  "Name a folder with a folder per class, or with images/ and maps/, a .tar, .tfrecord, .parquet, .jsonl or .csv, mnist or composites.";

/** The same where labels are not needed. */
const NAME_PICTURES =
  "Name a folder of pictures, a .tar, .tfrecord, .parquet, .jsonl or .csv, mnist or composites.";

/**
 * The configuration of the data that a flag names.
 *
 * @param labels whether there must be labels; default: "required"
 * @throws an argument error where the flag is missing; a data error where there is no data
 */
export async function dataAt(
  name: string | undefined,
  command: string,
  labels?: "required" | "optional",
): Promise<DataConfig> {
  if (name === undefined) {
    throw new OcelliError("argument", `ocelli ${command} needs --data.`, {
      hint: labels === "optional" ? NAME_PICTURES : NAME_DATA,
    });
  }
  const builtIn = BUILT_IN.find((valid) => valid === name);
  if (builtIn) return { name: builtIn };
  const { detectData } = await import("../data/readers/detect.ts");
  return detectData(name, { labels });
}
