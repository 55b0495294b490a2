/** @file A few examples of each class, picked from a source by a seed. */

import { countClasses } from "../../data/classification/class-counts.ts";
import { type Source, namesOf, selectSource } from "../../data/source.ts";
import { OcelliError } from "../../errors.ts";
import { pickShots } from "../../evaluate/classification/few-shot.ts";
import type { HostArray } from "../../graph/index.ts";

/** As many examples of each class, picked by a seed; all of a source without `shots`. */
export async function pickExamples(
  source: Source,
  shots: number | undefined,
  seed: number,
): Promise<Source> {
  if (shots === undefined) return source;
  const classes = namesOf(source, "label", "shots");
  const picked = pickShots(await classesOf(source), classes.length, shots, seed).sort(
    (a, b) => a - b,
  );
  return selectSource(source, Uint32Array.from(picked));
}

/** The classes that no example of a source has. */
export function emptyClasses(source: Source): string[] {
  const counts = countClasses(source);
  return counts ? source.names.label.filter((_, k) => counts[k] === 0) : [];
}

/** Classes that are named on a line; more are counted. */
const NAMED = 8;

/** What is to be known of the classes to learn, a line each: those without images, and those with fewer than `shots`. */
export function notesOnClasses(source: Source, shots?: number): string[] {
  const counts = countClasses(source);
  if (!counts) return [];
  const list = (names: readonly string[]): string => {
    const more = names.length > NAMED ? `, … ${names.length - NAMED} more` : "";
    return `${names.slice(0, NAMED).join(", ")}${more}`;
  };
  const classes = source.names.label;
  const empty = classes.filter((_, k) => counts[k] === 0);
  const few = classes.flatMap((name, k) =>
    shots !== undefined && counts[k] > 0 && counts[k] < shots ? [`${name} (${counts[k]})`] : [],
  );
  const have = (names: readonly string[]): string =>
    names.length === 1 ? "1 class has" : `${names.length} classes have`;
  return [
    ...(empty.length > 0
      ? [`${have(empty)} no training images and cannot be learned: ${list(empty)}`]
      : []),
    ...(few.length > 0 ? [`${have(few)} fewer than ${shots} images: ${list(few)}`] : []),
  ];
}

/** The class of every example. */
export async function classesOf(source: Source): Promise<number[]> {
  const classes: number[] = [];
  for (let index = 0; index < source.length; index++) {
    const label = source.held?.label?.(index) ?? (await source.read(index)).label;
    classes.push(classOf(label, source.id(index)));
  }
  return classes;
}

/** An example's class. */
export function classOf(label: HostArray | undefined, id: string): number {
  if (label?.shape.length === 0) return Number(label.data[0]);
  throw new OcelliError("data", `${id} has no single label where one class an image is needed.`);
}
