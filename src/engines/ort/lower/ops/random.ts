/** @file Constants, counters and Threefry-2x32 in ONNX. */

import { type DType, type HostArray, sizeOf } from "../../../../graph/dtype.ts";
import { decode, encode } from "../../../../graph/values.ts";
import type { GraphBuilder } from "../builder.ts";
import { type LoweringContext, type Lowerings, carrierOf } from "../context.ts";
import { closeGraph } from "./control.ts";
import { Elementwise, apply } from "./apply.ts";
import { align, rowMajor } from "../realise.ts";
import { reshaped, sliceView } from "./shape.ts";
import { type Dense, type View, broadcastView, heldSize, viewOf } from "../view.ts";

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
const PARITY = 0x1bd11bda;
const WORD: DType = "uint32";

/** One block of 20 rounds over uint32 operands, whose sums and products wrap. */
function threefry(e: Elementwise, [k0, k1, x0, x1]: readonly Dense[]): [Dense, Dense] {
  const add = (a: Dense, b: Dense): Dense => e.op("Add", [a, b]);
  const xor = (a: Dense, b: Dense): Dense => e.op("BitwiseXor", [a, b]);
  // a product shifts left, and a sum of disjoint bits is their union: both kernels are faster than BitShift and BitwiseOr
  const rotate = (x: Dense, by: number): Dense => {
    const low = e.op("BitShift", [x, e.scalar(32 - by, WORD)], WORD, { direction: { s: "RIGHT" } });
    return add(e.op("Mul", [x, e.scalar(2 ** by, WORD)]), low);
  };
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

/** So many words at a time stay in the cache through all rounds. */
const CHUNK = 1 << 16;

/** A view's words in a row, and others behind them up to a length. */
function paddedWords(builder: GraphBuilder, view: View, size: number, length: number): Dense {
  const flat = builder.reshape(rowMajor(builder, view), [size]);
  if (builder.isRange(flat)) return builder.range(length, WORD); // counting on is cheaper than a copy
  return builder.op("Pad", [flat, builder.ints([0, length - size]), builder.scalar(0, WORD)], {
    shape: [length],
    dtype: WORD,
  });
}

/** Many blocks, chunk by chunk in a Scan, so that a hundred operators do not each stream through memory. */
function chunkedThreefry(context: LoweringContext, views: readonly View[]): View[] {
  const { builder } = context;
  const { shape } = views[0];
  const size = sizeOf(shape);
  const count = Math.ceil(size / CHUNK);
  const isScalar = (view: View) => heldSize(view) === 1;
  const inner = context.nested();
  const chunks: Dense[] = [];
  const sequences: Dense[] = [];
  const operands = views.map((view): Dense => {
    if (isScalar(view)) return align(builder, view, []);
    const padded = paddedWords(builder, view, size, count * CHUNK);
    sequences.push(builder.reshape(padded, [count, CHUNK]));
    chunks.push({ name: inner.builder.fresh(), shape: [CHUNK], dtype: WORD });
    return chunks.at(-1)!;
  });
  const results = threefry(new Elementwise(inner.builder), operands);
  const body = closeGraph(
    inner,
    "threefry",
    chunks,
    results.map((word) => viewOf(word)),
  );
  const names = builder.node(
    "Scan",
    sequences.map(({ name }) => name),
    2,
    { attributes: { body: { g: body }, num_scan_inputs: { i: sequences.length } } },
  );
  return names.map((name) => {
    const words = viewOf({ name, shape: [count, CHUNK], dtype: WORD }, [count * CHUNK]);
    const range = { axis: 0, start: 0, end: size, step: 1 };
    const kept = size === count * CHUNK ? words : sliceView(builder, words, [range], [size]);
    return reshaped(builder, kept, shape);
  });
}

/** A constant; a scalar that broadcasts, where all its elements are equal. */
export function constantView(builder: GraphBuilder, value: HostArray, name?: string): View {
  const { shape, data } = decode(value);
  const dense = builder.constant(encode({ shape, dtype: carrierOf(value.dtype), data }), name);
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
    const held = views.map(heldSize);
    // how many chunks there are would depend on an open extent
    const isOpen = held.some((size) => context.builder.sizes.isOpen(size));
    if (!isOpen && Math.max(...held) > 2 * CHUNK) return chunkedThreefry(context, views);
    let second: Dense | undefined;
    const first = apply(context, views, WORD, (e, ...operands) => {
      const [a, b] = threefry(e, operands);
      second = b;
      return a;
    });
    return [first, { ...first, dense: { ...first.dense, name: second!.name } }];
  },
};
