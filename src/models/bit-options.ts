/** @file What both BiT families are told: their sizes by name, and the head they share. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { type Tensor, mean } from "../graph/index.ts";
import type { Scope } from "../nn/index.ts";
import { type ClassifierOptions, classifierKeys, classify } from "./classifier.ts";
import { formed, layers, multiplier, stages } from "./option-kinds.ts";

/** The keys of both BiT families' schemas. */
export const bitKeys = {
  ...classifierKeys,
  /**
   * A named size: depth, then width. Options given beside it take precedence. Default: "R50x1".
   *
   * @example "R101x3"
   */
  variant: formed(/^R[1-9][0-9]{0,3}x[1-9][0-9]?$/, 'RDEPTHxWIDTH, as in "R50x1"').optional(),
  /** Times 64 channels. Default: 1. */
  width: multiplier.optional(),
  /** The number of layers, one of 26, 50, 101, 152, 200, or the units of each stage. Default: 50. */
  depth: z.union([layers, stages]).optional(),
};

/** Options of the BiT families. */
export type BitOptions = Readonly<z.output<z.ZodObject<typeof bitKeys>>>;

/** Units of each stage by the number of layers; 26 is timm's. */
const BIT_UNITS: Readonly<Record<number, readonly number[]>> = {
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

/** The named sizes. */
export const BIT_SIZES: readonly string[] = Object.keys(BIT_UNITS).map(
  (depth) => `R${depth}xWIDTH`,
);
