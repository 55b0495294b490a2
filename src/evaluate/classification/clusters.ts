/**
 * @file How well clusters of features are classes, without labels to learn from.
 *
 * Clustering: Lloyd's k-means from centres drawn as k-means++ does (Arthur & Vassilvitskii 2007). Accuracy: of the best matching of
 * clusters and classes (Kuhn 1955). Normalised mutual information: I(c; y) / ((H(c) + H(y)) / 2).
 */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { type Random, seededRandom } from "../../random.ts";
import { defineEvaluator } from "../define.ts";
import type { NamedValues } from "../evaluator.ts";
import {
  type LabelledFeatures,
  countClasses,
  featureRows,
  labelledOf,
  labelledRows,
} from "./labelled.ts";
import { type Matrix, dot, rowOf, zerosMatrix } from "../matrix.ts";

/** The agreement of clusters of the model's features with the classes. */
export const clustersOfFeatures = defineEvaluator({
  name: "clusters",
  schema: z.strictObject({
    /** The layer whose values are the features. Default: the task's `embed` head. */
    layer: z.string().optional(),
    /** How many clusters there are. Default: as many as classes. */
    clusters: z.int().min(1).max(100_000).optional(),
    /** How often clusters are begun anew; the tightest count. Default: 3. */
    starts: z.int().min(1).max(1000).optional(),
    /** Draws the first centres. Default: 0. */
    seed: z.int().optional(),
  }),
  create({ layer, ...options }, model) {
    const numClasses = countClasses("clusters", model);
    return {
      head: "embed",
      measure: (evaluated) => ({ rows: featureRows("clusters", evaluated, layer) }),
      summarise: ({ judged }) => clusterValues(labelledOf(judged), { numClasses, ...options }),
    };
  },
});

/** Options of {@link clusterValues}. */
export interface ClusterOptions {
  readonly numClasses: number;
  readonly clusters?: number;
  readonly starts?: number;
  readonly seed?: number;
}

/** `clusterAccuracy` and `nmi` of clusters of the features, each scaled to unit length, with their labels. */
export function clusterValues(
  features: LabelledFeatures,
  { numClasses, clusters = numClasses, starts = 3, seed = 0 }: ClusterOptions,
): NamedValues {
  const { x, classes } = labelledRows(features, numClasses);
  if (x.rows < clusters) {
    throw new OcelliError("data", `${x.rows} images do not fall into ${clusters} clusters.`);
  }
  for (let i = 0; i < x.rows; i++) {
    const row = rowOf(x, i);
    const length = Math.sqrt(dot(row, row));
    if (length > 0) for (let j = 0; j < row.length; j++) row[j] /= length;
  }
  const random = seededRandom("clusters", seed);
  const found = Array.from({ length: starts }, () => kMeans(x, clusters, random));
  const best = found.reduce((a, b) => (b.inertia < a.inertia ? b : a));
  const counts = contingency(best.members, classes, clusters, numClasses);
  return [
    ["clusterAccuracy", bestMatching(counts) / x.rows],
    ["nmi", normalisedMutualInformation(counts)],
  ];
}

const squaredDistance = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
};

/** Rows in clusters, and the sum of squared distances to their centres. */
interface Clusters {
  readonly members: Int32Array;
  readonly inertia: number;
}

const MAX_ROUNDS = 100;

/** k-means of the rows of x; a cluster that loses all rows takes the one that is farthest from its centre. */
export function kMeans(x: Matrix, k: number, random: Random): Clusters {
  const centres = firstCentres(x, k, random);
  const members = new Int32Array(x.rows).fill(-1);
  const nearest = new Float64Array(x.rows);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let moved = 0;
    for (let i = 0; i < x.rows; i++) {
      let [best, least] = [0, Infinity];
      for (let c = 0; c < k; c++) {
        const d = squaredDistance(rowOf(x, i), rowOf(centres, c));
        if (d < least) [best, least] = [c, d];
      }
      if (members[i] !== best) moved++;
      [members[i], nearest[i]] = [best, least];
    }
    if (moved === 0) break;
    const sizes = new Int32Array(k);
    centres.data.fill(0);
    members.forEach((c, i) => {
      sizes[c]++;
      const [sum, row] = [rowOf(centres, c), rowOf(x, i)];
      for (let j = 0; j < row.length; j++) sum[j] += row[j];
    });
    for (let c = 0; c < k; c++) {
      const centre = rowOf(centres, c);
      if (sizes[c] > 0) for (let j = 0; j < centre.length; j++) centre[j] /= sizes[c];
      else {
        const far = nearest.indexOf(nearest.reduce((a, b) => Math.max(a, b), 0));
        centre.set(rowOf(x, far));
        nearest[far] = 0;
      }
    }
  }
  return { members, inertia: nearest.reduce((a, b) => a + b, 0) };
}

