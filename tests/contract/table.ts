/** @file The rows of the contract: what an operation is applied to, in which dtypes, and how exact it must be. */

import {
  type CompositeName,
  type DType,
  type HostArray,
  type PrimitiveName,
  type Shape,
  type Tensor,
  fromNumbers,
  isFloat,
  sizeOf,
  toNumbers,
} from "../../src/graph/index.ts";

/** Numbers drawn from a seed, in whatever dtype a row is repeated in. */
export interface Draw {
  readonly shape: Shape;
  /** `row` tells the examples of a batch apart. */
  realise(dtype: DType, row: number): HostArray;
}

/** One row: an operation on given inputs. */
export interface Case {
  /** Unique; `scripts/jax_rows` say under this name what JAX makes of the same inputs, unless `expected` does. */
  readonly name: string;
  /** The primitive or composite that the row is about. */
  readonly of: PrimitiveName | CompositeName;
  /** Draws take the row's dtype; host arrays stay as they are. */
  readonly inputs: readonly (Draw | HostArray)[];
  readonly fn: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  /** The dtypes to repeat the row in; float32 unless said. */
  readonly dtypes?: readonly DType[];
  /**
   * "smooth" (the default): first and second gradients are held against finite differences and JAX's;
   * "kinked": the inputs lie on ties, edges or infinities, JAX's subgradients alone are asked for;
   * "none": there is no gradient to ask for.
   */
  readonly gradient?: "smooth" | "kinked" | "none";
  /** The values of the outputs where they are known without asking JAX. */
  readonly expected?: readonly (readonly number[])[];
  /** The largest error against JAX, in units of the dtype's last place; 4 unless said. */
  readonly ulps?: number;
  /** Errors count relative to each element ("element", the default) or to the largest of its array ("array"). */
  readonly scale?: "element" | "array";
  /** As large as a lowering asks for; smaller rows of its primitives hold the batching rules. */
  readonly large?: boolean;
}

/** A row in one dtype, with its inputs. */
export interface Instance extends Case {
  readonly id: string;
  readonly dtype: DType;
  /** The inputs of one example; others of the same kind in other rows. */
  readonly example: (row: number) => readonly HostArray[];
}

export const FLOATS: readonly DType[] = ["float32", "float16", "bfloat16"];
export const INTEGERS: readonly DType[] = ["int32", "uint32", "uint8"];
export const NUMBERS: readonly DType[] = [...FLOATS, ...INTEGERS];

/** Where {@link draw} draws from. */
export interface DrawOptions {
  /** Bounds for floats; −2 and 2 unless said. */
  readonly from?: number;
  readonly to?: number;
  /** Bounds for integers, both included; −9 (0 for unsigned) and 9 unless said. */
  readonly whole?: readonly [low: number, high: number];
}

/** Uniform draws; bools are fair coins. */
export function draw(
  shape: Shape,
  seed: number,
  { from = -2, to = 2, whole = [-9, 9] }: DrawOptions = {},
): Draw {
  return {
    shape,
    realise(dtype, row) {
      const unit = unitNumbers(seed * 1009 + row, sizeOf(shape));
      if (dtype === "bool")
        return fromNumbers(
          unit.map((u) => Number(u < 0.5)),
          shape,
          dtype,
        );
      const scale = (low: number, high: number) => unit.map((u) => low + (high - low) * u);
      if (isFloat(dtype)) return fromNumbers(scale(from, to).map(Math.fround), shape, dtype);
      const low = dtype === "int32" ? whole[0] : Math.max(whole[0], 0);
      return fromNumbers(scale(low, whole[1] + 1).map(Math.floor), shape, dtype);
    },
  };
}

/** A fixed array of numbers; the shape of a vector unless said. */
export const array = (
  values: readonly number[],
  dtype: DType = "float32",
  shape: Shape = [values.length],
): HostArray => fromNumbers(values, shape, dtype);

/** Numbers in [0, 1) from a seed (the mulberry32 generator). */
function unitNumbers(seed: number, count: number): number[] {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  });
}

/** A fixed array in other rows of a batch: its elements in another order. */
function turned(value: HostArray, row: number): HostArray {
  const numbers = toNumbers(value);
  return fromNumbers(
    numbers.map((_, i) => numbers[(i + row) % numbers.length]),
    value.shape,
    value.dtype,
  );
}

/** A row once for each of its dtypes. */
export const instancesOf = (row: Case): Instance[] =>
  (row.dtypes ?? ["float32"]).map((dtype) => ({
    ...row,
    dtype,
    id: `${row.name} @ ${dtype}`,
    example: (i) =>
      row.inputs.map((input) => ("realise" in input ? input.realise(dtype, i) : turned(input, i))),
  }));

/** The outputs of a row's function, as a list. */
export const outputsOf = (row: Case, inputs: readonly Tensor[]): readonly Tensor[] => {
  const result = row.fn(...inputs);
  return Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor];
};
