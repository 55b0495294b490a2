/**
 * @file Unigram segmentation: the pieces whose scores add up to the most (Kudo 2018, section 3.2), in the precision
 * in which the original adds them.
 */

import type { ByteTrie } from "../byte-trie.ts";
import { charLength } from "./normalize.ts";

/** What segmentation asks of the pieces, by their ids in the trie. */
export interface UnigramPieces {
  readonly trie: ByteTrie;
  readonly unkId: number;
  /** Added up in their own precision. */
  readonly scores: Float32Array | Float64Array;
  /** Whether a piece counts as normal for the score of what is unknown, is always taken, or never. */
  readonly kinds: Uint8Array;
}

export const NORMAL = 1;
export const ALWAYS = 2;
export const NEVER = 3;
const UNK_PENALTY = 10;

/** Cuts text into pieces: `(id, begin, end)` of each, from the first to the last. */
export type Segment = (
  text: Uint8Array,
  use: (id: number, begin: number, end: number) => void,
) => void;

/** Segmentation by scores. */
export function createUnigram({ trie, unkId, scores, kinds }: UnigramPieces): Segment {
  let least = Infinity;
  let most = 0;
  scores.forEach((score, id) => {
    if (kinds[id] !== NORMAL) return;
    least = Math.min(least, score);
    most = Math.max(most, score);
  });
  const Sums = scores instanceof Float32Array ? Float32Array : Float64Array;
  const round = scores instanceof Float32Array ? Math.fround : (value: number): number => value;
  const unkScore = round(least - UNK_PENALTY);
  let room = 1024;
  let best = new Sums(room);
  let from = new Int32Array(room);
  let ids = new Int32Array(room);

  return (text, use) => {
    const { length } = text;
    if (length >= room) {
      room = 2 * length;
      best = new Sums(room);
      from = new Int32Array(room);
      ids = new Int32Array(room);
    }
    from.fill(-1, 0, length + 1);
    best[0] = 0;
    for (let begin = 0; begin < length;) {
      const soFar = best[begin];
      const single = Math.min(begin + charLength(text[begin]), length);
      let isSingleKnown = false;
      let node = 0;
      for (let i = begin; i < length;) {
        node = trie.step(node, text[i++]);
        if (node === -1) break;
        const id = trie.valueAt(node);
        if (id === -1 || kinds[id] === NEVER) continue;
        const score = kinds[id] === ALWAYS ? Math.fround((i - begin) * most) - 0.1 : scores[id];
        const candidate = round(score + soFar); // compared before it is rounded
        if (from[i] === -1 || candidate > best[i]) {
          best[i] = candidate;
          from[i] = begin;
          ids[i] = id;
        }
        if (i === single) isSingleKnown = true;
      }
      if (!isSingleKnown) {
        const candidate = round(unkScore + soFar);
        if (from[single] === -1 || candidate > best[single]) {
          best[single] = candidate;
          from[single] = begin;
          ids[single] = unkId;
        }
      }
      begin = single;
    }
    const ends: number[] = [];
    for (let end = length; end > 0; end = from[end]) ends.push(end);
    for (let i = ends.length - 1; i >= 0; i--) use(ids[ends[i]], from[ends[i]], ends[i]);
  };
}
