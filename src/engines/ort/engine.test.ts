import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type DType,
  type HostArray,
  type Tensor,
  add,
  convert,
  debugPrint,
  debugSink,
  exp,
  fromNumbers,
  greater,
  matmul,
  mul,
  ones,
  reduceSum,
  reshape,
  scan,
  select,
  square,
  sqrt,
  sub,
  tensor,
  toNumbers,
  trace,
  transpose,
} from "../../graph/index.ts";
import { type ArrayLike, type DeviceArray, evaluate, jit } from "../engine.ts";
import { OrtEngine } from "./engine.ts";
import type { NativeRuntime } from "./runtime/native.ts";
import { createNativeRuntime } from "./runtime/native.ts";

let runtime: NativeRuntime;
let engine: OrtEngine;
beforeAll(() => {
  runtime = createNativeRuntime({ threads: 1 });
  engine = new OrtEngine({ runtime });
});
afterAll(() => engine.dispose());

const f32 = (...values: number[]): HostArray => fromNumbers(values, [values.length], "float32");
const vector = { shape: [3], dtype: "float32" } as const;
const numbers = async (array: DeviceArray): Promise<number[]> => toNumbers(await array.read());

const compile = (
  fn: (...xs: Tensor[]) => Tensor[],
  specs: readonly { shape: readonly number[]; dtype: DType }[],
  donate: readonly number[] = [],
) => engine.compile(trace(fn, ...specs).program, { donate });

describe("outputs", () => {
  test("may be inputs, constants, views, empty, or the same twice", async () => {
    const run = await compile(
      (x) => [
        x,
        tensor([1, 2]),
        reshape(x, [3, 1]),
        x,
        sub(x, x),
        ones([0, 2]),
        add(x, 1),
        add(x, 1),
      ],
      [vector],
    );
    const results = await run.run([f32(1, 2, 3)]);
    expect(await Promise.all(results.map(numbers))).toEqual([
      [1, 2, 3],
      [1, 2],
      [1, 2, 3],
      [1, 2, 3],
      [0, 0, 0],
      [],
      [2, 3, 4],
      [2, 3, 4],
    ]);
    expect(results.map(({ shape }) => shape)).toEqual([
      [3],
      [2],
      [3, 1],
      [3],
      [3],
      [0, 2],
      [3],
      [3],
    ]);
    results[0].dispose();
    expect(await numbers(results[3])).toEqual([1, 2, 3]);
  });

  test("of a program without inputs", async () => {
    expect(toNumbers(await evaluate(engine, reduceSum(ones([4, 5]))))).toEqual([20]);
  });
});

describe("donation", () => {
  test("a donated handle throws, and a read that began before completes", async () => {
    const step = await compile((x) => [mul(x, 2)], [vector], [0]);
    const x = await engine.upload(f32(1, 2, 3));
    const reading = x.read();
    const [y] = await step.run([x]);
    expect(step.aliased).toBe(1);
    expect(x.disposed).toBe(true);
    await expect(x.read()).rejects.toThrow(/donated/);
    await expect(step.run([x])).rejects.toThrow(/can no longer be used/);
    expect(toNumbers(await reading)).toEqual([1, 2, 3]);
    expect(await numbers(y)).toEqual([2, 4, 6]);
  });

  test("an output does not overwrite what others still read", async () => {
    // m' = 10 m in the place of m would spoil the sum, which is no ancestor of it
    const both = (m: Tensor) => [mul(m, 10), reduceSum(m)];
    const step = await compile(both, [vector], [0]);
    expect(step.aliased).toBe(0);
    let m: ArrayLike = await engine.upload(f32(1, 2, 3));
    for (const total of [6, 60, 600]) {
      const [next, sum]: DeviceArray[] = await step.run([m]);
      expect(await numbers(sum)).toEqual([total]);
      m = next;
    }
    expect(await numbers(m as DeviceArray)).toEqual([1000, 2000, 3000]);
  });

  test("readers through reshapes count, ancestors do not stand in the way", async () => {
    const square3 = { shape: [3, 3], dtype: "float32" } as const;
    const viewed = await compile((w) => [mul(w, 2), sqrt(reshape(w, [9]))], [square3], [0]);
    expect(viewed.aliased).toBe(0);
    const product = await compile((w) => [matmul(w, w)], [square3], [0]);
    expect(product.aliased).toBe(0);
    const update = await compile((w) => [sub(w, matmul(w, transpose(w)))], [square3], [0]);
    expect(update.aliased).toBe(1);
    const [w] = await update.run([fromNumbers([1, 0, 0, 0, 2, 0, 0, 1, 1], [3, 3], "float32")]);
    expect(await numbers(w)).toEqual([0, 0, 0, 0, -2, -2, 0, -1, -1]);
  });

  test("a buffer that is bound twice is not written over", async () => {
    const step = await compile((a, b) => [mul(a, 10), sub(b, 1)], [vector, vector], [0]);
    const x = await engine.upload(f32(1, 2, 3));
    const [p, q] = await step.run([x, x]);
    expect(await numbers(p)).toEqual([10, 20, 30]);
    expect(await numbers(q)).toEqual([0, 1, 2]);
    expect(x.disposed).toBe(true);
  });

  test("a donated input that is an output keeps its buffer", async () => {
    const step = await compile((a, b) => [a, add(a, b)], [vector, vector], [0]);
    const [a, sum] = await step.run([await engine.upload(f32(1, 2, 3)), f32(1, 1, 1)]);
    expect(await numbers(a)).toEqual([1, 2, 3]);
    expect(await numbers(sum)).toEqual([2, 3, 4]);
  });
});

