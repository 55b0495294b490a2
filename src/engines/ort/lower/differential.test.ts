/** @file Random programs: the ort engine against the interpreter, above all where lazy views meet. */

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine } from "../../engine.ts";
import { createInterpreter } from "../../interpreter/index.ts";
import {
  type HostArray,
  type Tensor,
  add,
  broadcastInDim,
  broadcastTo,
  concatenate,
  conv,
  cos,
  cumSum,
  dotGeneral,
  exp,
  fromNumbers,
  gather,
  groupNorm,
  iota,
  maximum,
  mean,
  mul,
  neg,
  ones,
  pad,
  randomBits,
  reduceMax,
  reduceSum,
  reshape,
  reverse,
  roll,
  sizeOf,
  sin,
  slice,
  softmax,
  sort,
  sub,
  toNumbers,
  trace,
  transpose,
} from "../../../graph/index.ts";
import type { OrtEngine } from "../engine.ts";
import { createOrtEngine } from "../index.ts";

const reference = createInterpreter();
let engine: OrtEngine;
beforeAll(async () => {
  engine = await createOrtEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

/** Draws from a list of numbers in [0, 1) that fast-check shrinks. */
type Draw = (below: number) => number;

const axesOf = (x: Tensor): number[] => x.shape.map((_, i) => i);
const shuffled = (list: readonly number[], draw: Draw): number[] => {
  const rest = [...list];
  return list.map(() => rest.splice(draw(rest.length), 1)[0]);
};
const someAxis = (x: Tensor, draw: Draw): number => draw(x.rank);
const withExtent = (x: Tensor, axis: number, n: number): number[] =>
  x.shape.map((m, i) => (i === axis ? n : m));

/** Splits or merges extents at random. */
function otherShape(x: Tensor, draw: Draw): number[] {
  const shape = [...x.shape];
  if (shape.length > 1 && draw(2)) {
    const at = draw(shape.length - 1);
    shape.splice(at, 2, shape[at] * shape[at + 1]);
  } else {
    const at = draw(shape.length + 1);
    const n = shape[at];
    if (n !== undefined && n % 2 === 0) shape.splice(at, 1, 2, n / 2);
    else shape.splice(at, 0, 1);
  }
  return shape;
}

/** A tensor of the same shape as x: itself in another guise. */
function companion(x: Tensor, draw: Draw): Tensor {
  if (x.rank === 0) return x;
  const axis = someAxis(x, draw);
  if (draw(3) === 0) return reverse(x, axis);
  const row = reduceMax(x, axis, { keepDims: true });
  return broadcastInDim(row, x.shape, axesOf(x));
}

const STEPS: readonly ((x: Tensor, draw: Draw) => Tensor)[] = [
  (x, draw) => transpose(x, shuffled(axesOf(x), draw)),
  (x, draw) => transpose(x, shuffled(axesOf(x), draw)),
  (x, draw) => reshape(x, otherShape(x, draw)),
  (x, draw) => reshape(x, otherShape(x, draw)),
  (x, draw) => (x.size > 200 ? x : broadcastInDim(x, [...x.shape, 2 + draw(2)], axesOf(x))),
  (x, draw) =>
    x.size > 200
      ? x
      : broadcastInDim(
          x,
          [3, ...x.shape],
          axesOf(x).map((i) => i + 1 + 0 * draw(1)),
        ),
  (x, draw) => add(x, companion(x, draw)),
  (x, draw) => sub(companion(x, draw), x),
  (x, draw) => mul(x, mul(companion(x, draw), 0.25)),
  (x, draw) => mul(x, [0.5, -1, 3, 0][draw(4)]),
  (x) => neg(x),
  (x) => exp(mul(x, -0.125)),
  (x, draw) => maximum(x, companion(x, draw)),
  (x, draw) => reduceSum(x, x.rank ? someAxis(x, draw) : []),
  (x, draw) => reduceSum(x, axesOf(x).slice(0, draw(x.rank + 1))),
  (x, draw) => (x.rank ? softmax(x, someAxis(x, draw)) : x),
  (x, draw) => (x.rank ? cumSum(x, someAxis(x, draw), draw(2) === 1) : x),
  (x, draw) => (x.rank ? sort(x, someAxis(x, draw)) : x),
  (x, draw) => (x.rank ? roll(x, 1, someAxis(x, draw)) : x),
  (x, draw) => {
    if (x.rank === 0) return x;
    const axis = someAxis(x, draw);
    const start = axesOf(x).map((i) => (i === axis && x.shape[i] > 1 ? 1 : 0));
    return slice(
      x,
      start,
      x.shape,
      axesOf(x).map((i) => (i === axis ? 1 + draw(2) : 1)),
    );
  },
  (x, draw) =>
    x.size > 300
      ? x
      : pad(
          x,
          axesOf(x).map(() => [draw(2), draw(2), draw(2)] as const),
          draw(2),
        ),
  (x, draw) =>
    x.rank && x.size < 300 ? concatenate([x, companion(x, draw)], someAxis(x, draw)) : x,
  (x, draw) => {
    if (x.rank === 0) return x;
    const axis = someAxis(x, draw);
    const last = iota([3], "int32");
    return x.size > 300 ? x : gather(x, last, { axis });
  },
  (x, draw) => {
    // x × x over a random split of its axes into batch, sum and free
    if (x.rank === 0 || x.size > 200) return x;
    const roles = axesOf(x).map(() => draw(3));
    const of = (role: number) => axesOf(x).filter((i) => roles[i] === role);
    const out = x.size * sizeOf(of(2).map((i) => x.shape[i]));
    if (out > 2000) return x;
    const dims = { lhsBatch: of(0), rhsBatch: of(0), lhsContract: of(1), rhsContract: of(1) };
    return mul(dotGeneral(x, companion(x, draw), dims), 0.125);
  },
  (x, draw) => (x.rank && x.size < 300 ? withRepeated(x, draw) : x),
];

/** An axis of extent 1 stretched. */
function withRepeated(x: Tensor, draw: Draw): Tensor {
  const axis = x.shape.indexOf(1);
  if (axis < 0) return x;
  return broadcastInDim(x, withExtent(x, axis, 2 + draw(2)), axesOf(x));
}

async function results(
  on: Engine,
  program: ReturnType<typeof trace>["program"],
  inputs: HostArray[],
) {
  const executable = await on.compile(program);
  const outputs = await executable.run(inputs);
  const values = await Promise.all(outputs.map((output) => output.read()));
  executable.dispose();
  return values;
}

test("random bits made chunk by chunk are the interpreter's", async () => {
  const key = fromNumbers([5, 9], [2], "uint32");
  const { program } = trace((k: Tensor) => randomBits(k, [3, 66_000]), key);
  const [[ours], [theirs]] = [
    await results(engine, program, [key]),
    await results(reference, program, [key]),
  ];
  expect(ours).toEqual(theirs);
});

const WORDS = fc.array(fc.nat(2 ** 20), { minLength: 1, maxLength: 60 });

/** A program of random steps from what `begin` makes of an input: the engine's numbers against the interpreter's. */
async function compareSteps(
  shape: readonly number[],
  words: readonly number[],
  count: number,
  begin: (x: Tensor) => Tensor,
  steps: readonly ((x: Tensor, draw: Draw) => Tensor)[],
): Promise<void> {
  let at = 0;
  const draw: Draw = (below) => (below <= 1 ? 0 : words[at++ % words.length] % below);
  const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 1.3 + words[0]));
  const input = fromNumbers(numbers, shape, "float32");
  const { program } = trace((x: Tensor) => {
    const made = [begin(x)];
    for (let i = 0; i < count; i++) {
      made.push(steps[draw(steps.length)](made.at(-1)!, draw));
      if (made.at(-1)!.size > 4000) break;
    }
    return made.slice(1);
  }, input);
  const [ours, theirs] = [
    await results(engine, program, [input]),
    await results(reference, program, [input]),
  ];
  ours.forEach((value, i) => {
    expect(value.shape).toEqual(theirs[i].shape);
    const [a, b] = [toNumbers(value), toNumbers(theirs[i])];
    const size = Math.max(1e-3, ...b.map(Math.abs).filter(Number.isFinite));
    a.forEach((x, k) => {
      if (Object.is(x, b[k]) || x === b[k]) return;
      expect(Math.abs(x - b[k]) / size).toBeLessThan(2e-4); // sums of sums, in float32 here and float64 there
    });
  });
}

