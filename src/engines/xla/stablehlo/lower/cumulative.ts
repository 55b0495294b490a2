/** @file Running sums and maxima in StableHLO: in blocks side by side, or by doubling. */

import {
  add,
  broadcastTo,
  full,
  maximum,
  moveAxis,
  pad,
  reshape,
  scan,
  sliceAxis,
} from "../../../../graph/index.ts";
import type { AttrsOf } from "../../../../graph/ops/index.ts";
import { traceRegion } from "../../../../graph/program.ts";
import type { Tensor } from "../../../../graph/tensor.ts";
import type { Value } from "../builder.ts";
import type { Lowering } from "../lowering.ts";
import { neutral, widened } from "./reduce.ts";

type Combine = "add" | "maximum";
type Amounts = readonly [low: number, high: number, interior: number];
const COMBINE = { add, maximum } as const;

/** A loop of as many steps goes over all blocks of an axis at once. */
const BLOCK = 64;
/** Shorter axes are combined by doubling. */
const SHORT = 2 * BLOCK;

/** What is done along the last axis. */
interface Run {
  readonly combine: Combine;
  readonly reverse: boolean;
  /** What changes nothing. */
  readonly none: number;
}

/** The steps of a loop take the next element of every block; what came before a block is combined last. */
function inBlocks(x: Tensor, run: Run): Tensor {
  const { combine, reverse, none } = run;
  const n = x.shape[x.rank - 1];
  if (n <= SHORT) return byDoubling(x, run);
  const rest = x.shape.slice(0, -1);
  const blocks = Math.ceil(n / BLOCK);
  const missing = blocks * BLOCK - n;
  const [low, high] = reverse ? [missing, 0] : [0, missing];
  const padded = pad(x, alongLast(x, [low, high, 0]), none);
  const { carry, ys } = scan(
    ([before], [next]) => {
      const now = COMBINE[combine](before, next);
      return { carry: [now], ys: [now] };
    },
    [full([...rest, blocks], none, x.dtype)],
    [moveAxis(reshape(padded, [...rest, blocks, BLOCK]), -1, 0)],
    { reverse },
  );
  const totals = inBlocks(carry[0], run);
  const before = pad(totals, alongLast(totals, reverse ? [-1, 1, 0] : [1, -1, 0]), none);
  const all = COMBINE[combine](ys[0], broadcastTo(before, ys[0].shape));
  const joined = reshape(moveAxis(all, 0, -1), [...rest, blocks * BLOCK]);
  return sliceAxis(joined, -1, low, low + n);
}

/** After step k every element holds the combination of the 2ᵏ before it. */
function byDoubling(x: Tensor, { combine, reverse, none }: Run): Tensor {
  let result = x;
  for (let shift = 1; shift < x.shape[x.rank - 1]; shift *= 2) {
    const by = reverse ? -shift : shift;
    result = COMBINE[combine](result, pad(result, alongLast(x, [by, -by, 0]), none));
  }
  return result;
}

const alongLast = ({ rank }: Tensor, amounts: Amounts): Amounts[] =>
  Array.from({ length: rank }, (_, i) => (i === rank - 1 ? amounts : [0, 0, 0]));

const cumulative =
  (combine: Combine): Lowering<AttrsOf<"cumSum">> =>
  ({ b, inputs: [x], attrs: { axis, reverse }, inline }) => {
    const run = (wide: Value): Value => {
      // a loop over parts of a split axis would send all of them
      const along = b.mesh ? byDoubling : inBlocks;
      const how = { combine, reverse, none: neutral(combine, wide.dtype) };
      const { program } = traceRegion([{ shape: wide.shape, dtype: wide.dtype }], (y) => [
        moveAxis(along(moveAxis(y, axis, -1), how), -1, axis),
      ]);
      return inline(program, [wide])[0];
    };
    return [combine === "add" ? widened(b, x, run) : run(x)];
  };

export const cumulativeLowerings = { cumSum: cumulative("add"), cumMax: cumulative("maximum") };
