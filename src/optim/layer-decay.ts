/** @file Learning rates that fall from the last layer of a transformer to its first. */

import type { Rule } from "./rules.ts";

/**
 * Rules for `lrMults` of a transformer of `depth` blocks: decay^(depth + 1 − layer), where the embeddings and tokens are layer 0,
 * block i is layer i + 1, and all else is the last layer. Clark et al. 2020 (ELECTRA), arXiv:2003.10555; as in BEiT and MAE.
 *
 * @example
 * const optimizer = { name: "adamw", lr: 5e-4, lrMults: layerDecay(12, 0.65) };
 */
export const layerDecay = (depth: number, decay: number): Rule<number>[] => [
  ["(embedding/.*|pos_embedding|cls|dist|registers|mask_token)", decay ** (depth + 1)],
  ...Array.from({ length: depth }, (_, i): Rule<number> => [
    `Transformer/encoderblock_${i}/.*`,
    decay ** (depth - i),
  ]),
];
