/** @file Vectors of length 1 as pictures and texts have them: their products, means, and the nearest of them. */

/** Scales a vector to length 1, in its place; one of zeros stays. */
export function toUnitLength(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  if (norm > 0) for (let j = 0; j < vector.length; j++) vector[j] /= norm;
  return vector;
}

/** The sum of the products of two vectors' numbers. */
export function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}

/** The mean of vectors of length 1, at length 1 again. */
export function meanVector(parts: readonly Float32Array[]): Float32Array {
  return toUnitLength(parts[0].map((_, j) => parts.reduce((sum, part) => sum + part[j], 0)));
}

/** A vector that was found. */
export interface Nearest {
  /** Its place among those that were searched. */
  readonly index: number;
  /** Its product with the query: at most 1. */
  readonly score: number;
}

/**
 * The vectors nearest to a query, all of length 1, the best first; of equal ones the earlier first.
 *
 * @param top default: all
 */
export function nearest(
  query: Float32Array,
  vectors: readonly Float32Array[],
  top: number = vectors.length,
): Nearest[] {
  const scores = vectors.map((vector) => product(query, vector));
  return scores
    .map((score, index) => ({ index, score }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, top);
}
