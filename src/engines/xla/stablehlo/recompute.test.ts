/** @file The backward pass that computes again what it would have kept: the same values, and only where it is worth it. */

import { afterAll, describe, expect, it } from "vitest";
import {
  type Tensor,
  add,
  attention,
  gelu,
  grad,
  mul,
  reduceSum,
  simplify,
  trace,
} from "../../../graph/index.ts";
import type { Program } from "../../../graph/program.ts";
import { createOrtEngine } from "../../ort/index.ts";
import { recomputeBackward } from "./recompute.ts";

const LARGE = [16, 256, 4, 2] as const;
const SMALL = [2, 5, 4, 2] as const;
const f32 = (...shape: number[]) => ({ shape, dtype: "float32" as const });

const gradientOf = (fn: (x: Tensor) => Tensor, shape: readonly number[]): Program =>
  simplify(
    trace((x: Tensor) => grad((y: Tensor) => reduceSum(mul(fn(y), fn(y))))(x), f32(...shape))
      .program,
  );

const count = ({ equations }: Program, name: string): number =>
  equations.filter(({ primitive }) => primitive.name === name).length;

const engine = await createOrtEngine();
afterAll(() => engine.dispose());

/** The largest difference of the results, relative to the largest value. */
async function difference(one: Program, other: Program, shape: readonly number[]): Promise<number> {
  const length = shape.reduce((a, b) => a * b);
  const x = { ...f32(...shape), data: Float32Array.from({ length }, (_, i) => Math.sin(i * 0.37)) };
  const results = [one, other].map(async (program) => {
    using executable = await engine.compile(program);
    const [result] = await executable.run([x]);
    return (await result.read()).data as Float32Array;
  });
  const [a, b] = await Promise.all(results);
  const peak = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) / peak;
}

const attended = (x: Tensor): Tensor => attention(mul(x, 0.5), x, mul(x, 2));

describe("a backward pass that computes again", () => {
  it("has the values of one that keeps", async () => {
    for (const [fn, shape] of [
      [(x: Tensor) => gelu(mul(x, 3)), SMALL],
      [attended, LARGE],
    ] as const) {
      const kept = gradientOf(fn, shape);
      const again = recomputeBackward(kept);
      expect(count(again, "barrier")).toBeGreaterThan(count(kept, "barrier"));
      expect(await difference(kept, again, shape)).toBeLessThan(1e-6);
    }
  });

  it("keeps small probabilities, and those under a mask", () => {
    const small = gradientOf(attended, SMALL);
    expect(recomputeBackward(small)).toBe(small);
    const [batch, tokens, heads] = LARGE;
    const { program } = trace(
      (x: Tensor, mask: Tensor) =>
        grad((y: Tensor) => reduceSum(attention(y, mul(y, 2), y, mask)))(add(x, x)),
      f32(...LARGE),
      f32(batch, heads, tokens, tokens),
    );
    expect(recomputeBackward(program)).toBe(program);
  });
});
