/** @file Images in blocks of channels: that programs stay in them, and that their numbers are the interpreter's. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createInterpreter } from "../../../interpreter/index.ts";
import { type DeviceArray, type Engine, jit } from "../../../engine.ts";
import {
  type Shape,
  type Tensor,
  add,
  broadcastTo,
  conv,
  fromNumbers,
  grad,
  groupNorm,
  iota,
  matmul,
  maximum,
  mean,
  mul,
  reduceSum,
  reshape,
  sin,
  sizeOf,
  slice,
  square,
  sub,
  toNumbers,
  trace,
  transpose,
} from "../../../../graph/index.ts";
import { maxPool, relu } from "../../../../nn/index.ts";
import type { OnnxNode } from "../../../../formats/onnx.ts";
import { channelBlock } from "../../channel-block.ts";
import type { OrtEngine } from "../../engine.ts";
import { createOrtEngine } from "../../index.ts";
import { createNativeRuntime } from "../../runtime/native.ts";
import { BLOCKED } from "./planes.ts";
import { lowerProgram } from "../program.ts";

const reference = createInterpreter();
let engine: OrtEngine;
beforeAll(async () => {
  engine = await createOrtEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

const BLOCK = 16;
const spec = (...shape: number[]) => ({ shape, dtype: "float32" }) as const;

/** The nodes of a program where 16 channels lie in a block. */
const nodesOf = (fn: (...xs: Tensor[]) => Tensor, ...shapes: Shape[]): readonly OnnxNode[] =>
  lowerProgram(trace((...xs: Tensor[]) => [fn(...xs)], ...shapes.map((s) => spec(...s))).program, {
    block: BLOCK,
  }).graph.nodes;

const count = (nodes: readonly OnnxNode[], opType: string): number =>
  nodes.filter((node) => node.opType === opType).length;

/** A bottleneck's end: normalised, added to what goes around it, rectified. */
const unit = (x: Tensor, kernel: Tensor, scale: Tensor, bias: Tensor): Tensor =>
  relu(add(groupNorm(conv(x, kernel), scale, bias, 4), x));

describe("what stays in blocks", () => {
  test("units of a network reorder their input and their output only", () => {
    const twice = (x: Tensor, ...rest: [Tensor, Tensor, Tensor]): Tensor =>
      unit(unit(x, ...rest), ...rest);
    const nodes = nodesOf(twice, [2, 6, 6, 32], [3, 3, 32, 32], [32], [32]);
    expect(count(nodes, "ReorderInput")).toBe(1);
    expect(count(nodes, "ReorderOutput")).toBe(1);
    expect(count(nodes, "Transpose")).toBe(1); // the kernel's
    expect(count(nodes, "Max")).toBe(0);
    const folded = nodes.filter(({ attributes }) => attributes?.activation);
    expect(folded.map(({ inputs }) => inputs.length)).toEqual([4, 4]); // with a bias and an addend
  });

  test("a value that two read is neither added nor rectified inside of its convolution", () => {
    const both = (x: Tensor, k: Tensor): Tensor => {
      const y = conv(x, k);
      return mul(maximum(y, 0), add(y, x));
    };
    const nodes = nodesOf(both, [2, 6, 6, 32], [3, 3, 32, 32]);
    expect([count(nodes, "Max"), count(nodes, "Add")]).toEqual([1, 1]);
  });

  test("nothing does where blocks do not divide the channels, and in portable models", () => {
    const one = (x: Tensor, k: Tensor): Tensor => conv(x, k);
    const odd = nodesOf(one, [2, 6, 6, 24], [3, 3, 24, 32]);
    expect(odd.some(({ domain }) => domain === BLOCKED)).toBe(false);
    const { program } = trace(
      (x: Tensor, k: Tensor) => [conv(x, k)],
      spec(2, 6, 6, 32),
      spec(3, 3, 32, 32),
    );
    const { nodes } = lowerProgram(program, { block: BLOCK, portable: true }).graph;
    expect(nodes.some(({ domain }) => domain === BLOCKED)).toBe(false);
  });
});

test("the processor says how many channels a block has", async () => {
  await using runtime = createNativeRuntime({ threads: 1 });
  expect(process.arch === "x64" ? [8, 16] : [0]).toContain(await channelBlock(runtime));
});

const IMAGE = [2, 6, 5, 32];
const KERNEL = [3, 3, 32, 48];
type Case = (x: Tensor, k: Tensor) => Tensor;
const tap = (k: Tensor): Tensor => slice(k, [0, 0, 0, 0], [1, 1, ...k.shape.slice(2)]);
const perFeature = (k: Tensor): Tensor => reduceSum(k, [0, 1, 2]);
const UNEVEN = [
  [3, 1],
  [0, 4],
] as const;

