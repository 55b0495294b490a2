/** @file The classes of a survey, as lines for people. */

import { padText, textWidth } from "../../columns.ts";
import { counted, showCount } from "../counts.ts";
import type { Survey } from "../survey.ts";

/** Classes that are listed, one a line. */
const CLASSES = 30;

/** Counts of classes by split, a row each: the name, and a count for each split. */
export function classCounts({ splits, classes }: Survey): (readonly [string, readonly number[]])[] {
  const bySplit = splits.map(({ fields }) => fields.find(({ field }) => field === "label")?.counts);
  return classes.map((name) => [
    name,
    bySplit.map((counts) => (counts && Object.hasOwn(counts, name) ? counts[name] : 0)),
  ]);
}

/** The classes with their counts: the range, and a line each. */
export function classLines(survey: Survey): (readonly [word: string, text: string])[] {
  const { splits } = survey;
  const rows = classCounts(survey);
  if (rows.length === 0) return [];
  const total = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  const sorted = rows.toSorted(([, a], [, b]) => total(a) - total(b));
  const [least, most] = [sorted[0], sorted.at(-1)!];
  const range =
    total(least[1]) === total(most[1])
      ? `${counted(total(most[1]), "image")} each`
      : `${showCount(total(least[1]))} (${least[0]}) to ${counted(total(most[1]), "image")} (${most[0]})`;
  const width = Math.min(40, Math.max(...rows.map(([name]) => textWidth(name))));
  const shown = (counts: readonly number[]): string => {
    const each = splits.length > 1 ? ` = ${counts.map(showCount).join(" + ")}` : "";
    return `${showCount(total(counts))}${each}`;
  };
  return [
    ["classes", `${showCount(rows.length)}: ${range}`],
    ...rows
      .slice(0, CLASSES)
      .map(([name, counts]) => ["", `${padText(name, width)}  ${shown(counts)}`] as const),
    ...(rows.length > CLASSES ? [["", `… ${rows.length - CLASSES} more`] as const] : []),
  ];
}
