/** @file The random primitive: the Threefry-2x32 counter cipher (Salmon et al. 2011), bit-identical on every engine. */

import { sameShape } from "../dtype.ts";
import { type Primitive, dtypeError, emit, shapeError, type Tensor } from "../tensor.ts";
import { broadcastBatch } from "./broadcast.ts";

export const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
export const PARITY = 0x1bd11bda;

const rotateLeft = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** One Threefry-2x32 block of 20 rounds. */
function threefryBlock(k0: number, k1: number, x0: number, x1: number): [number, number] {
  const keys = [k0, k1, k0 ^ k1 ^ PARITY];
  let a = (x0 + k0) | 0;
  let b = (x1 + k1) | 0;
  for (let group = 0; group < 5; group++) {
    for (const by of ROTATIONS[group % 2]) {
      a = (a + b) | 0;
      b = rotateLeft(b, by) ^ a;
    }
    a = (a + keys[(group + 1) % 3]) | 0;
    b = (b + keys[(group + 2) % 3] + group + 1) | 0;
  }
  return [a >>> 0, b >>> 0];
}

const threefryP: Primitive<"threefry2x32", Record<string, never>> = {
  name: "threefry2x32",
  infer(inputs) {
    if (inputs.some(({ dtype }) => dtype !== "uint32"))
      throw dtypeError("threefry2x32", inputs, "takes uint32");
    if (inputs.some(({ shape }) => !sameShape(shape, inputs[0].shape))) {
      throw shapeError("threefry2x32", inputs, "key words and counters must share one shape");
    }
    const { shape, dtype } = inputs[0];
    return [
      { shape, dtype },
      { shape, dtype },
    ];
  },
  gradient: "none",
  batch: (context) => emit(threefryP, broadcastBatch(context), {}),
  interpret([k0, k1, x0, x1]) {
    const a = new Uint32Array(x0.data.length);
    const b = new Uint32Array(x0.data.length);
    for (let i = 0; i < a.length; i++) {
      [a[i], b[i]] = threefryBlock(k0.data[i], k1.data[i], x0.data[i], x1.data[i]);
    }
    return [
      { shape: x0.shape, dtype: "uint32", data: a },
      { shape: x0.shape, dtype: "uint32", data: b },
    ];
  },
  flops: (_inputs, [out]) => 100 * out.shape.reduce((n, m) => n * m, 1),
};

/** The random primitives by name. */
export const randomPrimitives = { threefry2x32: threefryP };

/** Two words of random bits for each counter pair: key words and counters are uint32 of one shape. */
export const threefry2x32 = (k0: Tensor, k1: Tensor, x0: Tensor, x1: Tensor): Tensor[] =>
  emit(threefryP, [k0, k1, x0, x1], {});