describe("runs", () => {
  test("queue without reads, and steady steps allocate nothing", async () => {
    // the parameter is double-buffered (the loss reads it too), the moment is written in place
    const step = await compile(
      (w, m, g) => {
        const next = add(mul(m, 0.5), g);
        return [sub(w, next), next, reduceSum(mul(w, w))];
      },
      [vector, vector, vector],
      [0, 1],
    );
    expect(step.aliased).toBe(1);
    const g = await engine.upload(f32(1, 1, 1));
    let state = [await engine.upload(f32(1, 2, 3)), await engine.upload(f32(0, 0, 0))];
    const held: number[] = [];
    for (let i = 0; i < 20; i++) {
      const [w, m, loss] = await step.run([...state, g]);
      state = [w, m];
      loss.dispose();
      if (i === 10) await w.read();
      held.push(runtime.memory.live + runtime.memory.idle);
    }
    expect((await numbers(state[1]))[0]).toBeCloseTo(2, 5);
    expect(new Set(held.slice(6)).size).toBe(1);
  });

  test("a failed run is heard of where its results are read", async () => {
    const run = await compile((x) => [add(x, 1)], [vector]);
    await expect(run.run([f32(1, 2)])).rejects.toThrow(/float32\[2\] where float32\[3\] is taken/);
    run.dispose();
    await expect(run.run([f32(1, 2, 3)])).rejects.toThrow(/has been disposed/);
  });
});

describe("debugPrint", () => {
  const { write } = debugSink;
  afterEach(() => {
    debugSink.write = write;
  });

  test("shows values after the run, inlined regions included", async () => {
    const shown: [string, number[]][] = [];
    debugSink.write = (label, value) => void shown.push([label, Array.from(value.data)]);
    const print = jit(engine, (xs: Tensor) => {
      const { carry } = scan(
        (c, [x]) => ({ carry: [debugPrint("sum", add(c[0], x))] }),
        [ones([])],
        [xs],
      );
      return carry[0];
    });
    await print(f32(1, 2));
    expect(shown).toEqual([
      ["sum", [2]],
      ["sum", [4]],
    ]);
  });

  test("shows what has no elements", async () => {
    const shown: number[][] = [];
    debugSink.write = (_label, { shape }) => void shown.push([...shape]);
    const print = jit(engine, (x: Tensor) => debugPrint("empty", exp(x)));
    expect((await print(fromNumbers([], [2, 0], "float32"))).shape).toEqual([2, 0]);
    expect(shown).toEqual([[2, 0]]);
  });

  test("is refused in graphs of their own", async () => {
    const long = trace(
      (xs: Tensor) =>
        scan((c, [x]) => ({ carry: [debugPrint("sum", add(c[0], x))] }), [ones([])], [xs]).carry,
      { shape: [1000], dtype: "float32" },
    );
    await expect(engine.compile(long.program)).rejects.toThrow(/cannot do debugPrint inside/);
  });
});

test("what has no kernel is refused by name", async () => {
  const double = trace((x: Tensor) => add(x, 1), { shape: [3], dtype: "float64" });
  await expect(engine.compile(double.program)).rejects.toThrow(/cannot do float64/);
});

describe("guarded updates", () => {
  const SIZE = 300;
  const matrix = { shape: [SIZE, SIZE], dtype: "float32" } as const;
  const guarded = (w: Tensor, v: Tensor, g: Tensor) => {
    const norm = reduceSum(square(g));
    const nextV = add(mul(v, 0.5), square(g));
    const nextW = sub(w, sqrt(nextV));
    const keep = greater(norm, 0.5);
    return [select(keep, nextW, w), select(keep, nextV, v), norm, convert(keep, "int32")];
  };

  test("run in place where the guard holds, and leave the state as it is where it does not", async () => {
    const step = await compile(guarded, [matrix, matrix, matrix], [0, 1]);
    expect(step.aliased).toBe(2);
    const full = (value: number) =>
      fromNumbers(new Array<number>(SIZE * SIZE).fill(value), [SIZE, SIZE], "float32");
    let state = [await engine.upload(full(1)), await engine.upload(full(0))];
    for (const [g, w, v] of [
      [1, 0, 1],
      [0, 0, 1],
      [Math.sqrt(3.5), -2, 4],
    ]) {
      const [nextW, nextV] = await step.run([...state, full(g)]);
      state = [nextW, nextV];
      expect(toNumbers(await nextW.read())[7]).toBeCloseTo(w, 5);
      expect(toNumbers(await nextV.read())[SIZE]).toBeCloseTo(v, 5);
    }
  });
});