const COUNT = fc.integer({ min: 1, max: 12 });
const RUNS = Number(process.env.OCELLI_RUNS ?? 150);

test("random programs give the interpreter's numbers", async () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });
  const property = fc.asyncProperty(shapes, WORDS, COUNT, (shape, words, count) =>
    compareSteps(shape, words, count, (x) => x, STEPS),
  );
  await fc.assert(property, { numRuns: RUNS, seed: 3 });
});

/** An image convolved with a kernel that depends on its channels: one in blocks where the processor has them. */
function convolved(x: Tensor, window: number): Tensor {
  const channels = x.shape.at(-1)!;
  const weights = sin(mul(iota([window, window, channels, channels], "float32", 2), 0.7));
  const shift = cos(mul(iota(weights.shape, "float32", 3), 0.3));
  return conv(x, mul(add(weights, shift), 1 / channels));
}

/** What is done to images above all: per channel, over space, beside another image. */
const IMAGE_STEPS: readonly ((x: Tensor, draw: Draw) => Tensor)[] = [
  ...STEPS,
  (x) => (x.rank === 4 && x.shape[3] % 16 === 0 ? convolved(x, 1) : x),
  (x, draw) => (x.rank === 4 && x.shape[3] % 16 === 0 ? convolved(x, 1 + 2 * draw(2)) : x),
  (x, draw) => {
    if (x.rank < 2) return x;
    const channels = mul(iota([x.shape.at(-1)!], "float32"), 0.1 * (1 + draw(3)));
    return draw(2) ? sub(broadcastTo(channels, x.shape), x) : mul(x, channels);
  },
  (x, draw) => add(maximum(x, 0), x.rank ? reverse(x, someAxis(x, draw)) : x),
  (x) => maximum(x, 0),
  (x) => (x.rank === 4 ? sub(x, mul(mean(x, [1, 2], { keepDims: true }), 0.5)) : x),
  (x, draw) =>
    x.rank === 4 && x.shape[3] % 16 === 0
      ? groupNorm(x, ones([x.shape[3]]), ones([x.shape[3]]), [2, 4, 8, 16][draw(4)])
      : x,
];

test("random programs over images give the interpreter's numbers", async () => {
  const shapes = fc.tuple(
    ...[2, 3, 3].map((max) => fc.integer({ min: 1, max })),
    fc.constantFrom(16, 32, 48),
  );
  const property = fc.asyncProperty(shapes, WORDS, COUNT, (shape, words, count) =>
    compareSteps(shape, words, count, (x) => convolved(x, 1), IMAGE_STEPS),
  );
  await fc.assert(property, { numRuns: RUNS, seed: 5 });
});
