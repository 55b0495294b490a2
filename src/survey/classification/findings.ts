/** @file What a survey finds of classes. */

import { counted, shorten, showCount } from "../counts.ts";
import type { Finding } from "../finding.ts";

/** Classes that no image teaches; undefined where there are none. */
export const untrainedFinding = (names: readonly string[]): Finding | undefined =>
  names.length === 0
    ? undefined
    : {
        about: "untrained",
        text: `${counted(names.length, "class", "classes")} without an image to train on`,
        such: [shorten(names)],
      };

/** In how many groups pictures of several splits or classes are together. */
export function acrossWords({
  acrossSplits,
  acrossClasses,
}: {
  readonly acrossSplits: number;
  readonly acrossClasses: number;
}): string {
  const parts = [
    ...(acrossSplits > 0 ? [`${showCount(acrossSplits)} across splits`] : []),
    ...(acrossClasses > 0 ? [`${showCount(acrossClasses)} across classes`] : []),
  ];
  return parts.length > 0 ? `, ${parts.join(", ")}` : "";
}
