/** @file Lines of the metrics file: `{ "step": 3, "loss": 2.1, … }`, the last one perhaps half-written. */

import { isObject } from "./read-config.ts";

/** The numbers of a line by name, its step among them; undefined where the line is no such object. */
export function parseLine(line: string): Record<string, number> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value) || typeof value.step !== "number") return undefined;
  // JSON writes a number that is not finite as null: a gap in the curve.
  const numbers = Object.entries(value).filter(([, value]) => typeof value === "number");
  return Object.fromEntries(numbers) as Record<string, number>;
}

/** What the end of a metrics file tells. */
export interface MetricsTail {
  /** The last step; 0 where there is none. */
  readonly step: number;
  /** The last value of every metric seen. */
  readonly values: Readonly<Record<string, number>>;
  /** About how many lines the whole file has. */
  readonly lines: number;
}

/** Reads the end of a metrics file; a first line that was cut off is left out, unless `whole`. */
export function parseTail(text: string, whole: boolean, size = text.length): MetricsTail {
  const lines = text.split("\n");
  if (!whole) lines.shift();
  const values: Record<string, number> = {};
  let step = 0;
  let read = 0;
  for (const line of lines) {
    const parsed = parseLine(line);
    if (!parsed) continue;
    read++;
    ({ step } = parsed);
    Object.assign(values, parsed);
  }
  delete values.step;
  return { step, values, lines: Math.round(read * (size / Math.max(text.length, 1))) };
}
