/** @file What published weights are for: a classifier of so many classes, with their names, or features. */

import { readFile } from "node:fs/promises";
import { OcelliError } from "../../errors.ts";
import type { HostArray } from "../../graph/index.ts";
import type { ModelCard } from "../../models/index.ts";
import { readNames } from "../../weights/index.ts";
import { imagenetNames } from "./imagenet-names.ts";

/** How classes are named. */
export interface NamesOptions {
  /** A file with the names of the classes, for weights that do not hold them: one a line, or JSON. */
  readonly classes?: string;
}

/** The names that weights are known to have for their classes. */
export const namesIn = (known: object): readonly string[] | undefined =>
  "classes" in known ? (known.classes as readonly string[] | undefined) : undefined;

/** What is known of published names. */
interface KnownNames {
  readonly names: readonly string[] | undefined;
  readonly trainedOn?: "imagenet";
}

/**
 * Classification where the weights have a classifier, else `features`. Names are a file's, or else the weights' own where
 * they are as many as the classes, or else those of the data that they were trained on, or else numbers.
 */
export async function publishedTask(
  arrays: Readonly<Record<string, HostArray>>,
  { names: known, trainedOn }: KnownNames,
  { classes: file, report }: NamesOptions & { readonly report?: (line: string) => void },
): Promise<Pick<ModelCard, "task" | "names">> {
  const count = headSize(arrays);
  if (count === undefined) return { task: { name: "features" }, names: {} };
  const fitting = (names: readonly string[] | undefined) =>
    names?.length === count ? names : undefined;
  const named =
    file !== undefined
      ? await readClasses(file, count)
      : (fitting(known) ?? fitting(trainedOn && (await imagenetNames(report))));
  const label = named ?? Array.from({ length: count }, (_, k) => String(k));
  return { task: { name: "classification", loss: "softmax" }, names: { label } };
}

/** How many classes the file's own classifier has; undefined where it has none. */
function headSize(arrays: Readonly<Record<string, HostArray>>): number | undefined {
  const { arrays: named, namesOf } = readNames(arrays);
  return named.find(([name]) => namesOf(name)?.[0] === "head/bias")?.[1].shape[0];
}

/** Names of classes: a line each, a list as JSON, or a record from numbers to names. */
async function readClasses(file: string, count: number): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((cause) => {
    throw new OcelliError("data", `${file} cannot be read.`, { cause });
  });
  const names = /^\s*[[{]/.test(text) ? fromJson(file, text) : text.trim().split(/\r?\n/);
  if (names.length === count && names.every((name) => typeof name === "string")) return names;
  throw new OcelliError("data", `${file} names ${names.length} classes; the model has ${count}.`);
}

function fromJson(file: string, text: string): string[] {
  try {
    return Object.values(JSON.parse(text) as Record<string, string>);
  } catch (cause) {
    throw new OcelliError("data", `${file} is not JSON.`, { cause });
  }
}
