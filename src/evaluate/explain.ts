/** @file What in a picture a model's answer comes from: attention, its rollout, and Grad-CAM. */

import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  arange,
  convert,
  einsum,
  indexAxis,
  maximum,
  mean,
  mul,
  oneHot,
  ones,
  pullBack,
  reduceSum,
  reshape,
  sliceAxis,
  zeros,
} from "../graph/index.ts";
import { type Tree, toFlat } from "../tree.ts";

/** How a transformer's tokens become one vector, as its option `poolType` says. */
export type Pooling = "gap" | "map" | "tok" | "0" | "none";

type Named = Readonly<Record<string, Tensor>>;

/**
 * Attention rollout: how much of each token of the picture (last axis) reaches each token of the last layer. Each layer
 * is half its residual and half its attention, averaged over heads. weights [batch, heads, tokens, tokens], from the
 * first layer to the last → [batch, tokens, tokens], whose rows sum to one. Abnar & Zuidema 2020, arXiv:2005.00928.
 */
export function attentionRollout(weights: readonly Tensor[]): Tensor {
  const tokens = weights[0].shape[2];
  const identity = oneHot(arange(tokens), tokens);
  return weights
    .map((layer) => mul(add(mean(layer, 1), identity), 0.5)) // [batch, tokens, tokens]
    .reduce((below, layer) => einsum("bij,bjk->bik", layer, below));
}

/**
 * Grad-CAM: where the features lie that raise a score. Each channel counts by its mean gradient.
 * Selvaraju et al. 2017, arXiv:1610.02391.
 *
 * @param scores [batch]
 * @param features what the scores were made from; `cells` makes a grid [batch, rows, columns, channels] of them
 * @returns [batch, rows, columns], not negative; undefined where the scores do not depend on the features
 */
export function gradCam(
  scores: Tensor,
  features: Tensor,
  cells: (x: Tensor) => Tensor = (x) => x,
): Tensor | undefined {
  const [gradient] = pullBack([reduceSum(scores)], [ones([])], [features]);
  if (!gradient) return undefined;
  const whole = (x: Tensor): Tensor => convert(cells(x), "float32"); // [batch, rows, columns, channels]
  const importance = mean(whole(gradient), [1, 2]); // [batch, channels]
  return maximum(einsum("bhwc,bc->bhw", whole(features), importance), 0);
}

/** Tokens as a grid of patches. [batch, tokens, …] → [batch, rows, columns, …]. */
const asGrid = (tokens: Tensor, [rows, columns]: readonly [number, number]): Tensor =>
  reshape(tokens, [tokens.shape[0], rows, columns, ...tokens.shape.slice(2)]);

/** Rows and columns of a model's patches. */
const gridOf = (out: Named): readonly [number, number] => [out.stem.shape[1], out.stem.shape[2]];

/** The encoder's probabilities, from the first layer to the last. */
const encoderWeights = (out: Named): Tensor[] =>
  Object.keys(out)
    .filter((name) => /^encoder\/block\d+\/attention$/.test(name))
    .sort()
    .map((name) => convert(out[name], "float32"));

/** What the pooled vector reads of the tokens. reading [batch, heads, tokens, tokens] → [batch, heads, tokens]. */
function pooled(reading: Tensor, pooling: Pooling): Tensor {
  if (pooling === "tok") return sliceAxis(indexAxis(reading, 2, 0), 2, 1); // of the patches alone
  return pooling === "0" ? indexAxis(reading, 2, 0) : mean(reading, 2);
}

function needAttention(weights: readonly Tensor[], pooling: Pooling): void {
  if (weights.length === 0) {
    throw new OcelliError("argument", "the model has no attention.", {
      valid: ["grad-cam"],
      hint: "Use grad-cam.",
    });
  }
  if (pooling !== "none") return;
  throw new OcelliError("argument", "the model does not pool its tokens into one answer.");
}

/**
 * How the last layer attends to each patch on behalf of the answer: the class token's row, that of the pooling head, or
 * the mean over all tokens. → [batch, heads, rows, columns].
 *
 * @param out a transformer's intermediates
 * @throws an argument error where the model has no attention
 */
export function attentionMap(out: Tree<Tensor>, pooling: Pooling): Tensor {
  const named = toFlat<Tensor>(out);
  const weights = encoderWeights(named);
  needAttention(weights, pooling);
  const [rows, columns] = gridOf(named);
  const last =
    pooling === "map"
      ? indexAxis(named["pooling/attention"], 2, 0)
      : pooled(weights.at(-1)!, pooling); // [batch, heads, tokens]
  return reshape(last, [...last.shape.slice(0, 2), rows, columns]);
}

/**
 * How much of each patch reaches the answer through all layers, by {@link attentionRollout}. → [batch, rows, columns].
 *
 * @param out a transformer's intermediates
 * @throws an argument error where the model has no attention
 */
export function rolloutMap(out: Tree<Tensor>, pooling: Pooling): Tensor {
  const named = toFlat<Tensor>(out);
  const weights = encoderWeights(named);
  needAttention(weights, pooling);
  const rolled = attentionRollout(weights); // [batch, tokens, tokens]
  if (pooling === "map") {
    const head = indexAxis(mean(named["pooling/attention"], 1), 1, 0); // [batch, tokens]
    return asGrid(einsum("bi,bij->bj", head, rolled), gridOf(named));
  }
  const [batch, tokens] = rolled.shape;
  const reading = reshape(rolled, [batch, 1, tokens, tokens]);
  return asGrid(indexAxis(pooled(reading, pooling), 1, 0), gridOf(named));
}

/**
 * Grad-CAM of scores [batch] on a model's last features: a convolutional net's last map, or tokens before they are
 * mixed for the last time. → [batch, rows, columns].
 *
 * @param out the model's intermediates, of the call that made the scores
 * @throws an argument error where the model names no such features
 */
export function gradCamMap(scores: Tensor, out: Tree<Tensor>, pooling: Pooling): Tensor {
  const named = toFlat<Tensor>(out);
  const features = lastFeatures(named, pooling);
  if (!features) throw new OcelliError("argument", "the model has no features of places.");
  const [rows, columns] =
    features.rank === 4 ? [features.shape[1], features.shape[2]] : gridOf(named);
  const cells = (x: Tensor): Tensor => {
    if (x.rank === 4) return x;
    const patches = sliceAxis(x, 1, x.shape[1] - rows * columns); // a class token is no place
    return asGrid(patches, [rows, columns]);
  };
  const map = gradCam(scores, features, cells);
  return map ?? zeros([scores.shape[0], rows, columns]); // such as under a head without weights
}

/** The last features that lie in places and that the answer is made from. */
function lastFeatures(named: Named, pooling: Pooling): Tensor | undefined {
  const last = (form: RegExp, before = 0): Tensor | undefined => {
    const found = Object.keys(named).filter((name) => form.test(name));
    return found.length > before ? named[found[found.length - 1 - before]] : undefined;
  };
  if (!("encoded" in named)) return named["pre_logits_2d"] ?? last(/^block_\d+$/);
  // an answer that is read from one token depends on the others only through the last block's attention
  const single = pooling === "tok" || pooling === "0";
  return single
    ? (last(/^encoder\/block\d+\/\+mlp$/, 1) ?? named["with_posemb"])
    : named["encoded"];
}
