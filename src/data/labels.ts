/** @file From labels as data sets write them (names, numbers, lists of them) to classes. */

import { OcelliError, unknownName } from "../errors.ts";
import { LIMITS, checkName } from "../formats/budget.ts";
import type { HostArray } from "../graph/dtype.ts";

/** A class by name or number. */
export type Label = string | number;
/** What an example is labelled with: one class, or the classes that apply. */
export type Labels = Label | readonly Label[];

/** More classes than this come from damaged or misunderstood labels. */
const MAX_CLASSES = 1_000_000;

/**
 * The class names that labels speak of: names in their order, or "0", "1", … up to the largest number.
 *
 * @param examples the labels and the id of every example, for errors
 */
export function inferClasses(
  name: string,
  examples: Iterable<{ readonly labels: Labels; readonly id: string }>,
): string[] {
  const names = new Set<string>();
  let largest = -1;
  for (const { labels, id } of examples) {
    for (const label of typeof labels === "object" ? labels : [labels]) {
      if (typeof label === "string") names.add(label);
      else if (!Number.isInteger(label) || label < 0 || label >= MAX_CLASSES) {
        throw new OcelliError("data", `${name}: ${id} has the label ${label}, which is no class.`);
      } else largest = Math.max(largest, label);
    }
    if (names.size > 0 && largest >= 0) {
      throw new OcelliError(
        "data",
        `${name}: labels are names in some examples, numbers in ${id}.`,
      );
    }
  }
  if (names.size > 0) return [...names].sort();
  return Array.from({ length: largest + 1 }, (_, i) => String(i));
}

/** Labels as arrays: int32 of [] for one class each, float32 of [classes] where any example has a list. */
export function labelArrays(
  name: string,
  labels: readonly Labels[],
  classes: readonly string[],
  id: (index: number) => string,
): (index: number) => HostArray {
  const numbers = new Map(classes.map((text, i) => [text, i]));
  const numberOf = (label: Label, index: number): number => {
    const found = typeof label === "string" ? numbers.get(label) : label;
    if (found !== undefined && Number.isInteger(found) && found >= 0 && found < classes.length) {
      return found;
    }
    if (typeof label === "string")
      throw unknownName(`class of ${id(index)}`, label, classes, "data");
    throw new OcelliError(
      "data",
      `${name}: ${id(index)} has the label ${label}; there are ${classes.length} classes.`,
    );
  };
  if (!labels.some((label) => typeof label === "object")) {
    const data = Int32Array.from(labels, (label, index) => numberOf(label as Label, index));
    return (index) => ({ shape: [], dtype: "int32", data: data.subarray(index, index + 1) });
  }
  const lists = labels.map((some, index) =>
    Uint32Array.from([some].flat() as Label[], (label) => numberOf(label, index)),
  );
  return (index) => {
    const data = new Float32Array(classes.length);
    for (const label of lists[index]) data[label] = 1;
    return { shape: [classes.length], dtype: "float32", data };
  };
}

/**
 * A label as a text or JSON value gives it: whole numbers written as text are numbers; nothing where it is none.
 *
 * @param which names the example in the error for a label that is too long
 */
export function readLabels(value: unknown, which: string): Labels | undefined {
  if (typeof value === "string" && value !== "") {
    return /^\d{1,15}$/.test(value)
      ? Number(value)
      : checkName(value, `${which}: its label`).normalize();
  }
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return value;
  if (!Array.isArray(value)) return undefined;
  if (value.length > LIMITS.values) {
    throw new OcelliError("data", `${which} has ${value.length} labels.`);
  }
  const labels = value.map((one) => (Array.isArray(one) ? undefined : readLabels(one, which)));
  const plain = labels.every((label) => label !== undefined && typeof label !== "object");
  return plain ? (labels as Label[]) : undefined;
}
