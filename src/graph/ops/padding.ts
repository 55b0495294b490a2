/** @file The extents of sliding windows: padding, strides, dilation. */

import type { Shape } from "../dtype.ts";

/** Low and high padding of one spatial axis; negative values crop. */
export type Padding = readonly [low: number, high: number];

/** The extent that an axis or window spans once its elements are `dilation` apart. */
export const dilated = (n: number, dilation: number): number =>
  n === 0 ? 0 : (n - 1) * dilation + 1;

/** The extent of one spatial axis after a sliding window. */
export const windowExtent = (
  n: number,
  window: number,
  stride: number,
  [low, high]: Padding,
  inputDilation = 1,
  windowDilation = 1,
): number =>
  Math.max(
    Math.floor(
      (dilated(n, inputDilation) + low + high - dilated(window, windowDilation)) / stride,
    ) + 1,
    0,
  );

/** "SAME" (output = ⌈input / stride⌉, the odd pixel at the end), "VALID", or explicit pairs. */
export type PaddingArgument = "SAME" | "VALID" | readonly Padding[];

/** Padding as explicit pairs. */
export function resolvePadding(
  padding: PaddingArgument,
  extents: Shape,
  window: readonly number[],
  strides: readonly number[],
): readonly Padding[] {
  if (Array.isArray(padding)) return padding as readonly Padding[];
  return extents.map((n, i): Padding => {
    if (padding === "VALID") return [0, 0];
    const total = Math.max((Math.ceil(n / strides[i]) - 1) * strides[i] + window[i] - n, 0);
    return [Math.floor(total / 2), total - Math.floor(total / 2)];
  });
}
