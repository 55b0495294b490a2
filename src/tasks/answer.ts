/** @file What a person gets for one example: the kinds of answers, and how each is said in one line. */

import type { HostArray } from "../graph/dtype.ts";

/** A name with how sure the model is of it. */
export interface Ranked {
  readonly name: string;
  /** A probability, from 0 to 1. */
  readonly score: number;
}

/** An answer. */
export type Answer =
  /** Names, the surest first. */
  | { readonly kind: "ranked"; readonly ranked: readonly Ranked[] }
  /** Features, a vector that is near those of similar pictures. */
  | { readonly kind: "features"; readonly features: HostArray }
  /** A name for each pixel: int32 [height, width] into `names`. */
  | { readonly kind: "map"; readonly map: HostArray; readonly names: readonly string[] }
  | { readonly kind: "text"; readonly text: string }
  /** Boxes in pixels, float32 [boxes, 4]: top, left, bottom, right; a name with a score for each. */
  | { readonly kind: "boxes"; readonly boxes: HostArray; readonly ranked: readonly Ranked[] }
  /** A picture, uint8 [height, width, channels]. */
  | { readonly kind: "picture"; readonly picture: HostArray }
  | { readonly kind: "numbers"; readonly numbers: Readonly<Record<string, number>> };

/** The most names in a line. */
const SHOWN = 5;

/** An answer as one line of text. */
export function describeAnswer(answer: Answer): string {
  switch (answer.kind) {
    case "ranked":
      return answer.ranked.slice(0, SHOWN).map(showRanked).join(", ");
    case "boxes":
      return answer.ranked.map(showRanked).join(", ") || "nothing";
    case "map":
      return areasOf(answer).slice(0, SHOWN).map(showRanked).join(", ");
    case "features":
      return `${answer.features.data.length} features`;
    case "text":
      return answer.text;
    case "picture":
      return `a picture of ${answer.picture.shape[1]}×${answer.picture.shape[0]} pixels`;
    case "numbers":
      return Object.entries(answer.numbers)
        .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
        .join(", ");
  }
}

const showRanked = ({ name, score }: Ranked): string => `${name} ${(100 * score).toFixed(1)} %`;

/** How much of a map each name covers, from 0 to 1, the largest first. */
export function areasOf({ map, names }: Extract<Answer, { kind: "map" }>): Ranked[] {
  const counts = new Map<number, number>();
  for (const value of map.data) counts.set(Number(value), (counts.get(Number(value)) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([value, count]) => ({
      name: names[value] ?? String(value),
      score: count / map.data.length,
    }));
}
