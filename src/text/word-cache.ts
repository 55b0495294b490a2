/** @file What words became, kept for when they come again. */

const MOST_WORDS = 1 << 16;
const LONGEST = 256;

/** A function of words that remembers, within bounds, what it gave. */
export function remember(
  make: (word: string) => readonly number[],
): (word: string) => readonly number[] {
  let known = new Map<string, readonly number[]>();
  return (word) => {
    const found = known.get(word);
    if (found) return found;
    const made = make(word);
    if (known.size >= MOST_WORDS) known = new Map();
    if (word.length <= LONGEST) known.set(word, made);
    return made;
  };
}
