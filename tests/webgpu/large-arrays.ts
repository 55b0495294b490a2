/** @file Arrays above 128 MB, the least that a GPU shows a shader in one piece: in Node and in a tab. */

import { type DeviceArray, type Engine, jit } from "../../src/engines/engine.ts";
import {
  type HostArray,
  type Tensor,
  fromNumbers,
  grad,
  hostArray,
  matmul,
  mul,
  reduceSum,
  sqrt,
  square,
  sub,
  take,
} from "../../src/graph/index.ts";

/** The limit, and an embedding of 143 MB. */
export const LIMIT = 128 * 2 ** 20;
const [ROWS, WIDTH] = [70_000, 512];
const CHOSEN = [0, 5, 65_600, ROWS - 1] as const;
const entry = (i: number): number => (i % 1013) / 1013;

/** The largest errors of an embedding, its gradient and an update of it, and of a head as large. */
export async function largeErrors(engine: Engine): Promise<Record<string, number>> {
  const numbers = Float32Array.from({ length: ROWS * WIDTH }, (_, i) => entry(i));
  const table = hostArray([ROWS, WIDTH], "float32", numbers);
  const head = hostArray([WIDTH, ROWS], "float32", numbers);
  const ids = fromNumbers(CHOSEN, [CHOSEN.length], "int32");
  const run = async (fn: (...args: Tensor[]) => Tensor, ...inputs: HostArray[]) => {
    using array = (await jit(engine, fn)(...inputs)) as DeviceArray;
    const { data } = await array.read();
    return (i: number): number => Number(data[i]);
  };
  const worst = (errors: readonly number[]): number => Math.max(...errors.map(Math.abs));

  const taken = await run((t, i) => take(t, i, 0), table, ids);
  const slope = await run(
    (t, i) => grad((x: Tensor) => reduceSum(square(take(x, i, 0))))(t),
    table,
    ids,
  );
  const updated = await run((t) => sub(t, mul(sqrt(square(t)), 0.5)), table);
  const x = Float32Array.from({ length: WIDTH }, (_, i) => (i % 7) - 3);
  const logits = await run((a, b) => matmul(a, b), hostArray([1, WIDTH], "float32", x), head);
  const logitAt = (c: number): number =>
    x.reduce((sum, value, k) => sum + value * entry(k * ROWS + c), 0);
  const second = (row: number): number => row * WIDTH + 3;
  return {
    taken: worst(CHOSEN.map((row, i) => taken(i * WIDTH + 3) - entry(second(row)))),
    gradient: worst(CHOSEN.map((row) => slope(second(row)) - 2 * entry(second(row)))),
    elsewhere: worst([1, 65_601, ROWS - 2].map((row) => slope(second(row)))),
    updated: worst(CHOSEN.map((row) => updated(second(row)) - entry(second(row)) / 2)),
    logits: worst(CHOSEN.map((c) => logits(c) - logitAt(c))),
  };
}
