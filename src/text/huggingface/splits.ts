/** @file Cutting text at matches, and what becomes of the matches. */

import { z } from "zod";

/** What becomes of a match: a part of its own, gone, one with its neighbours of a kind, or joined to a neighbour. */
export const behaviorSchema = z.enum([
  "Isolated",
  "Removed",
  "Contiguous",
  "MergedWithPrevious",
  "MergedWithNext",
]);

/** What becomes of a match. */
export type Behavior = z.output<typeof behaviorSchema>;

interface Part {
  begin: number;
  end: number;
  readonly isMatch: boolean;
}

/** The parts of a text, cut at the matches of a pattern, or, inverted, at what lies between them; none is empty. */
export function splitText(
  text: string,
  pattern: RegExp,
  behavior: Behavior,
  isInverted = false,
): string[] {
  const parts: Part[] = [];
  let at = 0;
  const add = (begin: number, end: number, isMatch: boolean): void => {
    if (begin < end) parts.push({ begin, end, isMatch: isMatch !== isInverted });
  };
  for (const { index, 0: found } of text.matchAll(pattern)) {
    if (found === "") continue;
    add(at, index, false);
    at = index + found.length;
    add(index, at, true);
  }
  add(at, text.length, false);
  return joinParts(parts, behavior).map(({ begin, end }) => text.slice(begin, end));
}

function joinParts(parts: readonly Part[], behavior: Behavior): readonly Part[] {
  if (behavior === "Isolated") return parts;
  if (behavior === "Removed") return parts.filter(({ isMatch }) => !isMatch);
  const joined: Part[] = [];
  if (behavior === "MergedWithNext") {
    for (let i = parts.length - 1; i >= 0; i--) {
      const { begin, isMatch } = parts[i];
      if (isMatch && joined.length > 0 && !parts[i + 1].isMatch)
        joined[joined.length - 1].begin = begin;
      else joined.push({ ...parts[i] });
    }
    return joined.reverse();
  }
  parts.forEach((part, i) => {
    const before = i > 0 && parts[i - 1].isMatch;
    const joins = behavior === "Contiguous" ? part.isMatch === before : part.isMatch && !before;
    if (joins && joined.length > 0) joined[joined.length - 1].end = part.end;
    else joined.push({ ...part });
  });
  return joined;
}