const CASES: Readonly<Record<string, readonly [Case, Shape?, Shape?]>> = {
  "a window": [(x, k) => conv(x, k)],
  "one tap": [(x, k) => conv(x, tap(k))],
  "one tap, with strides": [(x, k) => conv(x, tap(k), { strides: 2 })],
  strides: [(x, k) => conv(x, k, { strides: 2 })],
  "a dilated kernel, uneven padding": [(x, k) => conv(x, k, { rhsDilation: 2, padding: UNEVEN })],
  "few inputs": [(x, k) => conv(x, k, { strides: 2 }), [2, 9, 8, 3], [7, 7, 3, 16]],
  groups: [(x, k) => conv(x, k, { groups: 2 }), IMAGE, [3, 3, 16, 32]],
  "a group for each channel": [(x, k) => conv(x, k, { groups: 32 }), IMAGE, [3, 3, 1, 32]],
  "one image of one row": [(x, k) => conv(x, k), [1, 1, 7, 32]],
  "two convolutions added": [(x, k) => add(conv(x, k), mul(conv(x, tap(k)), -2))],
  "a negated image, shifted": [(x, k) => relu(sub(perFeature(k), mul(conv(x, k), 2)))],
  "an image that was not in blocks": [
    (x, k) => mul(conv(x, slice(k, [0, 0, 0, 0], [3, 3, 32, 32])), x),
  ],
  "groups within a block": [(x, k) => groupNorm(conv(x, k), perFeature(k), perFeature(k), 24)],
  "groups that blocks cut": [(x, k) => groupNorm(conv(x, k), perFeature(k), perFeature(k), 4)],
  "sums over space": [(x, k) => reduceSum(square(conv(x, k)), [1, 2])],
  "sums over all but channels": [(x, k) => reduceSum(conv(x, k), [0, 1, 2])],
  "sums over rows": [(x, k) => reduceSum(conv(x, k), 1)],
  "channels first": [(x, k) => transpose(conv(x, k), [0, 3, 1, 2])],
  "a matrix": [(x, k) => matmul(transpose(reshape(conv(x, k), [60, 48])), reshape(x, [60, 32]))],
  "a pool": [(x, k) => maxPool(conv(x, k), { window: [3, 3], strides: [2, 2], padding: "SAME" })],
};

const wave = (shape: Shape, step: number) =>
  fromNumbers(
    Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * step) + 0.1),
    shape,
    "float32",
  );

/** Squares by weights that differ, so that normalised values too have slopes. */
const uneven = (y: Tensor): Tensor => {
  const weights = sin(iota([y.size], "float32"));
  return mul(square(y), reshape(weights, y.shape));
};

/** Sums of at most some thousand products, in float32 here and in float64 there: of the largest element. */
const TOLERANCE = 2e-6;

test.each(Object.entries(CASES))(
  "%s: the interpreter's numbers and slopes",
  async (_name, [fn, image = IMAGE, kernel = KERNEL]) => {
    const [x, k] = [wave(image, 0.7), wave(kernel, 1.1)];
    const both = async (on: Engine) =>
      (await jit(on, (a: Tensor, b: Tensor) => {
        const loss = (p: { a: Tensor; b: Tensor }) => mean(uneven(fn(p.a, p.b)));
        const slopes = grad(loss)({ a, b });
        return [fn(a, b), slopes.a, slopes.b];
      })(x, k)) as readonly DeviceArray[];
    const [ours, theirs] = [await both(engine), await both(reference)];
    for (const [i, name] of ["value", "of the image", "of the kernel"].entries()) {
      const [got, want] = [await ours[i].read(), await theirs[i].read()];
      expect(got.shape).toEqual(want.shape);
      const wanted = toNumbers(want);
      const size = Math.max(...wanted.map(Math.abs));
      const far = toNumbers(got).map((value, at) => Math.abs(value - wanted[at]) / size);
      expect(Math.max(...far), name).toBeLessThan(TOLERANCE);
    }
  },
);

test("a rectifier inside of a convolution lets NaN through", async () => {
  const image = fromNumbers([NaN, -1, 1], [1, 1, 3, 1], "float32");
  const channels = (x: Tensor): Tensor => broadcastTo(x, [1, 1, 3, 16]);
  const rectified = jit(engine, (x: Tensor, k: Tensor) => relu(conv(channels(x), k)));
  const kernel = fromNumbers(new Array<number>(256).fill(1), [1, 1, 16, 16], "float32");
  const numbers = toNumbers(await ((await rectified(image, kernel)) as DeviceArray).read());
  expect([numbers[0], numbers[16], numbers[32]]).toEqual([NaN, 0, 16]);
});
