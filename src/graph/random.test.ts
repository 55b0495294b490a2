import { describe, expect, it } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { toNumbers } from "./dtype.ts";
import * as g from "./index.ts";
import { erf } from "./ops/special.ts";

const engine = createInterpreter();
const numbers = async (x: g.Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const moments = (xs: readonly number[]) => {
  const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
  return { mean, variance: xs.reduce((a, x) => a + (x - mean) ** 2, 0) / xs.length };
};
const key = g.randomKey(3);
const N = 4000;

// The streams themselves are held against jax.random in tests/contract/random-streams.ts.
describe("distributions", () => {
  it.for(["float32", "float16", "bfloat16"] as const)(
    "uniform %s never reaches 1",
    async (dtype) => {
      const draws = await numbers(g.uniform(key, [N], 0, 1, dtype));
      expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...draws)).toBeLessThan(1);
      expect(moments(draws).mean).toBeCloseTo(0.5, 1);
    },
  );

  it("truncatedNormal stays within its bounds", async () => {
    const draws = await numbers(g.truncatedNormal(key, -1, 2, [N]));
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...draws)).toBeLessThanOrEqual(2);
    expect(moments(draws).mean).toBeCloseTo(0.2296, 1); // (φ(−1) − φ(2)) / (Φ(2) − Φ(−1))
  });

  it("truncatedNormal never reaches a bound, however narrow", async () => {
    const [low, high] = [1, 1 + 2 ** -21]; // three numbers lie between
    const draws = await numbers(g.truncatedNormal(key, low, high, [N]));
    expect(Math.min(...draws)).toBeGreaterThan(low);
    expect(Math.max(...draws)).toBeLessThan(high);
  });

  it.for([
    [0, 0],
    [5, 2],
    [0.5, 3],
    [0, 2 ** 31 + 1],
    [NaN, 1],
  ])("randomInt refuses to draw from [%d, %d)", ([low, high]) => {
    expect(() => g.randomInt(key, [1], low, high)).toThrow(`not from [${low}, ${high})`);
  });

  it("randomInt covers its range and no more", async () => {
    const draws = await numbers(g.randomInt(key, [N], -2, 3));
    expect([...new Set(draws)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
  });

  it.for([0.2, 0.8, 1, 5])("logGamma %d has the mean and variance of a Gamma", async (a) => {
    const { mean, variance } = moments((await numbers(g.logGamma(key, a, [N]))).map(Math.exp));
    const spread = 4 * Math.sqrt(a / N); // four standard errors
    expect(Math.abs(mean - a)).toBeLessThan(spread);
    expect(Math.abs(variance - a)).toBeLessThan(12 * spread);
  });

  it.for([
    [0.2, 0.2],
    [2, 5],
  ] as const)("beta(%d, %d) has its mean and variance", async ([a, b]) => {
    const draws = await numbers(
      g.vmap((k: g.Tensor) => g.beta(k, a, b))(g.stack(g.splitKey(key, 4000))),
    );
    const expected = { mean: a / (a + b), variance: (a * b) / ((a + b) ** 2 * (a + b + 1)) };
    const { mean, variance } = moments(draws);
    expect(Math.abs(mean - expected.mean)).toBeLessThan(4 * Math.sqrt(expected.variance / 4000));
    expect(variance / expected.variance).toBeCloseTo(1, 1);
  });

  it("permutation holds every number once", async () => {
    const order = await numbers(g.permutation(key, 1000));
    expect([...order].sort((a, b) => a - b)).toEqual(order.map((_, i) => i));
    expect(order.slice(0, 5)).not.toEqual([0, 1, 2, 3, 4]);
    expect(await numbers(g.permutation(key, 0))).toEqual([]);
  });
});

describe("erfInv", () => {
  it("undoes erf", async () => {
    const xs = [-0.99, -0.5, -1e-4, 0, 0.3, 0.9, 0.9999];
    const back = (await numbers(g.erfInv(g.tensor(xs)))).map(erf);
    back.forEach((y, i) => expect(y).toBeCloseTo(xs[i], 6));
    expect(await numbers(g.erfInv(g.tensor([1, -1])))).toEqual([Infinity, -Infinity]);
  });
});

describe("erf", () => {
  // Abramowitz & Stegun, table 7.1, and the complement 1 − erf(3) = 2.20904969985854e−5
  it.for([
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.5, 0.999593047982555],
    [3, 1 - 2.20904969985854e-5],
    [-1, -0.8427007929497149],
    [7, 1],
    [-Infinity, -1],
  ] as const)("of %d is %d", ([x, y]) => {
    expect(Math.abs(erf(x) - y)).toBeLessThan(4e-16);
  });

  it("is NaN for NaN, and has no seam between its two formulas", () => {
    expect(erf(NaN)).toBeNaN();
    expect(Math.abs(erf(2.5) - erf(2.5 - 1e-12))).toBeLessThan(1e-14);
  });
});

describe("debugPrint", () => {
  it("shows values when the program runs, and hands them on", async () => {
    const shown: string[] = [];
    const { write } = g.debugSink;
    g.debugSink.write = (label, value) => shown.push(`${label} ${value.dtype} ${[...value.data]}`);
    try {
      const y = g.mul(g.debugPrint("x", g.tensor([1, 2])), 3);
      expect(shown).toEqual([]);
      expect(await numbers(y)).toEqual([3, 6]);
      expect(shown).toEqual(["x float32 1,2"]);
    } finally {
      g.debugSink.write = write;
    }
  });
});
