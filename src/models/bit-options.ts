/** @file What both BiT families are told: their sizes by name, and the head they share. */

import { OcelliError } from "../errors.ts";
import { type Tensor, mean } from "../graph/index.ts";
import type { Scope } from "../nn/index.ts";
import { type ClassifierOptions, classify } from "./classifier.ts";

/** Options of the BiT families. */
export interface BitOptions extends ClassifierOptions {
  /** A named size, such as `"R50x1"`: depth, then width. Options given beside it take precedence. */
  readonly variant?: string;
  /** Times 64 channels; 1 unless given. */
  readonly width?: number;
  /** The number of layers, one of 26, 50, 101, 152, 200, or the units of each stage; 50 unless given. */
  readonly depth?: number | readonly number[];
  /** Of `bit-paper`: whether the root's pooling sees zeros beyond the edge, as in PyTorch's versions; false unless given. */
  readonly zeroPool?: boolean;
}

/** Units of each stage by the number of layers; 26 is timm's. */
export const BIT_UNITS: Readonly<Record<number, readonly number[]>> = {
  26: [2, 2, 2, 2],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
  200: [3, 24, 36, 3],
};

/** What the options come to. */
export interface BitShape {
  readonly classes: ClassifierOptions;
  /** Channels of the root block, and in the middle of the first stage's units. */
  readonly channels: number;
  /** Units of each stage. */
  readonly units: readonly number[];
}

/** The size that options name; an error where there is no such depth or variant. */
export function settleBit({ variant, ...given }: BitOptions): BitShape {
  const named = variant === undefined ? { depth: 50, width: 1 } : decodeVariant(variant);
  const { depth = named.depth, width = named.width } = given;
  return { classes: given, channels: Math.floor(64 * width), units: unitsOf(depth) };
}

function decodeVariant(variant: string): { depth: number; width: number } {
  const [, depth, width] = /^R(\d+)x(\d+)$/.exec(variant) ?? [];
  if (depth !== undefined) return { depth: Number(depth), width: Number(width) };
  throw new OcelliError(
    "config",
    `the BiT variant "${variant}" must be RDEPTHxWIDTH, as in "R50x1".`,
    {
      given: variant,
    },
  );
}

function unitsOf(depth: number | readonly number[]): readonly number[] {
  if (typeof depth !== "number") return depth;
  if (Object.hasOwn(BIT_UNITS, depth)) return BIT_UNITS[depth];
  const valid = Object.keys(BIT_UNITS);
  throw new OcelliError("config", `no BiT has ${depth} layers; valid: ${valid.join(", ")}.`, {
    given: depth,
    valid,
  });
}

/** Features [batch, height, width, channels] to what the model ends with: pooled and, with classes, classified. */
export function bitHead(
  scope: Scope,
  features: Tensor,
  { classes }: BitShape,
): readonly [Tensor, Readonly<Record<string, Tensor>>] {
  const pooled = mean(features, [1, 2]); // [batch, channels]
  const out = { pre_logits_2d: features, pre_logits: pooled };
  const logits = classify(scope, pooled, classes, true);
  const local = classify(scope, features, classes, true);
  return logits && local ? [logits, { ...out, logits, logits_2d: local }] : [pooled, out];
}
