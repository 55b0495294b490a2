/**
 * @file NumPy's default generator, as far as evaluators need it: permutations by `default_rng(seed)`.
 *
 * PCG64 (XSL-RR 128/64, O'Neill 2014) seeded by NumPy's SeedSequence.
 * @see https://numpy.org/doc/stable/reference/random/bit_generators/pcg64.html
 */

import { OcelliError } from "../errors.ts";

/** A stream of NumPy's default generator. */
export interface NumpyRandom {
  /** The items in a random order, as `Generator.permutation` gives them. */
  permutation<T>(items: readonly T[]): T[];
}

const U64 = (1n << 64n) - 1n;
const U128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** The words of SeedSequence(seed).generate_state, 32 bits each. */
function seedWords(seed: number, count: number): number[] {
  let hashConstant = 0x43b0d7e5;
  const hash = (value: number): number => {
    let x = (value ^ hashConstant) >>> 0;
    hashConstant = Math.imul(hashConstant, 0x931e8875) >>> 0;
    x = Math.imul(x, hashConstant) >>> 0;
    return (x ^ (x >>> 16)) >>> 0;
  };
  const mix = (a: number, b: number): number => {
    const x = (Math.imul(a, 0xca01f9dd) - Math.imul(b, 0x4973f715)) >>> 0;
    return (x ^ (x >>> 16)) >>> 0;
  };
  const pool = [hash(seed), hash(0), hash(0), hash(0)];
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  }
  let outConstant = 0x8b51f9dd;
  return Array.from({ length: count }, (_, i) => {
    let x = (pool[i % 4] ^ outConstant) >>> 0;
    outConstant = Math.imul(outConstant, 0x58f38ded) >>> 0;
    x = Math.imul(x, outConstant) >>> 0;
    return (x ^ (x >>> 16)) >>> 0;
  });
}

/** The generator of `numpy.random.default_rng(seed)`, for a seed of up to 32 bits. */
export function numpyRandom(seed: number): NumpyRandom {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new OcelliError("argument", `a seed is a whole number from 0 to 2^32 − 1, not ${seed}.`);
  }
  const words = seedWords(seed, 8).map(BigInt);
  const word64 = (i: number): bigint => words[2 * i] | (words[2 * i + 1] << 32n);
  const increment = ((((word64(2) << 64n) | word64(3)) << 1n) | 1n) & U128;
  const step = (state: bigint): bigint => (state * MULTIPLIER + increment) & U128;
  let state = step((increment + ((word64(0) << 64n) | word64(1))) & U128);
  let half: number | undefined; // the upper half of the last 64 bits, where only the lower was used

  function bits32(): number {
    if (half !== undefined) {
      const held = half;
      half = undefined;
      return held;
    }
    state = step(state);
    const folded = (state >> 64n) ^ (state & U64);
    const turn = state >> 122n;
    const word = ((folded >> turn) | (folded << ((64n - turn) & 63n))) & U64;
    half = Number(word >> 32n);
    return Number(word & 0xffffffffn);
  }

  /** A whole number from 0 to `most`, by drawing under a mask until it fits. */
  function upTo(most: number): number {
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    let value = (bits32() & mask) >>> 0;
    while (value > most) value = (bits32() & mask) >>> 0;
    return value;
  }

  return {
    permutation(items) {
      const order = [...items];
      for (let i = order.length - 1; i > 0; i--) {
        const j = upTo(i);
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order;
    },
  };
}
