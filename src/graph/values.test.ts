import { describe, expect, it } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import * as g from "./index.ts";

describe("integers of the interpreter", () => {
  it("wrap exactly where a sum passes 2^53", async () => {
    const n = 2 ** 21 + 3;
    const value = 2 ** 32 - 1; // −1 modulo 2³²
    const ones = g.constant(g.hostArray([n], "uint32", new Uint32Array(n).fill(value)));
    const scalar = async (x: g.Tensor): Promise<number> =>
      g.toNumbers(await evaluate(createInterpreter(), x)).at(-1)!;
    expect(await scalar(g.reduceSum(ones))).toBe(2 ** 32 - n);
    expect(await scalar(g.cumSum(ones))).toBe(2 ** 32 - n);
    expect(await scalar(g.matmul(ones, g.full([n], 3, "uint32")))).toBe(2 ** 32 - 3 * n);
  });
});
