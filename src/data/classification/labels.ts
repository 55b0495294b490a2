/** @file From labels as data sets write them (names, numbers, lists of them) to classes. */

import { OcelliError, unknownName } from "../../errors.ts";
import { LIMITS, checkName } from "../../formats/budget.ts";
import type { HostArray } from "../../graph/dtype.ts";

/** A class as the data writes it: a text, or a number where the format has numbers. */
export type Label = string | number;
/** What an example is labelled with: one class, or the classes that apply. */
export type Labels = Label | readonly Label[];

/** An example's label, and the id that errors name it by. */
interface Labelled {
  readonly labels: Labels;
  readonly id: string;
}

/** Classes, and how labels are read as them. */
export interface LabelColumn {
  readonly names: readonly string[];
  /** The class of a label, as a place in `names`; undefined where it is none. */
  readonly indexOf: (label: Label) => number | undefined;
}

/** A whole number as its class is called: without signs, points and leading zeros. */
const CANONICAL = /^(0|[1-9]\d{0,14})$/;

const isIndex = (label: Label): boolean => CANONICAL.test(String(label));

const someOf = (labels: Labels): readonly Label[] =>
  typeof labels === "object" ? labels : [labels];

/**
 * Reads the labels of a whole data set alike. Without given classes they are indices where they are whole numbers that
 * count from 0 without a gap (`0`, `1`, `2`), and else names: `007` and `7` are two classes, and so are 0 and 90. Names
 * that are all whole numbers are sorted as numbers, others as texts.
 *
 * With given classes, numbers are indices where all lie within the classes; texts are names where all are among them.
 *
 * @param areNames whether labels are names whatever they look like, as those of folders are
 * @throws a data error for a number with a fraction, which is no class
 */
export function readColumn(
  name: string,
  examples: Iterable<Labelled>,
  {
    classes,
    areNames = false,
  }: { readonly classes?: readonly string[]; readonly areNames?: boolean },
): LabelColumn {
  const distinct = new Set<Label>();
  for (const { labels, id } of examples) {
    for (const label of someOf(labels)) {
      if (typeof label === "number" && !Number.isInteger(label)) {
        throw new OcelliError("data", `${name}: ${id} has the label ${label}, which is no class.`);
      }
      distinct.add(label);
    }
  }
  const found = [...distinct];
  const names = new Set(found.map(String));
  if (classes) return givenColumn(classes, found, areNames);
  if (found.some(isNoLabel) && found.some((label) => String(label) === "0")) {
    throw new OcelliError("data", `${name}: some labels are -1, others count from 0.`, {
      hint: "Leave out the examples without a label, or write the classes as names.",
    });
  }
  const isDense = found.every(isIndex) && found.every((label) => Number(label) < names.size);
  const byNumber = !areNames && found.every((label) => /^-?\d{1,15}$/.test(String(label)));
  const order = byNumber ? compareNumbers : undefined;
  const sorted = [...names].sort(order);
  return !areNames && isDense ? indexColumn(sorted) : nameColumn(sorted);
}

/** By value; texts of one value, such as 007 and 7, as texts. */
const compareNumbers = (a: string, b: string): number =>
  Number(a) - Number(b) || (a < b ? -1 : Number(a !== b));

function givenColumn(
  classes: readonly string[],
  found: readonly Label[],
  areNames: boolean,
): LabelColumn {
  const known = new Set(classes);
  const allNamed = found.every((label) => known.has(String(label)));
  const allIndices = found.every((label) => isIndex(label) && Number(label) < classes.length);
  const areNumbers = found.every((label) => typeof label === "number");
  if (areNames || (allNamed && !(areNumbers && allIndices))) return nameColumn(classes);
  return allIndices || found.every(isIndex) ? indexColumn(classes) : nameColumn(classes);
}

function indexColumn(classes: readonly string[]): LabelColumn {
  return {
    names: classes,
    indexOf: (label) => (Number(label) < classes.length ? Number(label) : undefined),
  };
}

function nameColumn(classes: readonly string[]): LabelColumn {
  const numbers = new Map(classes.map((text, i) => [text, i]));
  return { names: classes, indexOf: (label) => numbers.get(String(label)) };
}

/** Whether examples have one class each, or any of them has a list. */
export const labelKind = (labels: readonly Labels[]): "class" | "classes" =>
  labels.some((label) => typeof label === "object") ? "classes" : "class";

/** Labels as arrays: int32 of [] for one class each, float32 of [classes] where any example has a list. */
export function labelArrays(
  name: string,
  labels: readonly Labels[],
  { names: classes, indexOf }: LabelColumn,
  id: (index: number) => string,
): (index: number) => HostArray {
  const numberOf = (label: Label, index: number): number => {
    const found = indexOf(label);
    if (found !== undefined) return found;
    if (!isIndex(label)) throw unknownName(`class of ${id(index)}`, String(label), classes, "data");
    throw new OcelliError(
      "data",
      `${name}: ${id(index)} has the label ${label}; there are ${classes.length} classes.`,
    );
  };
  if (labelKind(labels) === "class") {
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
 * A label as a text or JSON value gives it; undefined where it is none. What kind the labels of a data set are is
 * decided for all of them at once, by {@link readColumn}.
 *
 * @param which names the example in the error for a label that is too long
 */
export function readLabels(value: unknown, which: string): Labels | undefined {
  if (typeof value === "string") {
    const text = value.trim();
    return text === "" ? undefined : checkName(text, `${which}: its label`).normalize();
  }
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value === "number") {
    if (!Number.isInteger(value) || Number.isSafeInteger(value)) return value;
    throw new OcelliError(
      "data",
      `${which}: its label ${value} is beyond 2^53, where numbers of JSON are no longer exact.`,
      {
        hint: "Write it in quotes.",
      },
    );
  }
  if (typeof value === "boolean") return String(value);
  if (!Array.isArray(value)) return undefined;
  if (value.length > LIMITS.values) {
    throw new OcelliError("data", `${which} has ${value.length} labels.`);
  }
  const labels = value.map((one) => (Array.isArray(one) ? undefined : readLabels(one, which)));
  const plain = labels.every((label) => label !== undefined && typeof label !== "object");
  return plain ? (labels as Label[]) : undefined;
}

/** Whether a value stands for no label: nothing, an empty text, or −1, as the Hugging Face hub writes it. */
export const isNoLabel = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === -1 ||
  value === -1n ||
  (typeof value === "string" && ["", "-1"].includes(value.trim()));
