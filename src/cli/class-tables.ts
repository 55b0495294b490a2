/** @file How well classes are recognised and what they are taken for, as tables for people. */

import { cutText, textTable, textWidth } from "../columns.ts";
import type { ClassQuality } from "../evaluate/classification/confusion.ts";
import { printableName } from "./printable.ts";

/** Classes in a table; of more, those that are recognised worst. */
const ROWS = 20;
/** Classes of a whole confusion table; of more, the pairs that are confused most. */
const CELLS = 12;
const PAIRS = 10;
/** Cells of a name, at most, in a row and at the head of a column. */
const NAME = 28;
const HEAD = 10;
/** The same where a terminal is narrow. */
const LEAST = 5;
/** Cells of a row beside its name. */
const BESIDE = 35;

/** A part as people read it. */
export const percent = (part: number): string => `${(100 * part).toFixed(2)} %`;

/** A class with how well it is recognised. */
interface NamedQuality extends ClassQuality {
  readonly name: string;
}

const named = (names: readonly string[], quality: readonly ClassQuality[]): NamedQuality[] =>
  quality
    .map((one, k) => ({ ...one, name: printableName(names[k]) }))
    .filter(({ count }) => count > 0);

/** The recall and precision of each class, the worst recognised first, and what these are. */
export function classTable(
  names: readonly string[],
  quality: readonly ClassQuality[],
  columns: number,
): string[] {
  const all = named(names, quality).sort((a, b) => a.recall - b.recall);
  if (all.length === 0) return [];
  const shown = all.slice(0, ROWS);
  const rows = shown.map(({ name, count, recall, precision }) => [
    cutText(name, Math.max(LEAST, Math.min(NAME, columns - BESIDE))),
    percent(recall),
    Number.isNaN(precision) ? "never taken" : percent(precision),
    String(count),
  ]);
  const which = all.length > ROWS ? `the ${ROWS} of ${all.length} recognised worst` : "worst first";
  return [
    "",
    `each class, ${which}:`,
    ...textTable([["class", "recall", "precision", "images"], ...rows], [1, 2, 3]).map(indented),
    "  recall     how many of the class's images were recognised",
    "  precision  how many of the images that were taken for the class belong to it",
    "  images     how many images of the class were judged",
  ];
}

/**
 * What each class was taken for: a table, or the pairs that are confused most where it has too many classes for
 * `columns` cells.
 */
export function confusionTable(
  names: readonly string[],
  confusion: readonly (readonly number[])[],
  columns: number,
): string[] {
  const counted = names.map((name, k) => ({
    k,
    name: printableName(name),
    total: confusion[k].reduce((sum, count) => sum + count, 0),
  }));
  const isSeen = (k: number): boolean =>
    counted[k].total > 0 || confusion.some((row) => row[k] > 0);
  const shown = counted.filter(({ k }) => isSeen(k));
  if (shown.length < 2) return [];
  const lines = textTable(
    [
      ["", ...shown.map(({ name }) => cutText(name, HEAD))],
      ...shown.map(({ k, name }) => [
        cutText(name, NAME),
        ...shown.map((column) =>
          confusion[k][column.k] === 0 ? "·" : String(confusion[k][column.k]),
        ),
      ]),
    ],
    shown.map((_, column) => column + 1),
  ).map(indented);
  const fits = lines.every((line) => textWidth(line) <= columns);
  if (shown.length > CELLS || !fits) return confusedPairs(counted, confusion, columns);
  return [
    "",
    "confusion: a row for what an image is, a column for what it was taken for",
    ...lines,
  ];
}

function confusedPairs(
  classes: readonly { readonly name: string; readonly total: number }[],
  confusion: readonly (readonly number[])[],
  columns: number,
): string[] {
  const pairs = confusion
    .flatMap((row, is) => row.map((count, taken) => ({ is, taken, count })))
    .filter(({ is, taken, count }) => is !== taken && count > 0)
    .sort((a, b) => b.count - a.count);
  if (pairs.length === 0) return ["", "confusion: no class was taken for another"];
  const rows = pairs.slice(0, PAIRS).map(({ is, taken, count }) => {
    const { name, total } = classes[is];
    return [name, classes[taken].name, `${count} of ${total}`, percent(count / total)];
  });
  const rest = pairs.length - rows.length;
  const table = (name: number): string[] =>
    textTable(
      [
        ["class", "taken for", "images", "part"],
        ...rows.map(([is, taken, ...counts]) => [
          cutText(is, name),
          cutText(taken, name),
          ...counts,
        ]),
      ],
      [2, 3],
    ).map(indented);
  const room = Math.max(...table(0).map(textWidth));
  return [
    "",
    `confusion: the classes that were taken for others most often`,
    ...table(
      Math.min(
        NAME,
        Math.max(LEAST, Math.floor((columns - room + "class".length + "taken for".length) / 2)),
      ),
    ),
    ...(rest > 0 ? [`  … and ${rest} more ${rest === 1 ? "pair" : "pairs"}`] : []),
  ];
}

const indented = (line: string): string => `  ${line}`;
