/**
 * @file What classifiers that learn from labelled and unlabelled images share: the labelled images teach the classes, and a loss
 * that needs no labels is added, of both or of the unlabelled ones.
 *
 * Paper: Zhai et al. 2019, "S4L: Self-Supervised Semi-Supervised Learning", arXiv:1905.03670, equation 1: L = L_l + w L_u.
 */

import { type Tensor, add, foldIn, mean, mul } from "../../graph/index.ts";
import { correctness, hotLabels, maskedMean, softmaxXent } from "../../losses/index.ts";
import { type Scope, apply, initialise, modelSpecs } from "../../nn/index.ts";
import { streamsOf } from "../../preprocess/beside.ts";
import { type Tree, toFlat } from "../../tree.ts";
import type { ObjectiveGiven } from "../define.ts";
import type { Batch, Objective, ObjectiveArrays } from "../objective.ts";

type Named = Readonly<Record<string, Tensor>>;

/** What a network computes of images: `logits`, `features`, and what heads of an objective's own make of them. */
export type ClassNetwork = (scope: Scope, image: Tensor) => Named & { readonly logits: Tensor };

/** What a loss on both streams is made of. */
export interface SemiContext {
  /** The labelled images with their views and labels. */
  readonly own: Batch;
  /** The unlabelled images with their views, under the same names. */
  readonly unlabelled: Batch;
  /** Labels of the labelled images, a distribution each: [batch, classes]. */
  readonly hot: (logits: Tensor) => Tensor;
  readonly key: Tensor;
  /** The network; one call after the other, each with the statistics that the one before left. */
  readonly see: (image: Tensor) => ReturnType<ClassNetwork>;
  /** The same with the noise of the last call, leaving no statistics behind. */
  readonly again: (image: Tensor) => ReturnType<ClassNetwork>;
}

/** What a loss on both streams gives. */
export interface SemiLoss {
  /** The loss of the labels, a scalar. */
  readonly labelled: Tensor;
  /** The loss that needs no labels, a scalar. */
  readonly unlabelled: Tensor;
  /** Logits of the labelled images as they are, [batch, classes], for the accuracy. */
  readonly logits: Tensor;
  readonly metrics?: Named;
}

/** A way to learn from both. */
interface SemiSupervised {
  readonly network: ClassNetwork;
  /** The names at the root of what is not served. */
  readonly own?: readonly string[];
  /** How much the loss without labels counts. */
  readonly weight: number;
  readonly learn: (context: SemiContext) => SemiLoss;
}

const without = <T>(tree: Tree<T>, names: readonly string[]): { [name: string]: Tree<T> } =>
  Object.fromEntries(
    Object.entries(tree as Record<string, Tree<T>>).filter(([name]) => !names.includes(name)),
  );

/**
 * The objective of a classifier that learns from both streams. In training a batch holds `image`, `label` and `unlabelled`; in
 * evaluation, where there is no second stream, the loss is that of the labels. Metrics: accuracy, and in training `labelledLoss`
 * and `unlabelledLoss`.
 */
export function semiSupervised({ network, own = [], weight, learn }: SemiSupervised): Objective {
  return {
    init: (key, { image }) => initialise(network, key, image),
    stacked: ({ image }) => modelSpecs(network, image).stacked,
    served: <T>({ params, variables }: ObjectiveArrays<T>): ObjectiveArrays<T> => ({
      params: without<T>(params, own),
      variables: without<T>(variables, own),
    }),
    loss({ params, variables, batch, key, train, isFrozen }) {
      const { own: labelled, unlabelled } = streamsOf(batch);
      const { label, mask } = labelled;
      let statistics = variables;
      let noise = key;
      let calls = 0;
      const applied = (image: Tensor) =>
        apply(network, { params, variables: statistics, key: noise, train, isFrozen }, image);
      const see = (image: Tensor) => {
        noise = foldIn(key, ++calls);
        const { result, variables: after } = applied(image);
        statistics = after;
        return result;
      };
      const accuracyOf = (logits: Tensor): Tensor =>
        maskedMean(correctness(logits, label, hotLabels(label, logits)), mask);
      if (!train || !unlabelled.image) {
        const { logits } = see(labelled.image);
        const loss = maskedMean(softmaxXent(logits, hotLabels(label, logits)), mask);
        return { loss, metrics: { accuracy: accuracyOf(logits) }, variables: statistics };
      }
      const found = learn({
        ...{ own: labelled, unlabelled, see, key: foldIn(key, 0) },
        again: (image) => applied(image).result,
        hot: (logits) => hotLabels(label, logits),
      });
      return {
        loss: add(found.labelled, mul(found.unlabelled, weight)),
        metrics: {
          accuracy: accuracyOf(found.logits),
          labelledLoss: found.labelled,
          unlabelledLoss: found.unlabelled,
          ...found.metrics,
        },
        variables: statistics,
      };
    },
  };
}

/** The mean cross-entropy of logits [rows, classes] and targets of the same shape. */
export const meanXent = (logits: Tensor, targets: Tensor): Tensor =>
  mean(softmaxXent(logits, targets));

/** Logits of the task's model, and its features. */
export const classifierOf =
  ({ model, heads: { logits, embed } }: Pick<ObjectiveGiven, "model" | "heads">) =>
  (scope: Scope, image: Tensor): { logits: Tensor; features: Tensor } => {
    const [output, tree] = model(scope, image);
    const found = { output, out: toFlat<Tensor>(tree) };
    return { logits: logits(found), features: embed(found) };
  };
