/** @file Constants, counters and Threefry-2x32 in ONNX. */

import type { DType, HostArray } from "../../../graph/dtype.ts";
import { decode, encode } from "../../../graph/values.ts";
import type { GraphBuilder } from "./builder.ts";
import { type Lowerings, carrierOf } from "./context.ts";
import { type Elementwise, apply } from "./elementwise.ts";
import { type Dense, type View, broadcastView, viewOf } from "./view.ts";

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
const PARITY = 0x1bd11bda;
const WORD: DType = "uint32";

/** One block of 20 rounds over uint32 operands, whose sums wrap. */
function threefry(e: Elementwise, k0: Dense, k1: Dense, x0: Dense, x1: Dense): [Dense, Dense] {
  const add = (a: Dense, b: Dense): Dense => e.op("Add", [a, b]);
  const xor = (a: Dense, b: Dense): Dense => e.op("BitwiseXor", [a, b]);
  const shift = (x: Dense, by: number, direction: "LEFT" | "RIGHT"): Dense =>
    e.builder.op("BitShift", [x, e.scalar(by, WORD)], {
      shape: e.shape,
      dtype: WORD,
      attributes: { direction: { s: direction } },
    });
  const rotate = (x: Dense, by: number): Dense =>
    e.op("BitwiseOr", [shift(x, by, "LEFT"), shift(x, 32 - by, "RIGHT")]);
  const keys = [k0, k1, xor(xor(k0, k1), e.scalar(PARITY, WORD))];
  let a = add(x0, k0);
  let b = add(x1, k1);
  for (let group = 0; group < 5; group++) {
    for (const by of ROTATIONS[group % 2]) {
      a = add(a, b);
      b = xor(rotate(b, by), a);
    }
    a = add(a, keys[(group + 1) % 3]);
    b = add(b, add(keys[(group + 2) % 3], e.scalar(group + 1, WORD)));
  }
  return [a, b];
}

/** A constant; a scalar that broadcasts, where all its elements are equal. */
export function constantView(builder: GraphBuilder, value: HostArray): View {
  const { shape, data } = decode(value);
  const dense = builder.constant(encode({ shape, dtype: carrierOf(value.dtype), data }));
  const isScalar = dense.uniform !== undefined;
  return isScalar ? broadcastView(viewOf(dense, []), shape, []) : viewOf(dense, shape);
}

/** The lowerings of primitives that make numbers, by name. */
export const sourceLowerings: Lowerings<"constant" | "iota" | "threefry2x32"> = {
  constant: ({ builder }, _inputs, { value }) => [constantView(builder, value)],
  iota: ({ builder }, _inputs, { shape, dtype, axis }) => [
    broadcastView(viewOf(builder.range(shape[axis], carrierOf(dtype))), shape, [axis]),
  ],
  threefry2x32: (context, views) => {
    let second: Dense | undefined;
    const first = apply(context, views, WORD, (e, ...operands) => {
      const [a, b] = threefry(e, ...(operands as [Dense, Dense, Dense, Dense]));
      second = b;
      return a;
    });
    return [first, { ...first, dense: { ...first.dense, name: second!.name } }];
  },
};
