/** @file Segmentation: how far the areas of classes overlap with the true ones. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  argMax,
  expandDims,
  broadcastTo,
  mul,
  oneHot,
  reduceSum,
  toNumbers,
} from "../graph/index.ts";
import { labelledPixels, pixelXent } from "../losses/index.ts";
import { defineEvaluator } from "./define.ts";
import type { NamedValues } from "./evaluator.ts";

/**
 * `miou`, the mean over classes of TP / (TP + FP + FN), its terms summed over all images; `pixel_accuracy`; the mean
 * `loss` of pixels; and what {@link overlapValues} gives beside. Pixels of value 255 do not count, and neither does a class that is
 * neither there nor predicted.
 *
 * @see Everingham et al. 2010, "The Pascal Visual Object Classes Challenge", section 4.1.4
 */
export const segmentation = defineEvaluator({
  name: "segmentation",
  schema: z.strictObject({}),
  create: (_, { names: { map: classes } }) => ({
    head: "map",
    measure({ output: logits, batch: { map, mask } }) {
      const labelled = expandDims(labelledPixels(map, mask), 3); // [batch, height, width, 1]
      const size = [...map.shape, classes.length];
      const counted = broadcastTo(labelled, size);
      const truth = mul(oneHot(map, classes.length), counted); // [batch, height, width, classes]
      const found = mul(oneHot(argMax(logits, 3), classes.length), counted);
      const { loss, count: pixels } = pixelXent(logits, map, { mask });
      return {
        sums: {
          loss: mul(loss, pixels),
          pixels,
          count: reduceSum(mask),
        },
        rows: {
          hits: reduceSum(mul(truth, found), [1, 2]), // [batch, classes]
          truth: reduceSum(truth, [1, 2]),
          found: reduceSum(found, [1, 2]),
        },
      };
    },
    summarise({ judged: { sums, rows } }) {
      const counts = {
        hits: columnSums(toNumbers(rows.hits), classes.length),
        truth: columnSums(toNumbers(rows.truth), classes.length),
        found: columnSums(toNumbers(rows.found), classes.length),
      };
      const [miou, accuracy, ...others] = overlapValues(counts, classes);
      return [miou, accuracy, ["loss", sums.loss / sums.pixels], ...others];
    },
  }),
});

/** Pixels of each class. */
export interface PixelCounts {
  /** Those found rightly. */
  readonly hits: readonly number[];
  /** Those there are. */
  readonly truth: readonly number[];
  /** Those found. */
  readonly found: readonly number[];
}

/**
 * `miou`, `pixel_accuracy`, `mean_class_accuracy` (the mean recall of the classes that are there), `frequency_weighted_iou`
 * (weights are a class's share of the true pixels), and `iou/NAME` of each class that is there or found.
 *
 * @see Long et al. 2015, "Fully Convolutional Networks for Semantic Segmentation", section 5, for the four
 */
export function overlapValues(
  { hits, truth, found }: PixelCounts,
  names: readonly string[],
): NamedValues {
  const pixels = sum(truth);
  if (pixels === 0) throw new OcelliError("data", "no pixel of the maps has a class.");
  const unions = names.map((_, k) => truth[k] + found[k] - hits[k]);
  const each = names.flatMap((name, k): NamedValues => {
    return unions[k] > 0 ? [[`iou/${name}`, hits[k] / unions[k]]] : [];
  });
  const recalls = names.flatMap((_, k) => (truth[k] > 0 ? [hits[k] / truth[k]] : []));
  const weighted = names.map((_, k) => (truth[k] > 0 ? (truth[k] * hits[k]) / unions[k] : 0));
  return [
    ["miou", average(each.map(([, iou]) => iou))],
    ["pixel_accuracy", sum(hits) / pixels],
    ["mean_class_accuracy", average(recalls)],
    ["frequency_weighted_iou", sum(weighted) / pixels],
    ...each,
  ];
}

const average = (values: readonly number[]): number => sum(values) / values.length;
const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);

/** The sums of the columns of rows one after the other. */
function columnSums(values: readonly number[], columns: number): number[] {
  const sums = new Array<number>(columns).fill(0);
  values.forEach((value, i) => (sums[i % columns] += value));
  return sums;
}
