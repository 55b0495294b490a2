/** @file Byte-pair segmentation as SentencePiece does it: the neighbours whose joined piece has the best score first. */

import { mergeSymbols } from "../merge.ts";
import { charLength } from "./normalize.ts";
import type { Segment } from "./unigram.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Segmentation by merging. Symbols are nodes of the trie; -1 is one that begins no piece. */
export function createBpe({
  trie,
  scores,
  types,
  userDefined,
  unkId,
  ...rest
}: Vocabulary): Segment {
  const isUnused = (id: number): boolean => id !== -1 && types[id] === "unused";
  const decoder = new TextDecoder();

  return (text, use) => {
    const begins: number[] = [];
    const nodes: number[] = [];
    const ends: number[] = [];
    const isFrozen: boolean[] = [];
    for (let at = 0; at < text.length;) {
      const kept = userDefined ? userDefined.longest(text, at, text.length) : at;
      const end = kept > at ? kept : Math.min(at + charLength(text[at]), text.length);
      begins.push(at);
      ends.push(end);
      nodes.push(trie.walk(0, text, at, end));
      isFrozen.push(kept > at);
      at = end;
    }
    /** How an unused piece came about, by its node. */
    const madeFrom = new Map<number, readonly [number, number, number]>();
    const places = mergeSymbols(begins.length, {
      find: (left, right) => {
        if (nodes[left] === -1 || isFrozen[left] || isFrozen[right]) return -1;
        const node = trie.walk(nodes[left], text, begins[right], ends[right]);
        const id = node === -1 ? -1 : trie.valueAt(node);
        if (id === -1) return -1;
        if (isUnused(id))
          madeFrom.set(node, [nodes[left], nodes[right], ends[left] - begins[left]]);
        return node;
      },
      result: (node) => node,
      priority: (node) => scores[trie.valueAt(node)],
      join: (left, right, node) => {
        nodes[left] = node;
        ends[left] = ends[right];
      },
    });

    /** An unused piece is taken apart again into what it was made from. */
    function put(node: number, begin: number, end: number): void {
      const id = node === -1 ? -1 : trie.valueAt(node);
      const parts = isUnused(id) ? madeFrom.get(node) : undefined;
      if (parts) {
        const [left, right, length] = parts;
        put(left, begin, begin + length);
        put(right, begin + length, end);
      } else if (id !== -1) use(id, begin, end);
      else use(rest.idOf(decoder.decode(text.subarray(begin, end))) ?? unkId, begin, end);
    }
    for (const place of places) put(nodes[place], begins[place], ends[place]);
  };
}
