/** @file A few examples of each class, picked from a source by a seed. */

import { type Source, selectSource } from "../data/source.ts";
import { OcelliError } from "../errors.ts";
import { pickShots } from "../evaluate/few-shot.ts";
import type { HostArray } from "../graph/index.ts";

/** As many examples of each class, picked by a seed; all of a source without `shots`. */
export async function pickExamples(
  source: Source,
  shots: number | undefined,
  seed: number,
): Promise<Source> {
  if (shots === undefined) return source;
  const picked = pickShots(await classesOf(source), source.classes.length, shots, seed).sort(
    (a, b) => a - b,
  );
  return selectSource(source, Uint32Array.from(picked));
}

/** The class of every example. */
export async function classesOf(source: Source): Promise<number[]> {
  const classes: number[] = [];
  for (let index = 0; index < source.length; index++) {
    const { label } = await source.read(index);
    classes.push(classOf(label, source.id(index)));
  }
  return classes;
}

/** An example's class. */
export function classOf(label: HostArray | undefined, id: string): number {
  if (label?.shape.length === 0) return Number(label.data[0]);
  throw new OcelliError("data", `${id} has no single label where one class an image is needed.`);
}
