/** @file Components of fewer samples brought to the size of the picture, as libjpeg's "fancy" upsampling does: a triangle filter. */

import { formatError } from "../bytes.ts";
import type { Component, Frame } from "./frame.ts";
import type { Plane } from "./samples.ts";

/** A component's plane at the size of the picture; its stride is at least the picture's width. */
export function upsample(plane: Plane, component: Component, frame: Frame, what: string): Plane {
  const across = frame.h / component.h;
  const down = frame.v / component.v;
  if (!Number.isInteger(across) || !Number.isInteger(down)) {
    throw formatError(`${what} has sampling factors whose ratio is no whole number.`);
  }
  if (across === 1 && down === 1) return plane;
  const { width, height } = component;
  const stride = width * across;
  const out = new Uint8ClampedArray(stride * height * down);
  const isSmooth = width > 2;
  if (across === 2 && down === 1 && isSmooth) twiceWide(plane, component, out);
  else if (across === 1 && down === 2) twiceHigh(plane, component, out);
  else if (across === 2 && down === 2 && isSmooth) twiceBoth(plane, component, out);
  else repeat(plane, { across, down, width, height }, out);
  return { samples: out, stride };
}

type Size = Pick<Component, "width" | "height">;

/** The row above or below; the first and the last one are their own neighbours. */
const rowAt = (row: number, height: number): number => Math.max(0, Math.min(height - 1, row));

function twiceWide({ samples, stride }: Plane, { width, height }: Size, out: Uint8ClampedArray) {
  for (let y = 0; y < height; y++) {
    const from = y * stride;
    let to = y * width * 2;
    for (let x = 0; x < width; x++) {
      const own = samples[from + x];
      const left = samples[from + Math.max(0, x - 1)];
      const right = samples[from + Math.min(width - 1, x + 1)];
      out[to++] = x === 0 ? own : (own * 3 + left + 1) >> 2;
      out[to++] = x === width - 1 ? own : (own * 3 + right + 2) >> 2;
    }
  }
}

function twiceHigh({ samples, stride }: Plane, { width, height }: Size, out: Uint8ClampedArray) {
  for (let y = 0; y < height * 2; y++) {
    const row = y >> 1;
    const from = row * stride;
    const near = rowAt(y % 2 === 0 ? row - 1 : row + 1, height) * stride;
    const bias = y % 2 === 0 ? 1 : 2;
    for (let x = 0; x < width; x++) {
      out[y * width + x] = (samples[from + x] * 3 + samples[near + x] + bias) >> 2;
    }
  }
}

function twiceBoth({ samples, stride }: Plane, { width, height }: Size, out: Uint8ClampedArray) {
  for (let y = 0; y < height * 2; y++) {
    const row = y >> 1;
    const from = row * stride;
    const near = rowAt(y % 2 === 0 ? row - 1 : row + 1, height) * stride;
    const sum = (x: number): number => samples[from + x] * 3 + samples[near + x];
    let to = y * width * 2;
    let [left, own] = [0, sum(0)];
    for (let x = 0; x < width; x++) {
      const right = x === width - 1 ? 0 : sum(x + 1);
      out[to++] = x === 0 ? (own * 4 + 8) >> 4 : (own * 3 + left + 8) >> 4;
      out[to++] = x === width - 1 ? (own * 4 + 7) >> 4 : (own * 3 + right + 7) >> 4;
      left = own;
      own = right;
    }
  }
}

/** Every sample as often as it is wanted. */
function repeat(
  { samples, stride }: Plane,
  { across, down, width, height }: Size & { readonly across: number; readonly down: number },
  out: Uint8ClampedArray,
): void {
  for (let y = 0; y < height * down; y++) {
    const from = Math.floor(y / down) * stride;
    for (let x = 0; x < width * across; x++) {
      out[y * width * across + x] = samples[from + Math.floor(x / across)];
    }
  }
}