/** Centres among the rows, each drawn by its squared distance to those before it. */
function firstCentres(x: Matrix, k: number, random: Random): Matrix {
  const centres = zerosMatrix(k, x.columns);
  rowOf(centres, 0).set(rowOf(x, random.integer(0, x.rows)));
  const nearest = new Float64Array(x.rows).fill(Infinity);
  for (let c = 1; c < k; c++) {
    let total = 0;
    for (let i = 0; i < x.rows; i++) {
      nearest[i] = Math.min(nearest[i], squaredDistance(rowOf(x, i), rowOf(centres, c - 1)));
      total += nearest[i];
    }
    let left = random.uniform() * total;
    let chosen = 0;
    while (chosen < x.rows - 1 && (left -= nearest[chosen]) >= 0) chosen++;
    rowOf(centres, c).set(rowOf(x, chosen));
  }
  return centres;
}

/** How many examples each pair of cluster and class has. */
function contingency(
  members: ArrayLike<number>,
  classes: readonly number[],
  clusters: number,
  numClasses: number,
): number[][] {
  const counts = Array.from({ length: clusters }, () => new Array<number>(numClasses).fill(0));
  classes.forEach((label, i) => counts[members[i]][label]++);
  return counts;
}

const entropy = (counts: readonly number[], total: number): number =>
  -counts.reduce((sum, n) => (n > 0 ? sum + (n / total) * Math.log(n / total) : sum), 0);

/** I / mean of both entropies, of counts [clusters][classes]; 1 where both have but one part. */
export function normalisedMutualInformation(counts: readonly (readonly number[])[]): number {
  const rows = counts.map((row) => row.reduce((a, b) => a + b, 0));
  const columns = counts[0].map((_, j) => counts.reduce((sum, row) => sum + row[j], 0));
  const total = rows.reduce((a, b) => a + b, 0);
  const [a, b] = [entropy(rows, total), entropy(columns, total)];
  const together = entropy(counts.flat(), total);
  return a + b > 0 ? (2 * (a + b - together)) / (a + b) : 1;
}

/**
 * The largest sum of counts [clusters][classes] that has at most one of each row and of each column: by the Hungarian method with
 * potentials, in rows · columns² steps.
 */
export function bestMatching(counts: readonly (readonly number[])[]): number {
  const size = Math.max(counts.length, counts[0].length);
  const cost = (i: number, j: number): number => -(counts[i]?.[j] ?? 0);
  const [rowPrice, columnPrice] = [new Float64Array(size + 1), new Float64Array(size + 1)];
  const rowOfColumn = new Int32Array(size + 1); // 0: none; rows count from 1
  for (let row = 1; row <= size; row++) {
    rowOfColumn[0] = row;
    const least = new Float64Array(size + 1).fill(Infinity);
    const before = new Int32Array(size + 1);
    const seen = new Uint8Array(size + 1);
    let column = 0;
    do {
      seen[column] = 1;
      const at = rowOfColumn[column];
      let [delta, next] = [Infinity, 0];
      for (let j = 1; j <= size; j++) {
        if (seen[j]) continue;
        const reduced = cost(at - 1, j - 1) - rowPrice[at] - columnPrice[j];
        if (reduced < least[j]) [least[j], before[j]] = [reduced, column];
        if (least[j] < delta) [delta, next] = [least[j], j];
      }
      for (let j = 0; j <= size; j++) {
        if (seen[j]) {
          rowPrice[rowOfColumn[j]] += delta;
          columnPrice[j] -= delta;
        } else least[j] -= delta;
      }
      column = next;
    } while (rowOfColumn[column] !== 0);
    for (; column !== 0; column = before[column]) rowOfColumn[column] = rowOfColumn[before[column]];
  }
  let sum = 0;
  for (let j = 1; j <= size; j++) sum -= cost(rowOfColumn[j] - 1, j - 1);
  return sum;
}
