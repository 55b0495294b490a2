/** @file All primitives by name. Engines' tables are typed by this record. */

import type { Primitive } from "../tensor.ts";
import { arithmeticPrimitives } from "./arithmetic.ts";
import { barrierPrimitives } from "./barrier.ts";
import { binaryPrimitives } from "./binary.ts";
import { branchPrimitives } from "./branch.ts";
import { compositePrimitives } from "./composite.ts";
import { constantPrimitives } from "./constant.ts";
import { convPrimitives } from "./conv.ts";
import { dotPrimitives } from "./dot.ts";
import { dynamicPrimitives } from "./dynamic.ts";
import { fftPrimitives } from "./fft.ts";
import { gammaPrimitives } from "./gamma.ts";
import { gatherPrimitives } from "./gather.ts";
import { linalgPrimitives } from "./linalg/index.ts";
import { randomPrimitives } from "./random.ts";
import { reducePrimitives } from "./reduce.ts";
import { rematPrimitives } from "./remat.ts";
import { scanPrimitives } from "./scan.ts";
import { scatterPrimitives } from "./scatter.ts";
import { selectPrimitives } from "./select.ts";
import { shapePrimitives } from "./shape.ts";
import { shardingPrimitives } from "./sharding.ts";
import { slicePrimitives } from "./slice.ts";
import { sortPrimitives } from "./sort.ts";
import { stretchPrimitives } from "./stretch.ts";
import { trigonometricPrimitives } from "./trigonometric.ts";
import { unaryPrimitives } from "./unary.ts";
import { windowPrimitives } from "./window.ts";

/** Every primitive of the language. */
export const primitives = {
  ...constantPrimitives,
  ...arithmeticPrimitives,
  ...unaryPrimitives,
  ...trigonometricPrimitives,
  ...gammaPrimitives,
  ...binaryPrimitives,
  ...selectPrimitives,
  ...dotPrimitives,
  ...convPrimitives,
  ...windowPrimitives,
  ...stretchPrimitives,
  ...reducePrimitives,
  ...shapePrimitives,
  ...slicePrimitives,
  ...gatherPrimitives,
  ...scatterPrimitives,
  ...dynamicPrimitives,
  ...sortPrimitives,
  ...fftPrimitives,
  ...linalgPrimitives,
  ...randomPrimitives,
  ...barrierPrimitives,
  ...shardingPrimitives,
  ...rematPrimitives,
  ...scanPrimitives,
  ...branchPrimitives,
  ...compositePrimitives,
};

/** The name of a primitive. */
export type PrimitiveName = keyof typeof primitives;

/** The primitives with a decomposition, for which engines need no lowering. */
export type DecomposedName = {
  [N in PrimitiveName]: (typeof primitives)[N] extends { decompose: unknown } ? N : never;
}[PrimitiveName];

/** A table of one lowering a primitive, in which those with a decomposition may be missing. */
export type LoweringTable<T extends Readonly<Record<PrimitiveName, unknown>>> = Pick<
  T,
  Exclude<PrimitiveName, DecomposedName>
> &
  Partial<T>;

/** The static arguments of a primitive. */
export type AttrsOf<N extends PrimitiveName> =
  (typeof primitives)[N] extends Primitive<string, infer A> ? A : never;
