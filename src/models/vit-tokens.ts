/** @file The tokens of a vision transformer: those before the patches, and patches that are hidden or left out. */

import {
  type Tensor,
  broadcastTo,
  concatenate,
  convert,
  expandDims,
  gather,
  select,
} from "../graph/index.ts";
import { OcelliError } from "../errors.ts";
import { type Scope, normal, zerosInit } from "../nn/index.ts";
import type { ImageCall } from "./model.ts";

/** Which tokens stand before the patches. */
export interface PrefixOptions {
  /** Whether a class token is the first. */
  readonly classToken: boolean;
  /** Whether a distillation token follows it. */
  readonly distilled: boolean | "token";
  /** How many registers follow. */
  readonly registers: number;
}

/** How many tokens stand before the patches. */
export const prefixLength = ({ classToken, distilled, registers }: PrefixOptions): number =>
  Number(classToken) + Number(distilled !== false) + registers;

/** Learned tokens before the others: `cls`, `dist`, `registers`. x [batch, patches, width]. */
export function withPrefix(scope: Scope, x: Tensor, options: PrefixOptions): Tensor {
  const { classToken, distilled, registers } = options;
  const [batch, , width] = x.shape;
  const learned = (name: string, init = zerosInit, count = 1): Tensor => {
    const token = convert(scope.param(name, init, [1, count, width]), x.dtype);
    return broadcastTo(token, [batch, count, width]);
  };
  const prefix = [
    ...(classToken ? [learned("cls")] : []),
    ...(distilled !== false ? [learned("dist", normal(0.02))] : []),
    ...(registers > 0 ? [learned("registers", normal(0.02), registers)] : []),
  ];
  return prefix.length > 0 ? concatenate([...prefix, x], 1) : x;
}

/** The name of the parameter that stands for hidden patches: of a pretext task, not of what is served. */
export const MASK_TOKEN = "mask_token";

/** The patches x [batch, patches, width] with a learned token, `mask_token`, where `hidden` is 1. */
export function hidePatches(scope: Scope, x: Tensor, { hidden }: ImageCall): Tensor {
  if (!hidden) return x;
  checkPlaces("hidden", hidden, x);
  const token = convert(scope.param(MASK_TOKEN, normal(0.02), [1, 1, x.shape[2]]), x.dtype);
  const where = broadcastTo(expandDims(convert(hidden, "bool"), 2), x.shape);
  return select(where, broadcastTo(token, x.shape), x);
}

/** The patches x [batch, patches, width] at the places `kept`: [batch, kept, width]. */
export function keepPatches(x: Tensor, { kept }: ImageCall): Tensor {
  if (!kept) return x;
  checkPlaces("kept", kept, x);
  return gather(x, kept, { axis: 1, batchDims: 1 });
}

function checkPlaces(name: string, places: Tensor, x: Tensor): void {
  const [batch, count] = places.shape;
  const fits = name === "kept" ? count <= x.shape[1] : count === x.shape[1];
  if (places.rank === 2 && batch === x.shape[0] && fits) return;
  throw new OcelliError(
    "shape",
    `${name} is ${places} for ${x.shape[1]} patches of ${x.shape[0]} images.`,
  );
}
