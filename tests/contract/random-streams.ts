/** @file The contract's part on random numbers: the same streams as jax.random, on every engine. */

import { expect, it } from "vitest";
import type { Engine } from "../../src/engines/engine.ts";
import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import {
  type Tensor,
  bernoulli,
  categorical,
  concatenate,
  foldIn,
  gumbel,
  normal,
  permutation,
  randomBits,
  randomInt,
  randomKey,
  sliceAxis,
  sort,
  splitKey,
  tensor,
  toNumbers,
  trace,
  truncatedNormal,
  uniform,
} from "../../src/graph/index.ts";
import { errorOf } from "./compare.ts";
import { readResults } from "./fixtures.ts";
import { refusalOf, run } from "./run.ts";
import type { Contender, NoteRefusal } from "./suite.ts";

interface Stream {
  readonly draw: (key: Tensor) => Tensor;
  /** How many units of the last place an engine may be off; none unless said. */
  readonly ulps?: number;
  /** Against the largest number: where low + (high − low) u cancels, a fused multiply-add shows. */
  readonly scale?: "array";
}

const LOGITS = tensor([
  [0.5, 2, -1, 0],
  [-Infinity, 3, 2, 1],
  [4, 0, 0, 0],
]);

const STREAMS: Readonly<Record<string, Stream>> = {
  key: { draw: (key) => key },
  split: { draw: (key) => concatenate(splitKey(key)) },
  "split into 3": { draw: (key) => concatenate(splitKey(key, 3)) },
  "fold 7": { draw: (key) => foldIn(key, 7) },
  "fold 4000000000": { draw: (key) => foldIn(key, 4000000000) },
  bits: { draw: (key) => randomBits(key, [3, 5]) },
  uniform: { draw: (key) => uniform(key, [4, 8]) },
  "uniform float16": { draw: (key) => uniform(key, [16], 0, 1, "float16") },
  "uniform bfloat16": { draw: (key) => uniform(key, [16], 0, 1, "bfloat16") },
  "uniform -3 to 5": { draw: (key) => uniform(key, [16], -3, 5), ulps: 1 },
  "integers -3 to 5": { draw: (key) => randomInt(key, [16], -3, 5) },
  "integers to 100000": { draw: (key) => randomInt(key, [16], 0, 100_000) },
  "all integers": { draw: (key) => randomInt(key, [16], -(2 ** 31), 2 ** 31 - 1) },
  normal: { draw: (key) => normal(key, [32, 8]), ulps: 4 },
  "normal in the tails": {
    draw: (key) => sliceAxis(sort(normal(key, [20000])), 0, 0, 64),
    ulps: 4,
  },
  "truncated normal": { draw: (key) => truncatedNormal(key, -2, 2, [64]), ulps: 4, scale: "array" },
  "bernoulli 0.3": { draw: (key) => bernoulli(key, 0.3, [32]) },
  gumbel: { draw: (key) => gumbel(key, [64]), ulps: 4, scale: "array" },
  "gumbel float16": { draw: (key) => gumbel(key, [16], "float16"), ulps: 4, scale: "array" },
  categorical: { draw: (key) => categorical(key, LOGITS) },
  "categorical along the first axis, drawn often": {
    draw: (key) => categorical(key, LOGITS, { axis: 0, shape: [5, 4] }),
  },
  "permutation of 10": { draw: (key) => permutation(key, 10) },
  "permutation of 1": { draw: (key) => permutation(key, 1) },
  "permutation of 2000, first 8": { draw: (key) => sliceAxis(permutation(key, 2000), 0, 0, 8) },
};

/** Checks an engine's random streams against JAX's. */
export function randomContract(
  engine: () => Engine,
  { checkSupported, accuracy }: Pick<Contender, "checkSupported" | "accuracy">,
  refused: NoteRefusal,
): void {
  const bySeed = Object.entries(readResults("random") as Record<string, Record<string, number[]>>);
  it.for(Object.entries(STREAMS))("random: %s", async ([name, { draw, scale, ulps = 0 }]) => {
    const keys = await run(reference, () => bySeed.map(([seed]) => randomKey(Number(seed))), []);
    const all = (...given: Tensor[]) => given.map((key) => draw(key));
    const { program } = trace(all, ...keys);
    const refusal = refusalOf(checkSupported, program);
    if (refusal) {
      await expect(run(engine(), all, keys)).rejects.toMatchObject({ code: "unsupported" });
      refused(name, refusal);
      return;
    }
    const allowed = accuracy?.measureOf(program, { ulps, scale }) ?? { ulps, scale };
    const draws = await run(engine(), all, keys);
    const errors = draws.map((array, i) =>
      errorOf(toNumbers(array), bySeed[i][1][name], {
        dtype: array.dtype,
        scale: allowed.scale,
      }),
    );
    expect(Math.max(...errors)).toBeLessThanOrEqual(allowed.ulps);
  });
}

const reference = createInterpreter();
