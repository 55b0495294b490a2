/** @file How well classes are recognised, as lines for people. */

import type { ByClass } from "../served/classification/by-class.ts";
import type { ClassQuality } from "../evaluate/classification/confusion.ts";

/** Classes shown. */
const SHOWN = 10;

/** A part as people read it. */
export const percent = (part: number): string => `${(100 * part).toFixed(2)} %`;

/** The classes that were recognised worst, a line each; none where that is not known. */
export const worstRecognised = ({
  classes = [],
  perClass,
}: {
  readonly classes?: ByClass | readonly string[];
  readonly perClass?: readonly ClassQuality[];
}): string[] => {
  const { names, quality } = "names" in classes ? classes : { names: classes, quality: perClass };
  return (quality ?? [])
    .map((one, k) => ({ ...one, name: names[k] }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => a.recall - b.recall)
    .slice(0, SHOWN)
    .map(({ name, count, recall, precision }) => {
      const precise = Number.isNaN(precision)
        ? "never predicted"
        : `precision ${percent(precision)}`;
      return `  ${name}: recall ${percent(recall)} of ${count}, ${precise}`;
    });
};
