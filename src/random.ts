/** @file Seeded random numbers for choices on the host: the same parts give the same stream, whatever ran before. */

/** A stream of random numbers. */
export interface Random {
  /** The next 32 random bits, as an unsigned integer. */
  bits(): number;
  /** A number in [0, 1). */
  uniform(): number;
  /** A whole number in [low, high), without bias. */
  integer(low: number, high: number): number;
}

/** FNV-1a over UTF-16 units with a final avalanche (Murmur3's), so that near texts are far apart. */
function hash(text: string, seed: number): number {
  let h = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * The stream named by its parts, such as `seededRandom(seed, epoch, exampleId)`: xoshiro128**
 * (Blackman & Vigna 2018) started from a hash of the parts.
 */
export function seededRandom(...parts: readonly (number | string)[]): Random {
  const name = parts.join("\0");
  let [a, b, c, d] = [hash(name, 1), hash(name, 2), hash(name, 3), hash(name, 4) | 1];
  const bits = (): number => {
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  return {
    bits,
    uniform: () => bits() / 2 ** 32,
    integer(low, high) {
      const width = high - low;
      const limit = 2 ** 32 - (2 ** 32 % width);
      let value = bits();
      while (value >= limit) value = bits();
      return low + (value % width);
    },
  };
}
