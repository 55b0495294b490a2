/** @file Weights of 8 and 4 bits: quantised by column, packed, and multiplied with integer sums. */

import { OcelliError } from "../errors.ts";
import type { DType } from "./dtype.ts";
import { add, div, mul, sub } from "./ops/arithmetic.ts";
import { bitwiseAnd, bitwiseOr, clip, shiftLeft, shiftRightLogical } from "./ops/binary.ts";
import { dotGeneral } from "./ops/dot.ts";
import { reduceMax } from "./ops/reduce.ts";
import { convert, equal, select } from "./ops/select.ts";
import { axisOf, expandDims, reshape, squeeze } from "./ops/shape.ts";
import { concatenate, sliceAxis } from "./ops/slice.ts";
import { reduceSum } from "./ops/stretch.ts";
import { abs, round } from "./ops/unary.ts";
import { type Tensor, shapeError } from "./tensor.ts";

/** How many bits an element keeps. */
export type Bits = 8 | 4;

/** Numbers (values − 2^(bits − 1)) · scale. */
export interface Quantised {
  /** uint8: one number a byte, or with 4 bits two, the first in the lower half, neighbours along `axis`. */
  readonly values: Tensor;
  /** Extent 1 along `axis`. */
  readonly scale: Tensor;
  readonly bits: Bits;
  /** The axis whose elements share a scale. */
  readonly axis: number;
}

const middle = (bits: Bits): number => 2 ** (bits - 1);

/**
 * The nearest numbers on an even grid around 0, whose ends are the largest absolute value along `axis` (default: 0, the
 * inputs of a kernel [in, out]). It has no gradient.
 *
 * @throws OcelliError "argument" unless bits are 8 or 4; "shape" where an odd number of elements is packed in pairs
 */
export function quantise(x: Tensor, bits: Bits = 8, axis = 0): Quantised {
  if (![8, 4].includes(bits)) {
    throw new OcelliError("argument", `quantise keeps 8 or 4 bits, not ${String(bits)}.`, {
      given: bits,
    });
  }
  const at = axisOf("quantise", x, axis);
  if (bits === 4 && x.shape[at] % 2 !== 0) {
    throw shapeError("quantise", [x], `4 bits are packed in pairs, and axis ${at} is odd`);
  }
  const limit = middle(bits) - 1;
  const largest = reduceMax(abs(x), at, { keepDims: true });
  const scale = div(select(equal(largest, 0), 1, largest), limit);
  const whole = clip(round(div(x, scale)), -limit, limit);
  const values = convert(add(whole, middle(bits)), "uint8");
  return { values: bits === 4 ? pack(values, at) : values, scale, bits, axis: at };
}

/** Neighbours along an axis as the two halves of one byte. */
function pack(values: Tensor, axis: number): Tensor {
  const [low, high] = [0, 1].map((from) => sliceAxis(values, axis, from, undefined, 2));
  return bitwiseOr(low, shiftLeft(high, 4));
}

/** One number a byte. */
function unpacked({ values, bits, axis }: Quantised): Tensor {
  if (bits === 8) return values;
  const halves = [bitwiseAnd(values, 15), shiftRightLogical(values, 4)];
  const pairs = concatenate(
    halves.map((half) => expandDims(half, axis + 1)),
    axis + 1,
  );
  return reshape(
    pairs,
    values.shape.map((n, i) => (i === axis ? 2 * n : n)),
  );
}

/** The numbers that {@link quantise} kept. */
export function dequantise(x: Quantised, dtype: DType = x.scale.dtype): Tensor {
  const centred = sub(convert(unpacked(x), x.scale.dtype), middle(x.bits));
  return convert(mul(centred, x.scale), dtype);
}

/**
 * x · w for x [..., in] and a kernel [in, out] quantised along its inputs. Rows of x are quantised to 8 bits, and sums of
 * products are made in int32: exact but for both roundings. In has at most 2¹⁶ elements.
 *
 * @throws OcelliError "shape" unless x and the kernel fit
 */
export function quantisedMatmul(x: Tensor, w: Quantised): Tensor {
  const kernel = unpacked(w);
  const inputs = x.shape.at(-1);
  if (kernel.rank !== 2 || w.axis !== 0 || inputs !== kernel.shape[0] || inputs > 2 ** 16) {
    throw shapeError(
      "quantisedMatmul",
      [x, kernel],
      "takes [..., in] and [in, out] quantised along in",
    );
  }
  const rows = quantise(x, 8, -1);
  const product = dotGeneral(rows.values, kernel, {
    lhsContract: [x.rank - 1],
    rhsContract: [0],
    dtype: "int32",
  });
  // Σ (a − m)(b − k) = Σ a b − k Σ a − m Σ b + n m k
  const [m, k] = [middle(8), middle(w.bits)];
  const ofRows = reduceSum(convert(rows.values, "int32"), -1, { keepDims: true });
  const ofColumns = reduceSum(convert(kernel, "int32"), 0);
  const centred = add(sub(sub(product, mul(ofRows, k)), mul(ofColumns, m)), inputs * m * k);
  const scaled = mul(convert(centred, x.dtype), rows.scale);
  return mul(scaled, squeeze(w.scale, 0));
}
