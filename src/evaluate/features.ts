/** @file Features: which of a model's intermediate values they are. */

import { OcelliError, unknownName } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";

/** The layer whose values are a model's features. */
const FEATURES = "pre_logits";

/**
 * A layer of a model that has one vector an image, [batch, dim], from its intermediate values by name.
 *
 * @throws a name error with the nearest of such layers
 */
export function featuresAt(
  out: Readonly<Record<string, Tensor>>,
  layer: string = FEATURES,
): Tensor {
  if (out[layer]?.rank === 2) return out[layer];
  const valid = Object.keys(out).filter((name) => out[name].rank === 2);
  if (valid.length > 0) throw unknownName("layer of one vector an image", layer, valid, "config");
  throw new OcelliError("config", "the model has no features of one vector an image.", {
    hint: "Give it a pooling; an exported model has none but its output.",
  });
}
