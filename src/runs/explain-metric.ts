/** @file What the values of evaluations mean, in a few words for people. */

/** Patterns of names, the last part of a metric, with what they are; the first that matches says it. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^mean_class_accuracy$/, "the mean over the classes of how many of their pixels are right"],
  [/^pixel_accuracy$/, "how many pixels have the right class"],
  [/^accuracy$/, "how many images have the right class as the most probable one"],
  [/^loss$/, "the mean loss; lower is better"],
  [/^ece$/, "calibration error: how far the probabilities are from how often they are right"],
  [/^brier$/, "mean squared distance of the probabilities from the truth, from 0 (best) to 2"],
  [/^mean_class_recall$/, "the mean over the classes of how many of their images are recognised"],
  [/^knn\d+$/, "how many images have the class of their nearest neighbours by the features"],
  [/^\d+shot-seed-\d+$/, "accuracy of a linear classifier that learns from so many images a class"],
  [/^nmi$/, "how well clusters agree with the classes, from 0 to 1"],
  [/^frequency_weighted_iou$/, "the mean overlap of the classes, weighted by their pixels"],
  [/^miou$/, "the mean over the classes of the overlap (intersection over union) with the truth"],
  [/_recall@\d+$/, "how often the partner is among so many nearest ones"],
];

/** What a value is; undefined where its name is unknown. */
export function explainMetric(metric: string): string | undefined {
  const name = metric.slice(metric.lastIndexOf("/") + 1);
  return MEANINGS.find(([pattern]) => pattern.test(name))?.[1];
}
