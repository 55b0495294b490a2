import { describe, expect, it } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { toNumbers } from "./dtype.ts";
import * as g from "./index.ts";

const engine = createInterpreter();
const numbers = async (x: g.Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const rows = g.tensor([
  [1, 2, 3],
  [4, 5, 6],
]);

describe("vmap", () => {
  it("maps over the axes asked for, and puts the batch where asked", async () => {
    const scaled = g.vmap((x: g.Tensor, k: g.Tensor) => g.mul(x, k), {
      inAxes: [1, 0],
      outAxis: -1,
    });
    const y = scaled(rows, g.tensor([1, 10, 100]));
    expect(y.shape).toEqual([2, 3]);
    expect(await numbers(y)).toEqual([1, 20, 300, 4, 50, 600]);
  });

  it("takes and returns trees; captured tensors are shared by all examples", async () => {
    const shift = g.tensor([1, 1, 1]);
    const { sum, pair } = g.vmap(({ x }: { x: g.Tensor }) => ({
      sum: g.reduceSum(x),
      pair: [g.add(x, shift), g.scalar(7)],
    }))({ x: rows });
    expect(await numbers(sum)).toEqual([6, 15]);
    expect(await numbers(pair[0])).toEqual([2, 3, 4, 5, 6, 7]);
    expect(await numbers(pair[1])).toEqual([7, 7]); // what does not depend on the batch is repeated
  });

  it("gives gradients example by example", async () => {
    const grads = g.vmap((x: g.Tensor) =>
      g.grad((y: g.Tensor) => g.reduceSum(g.mul(y, g.square(y))))(x),
    )(rows);
    expect(await numbers(grads)).toEqual([3, 12, 27, 48, 75, 108]);
  });

  it("of draws by key equals the draws key by key", async () => {
    const keys = g.splitKey(g.randomKey(5), 3);
    const batch = g.vmap((key: g.Tensor) => g.normal(key, [4]))(g.stack(keys));
    const loop = g.stack(keys.map((key) => g.normal(key, [4])));
    expect(await numbers(batch)).toEqual(await numbers(loop));
  });

  it("writes one convolution for a batch of kernels", () => {
    const { program } = g.trace(
      (x: g.Tensor, k: g.Tensor) => g.vmap((a: g.Tensor, b: g.Tensor) => g.conv(a, b))(x, k),
      { shape: [5, 2, 8, 8, 3], dtype: "float32" },
      { shape: [5, 3, 3, 3, 4], dtype: "float32" },
    );
    const convs = program.equations.filter(
      ({ primitive }) => primitive.name === "convGeneralDilated",
    );
    expect(convs).toHaveLength(1);
    expect(program.outputs[0].shape).toEqual([5, 2, 8, 8, 4]);
  });

  it("looks rows up in a shared table without repeating it", () => {
    const { program } = g.trace(
      (table: g.Tensor, ids: g.Tensor) => g.vmap((i: g.Tensor) => g.take(table, i))(ids),
      { shape: [1000, 8], dtype: "float32" },
      { shape: [4, 3], dtype: "int32" },
    );
    expect(program.equations.map(({ primitive }) => primitive.name)).not.toContain(
      "broadcastInDim",
    );
    expect(program.outputs[0].shape).toEqual([4, 3, 8]);
  });
});
