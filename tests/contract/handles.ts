/** @file The contract's part on memory: handles, donation, aliasing. */

import { describe, expect, it } from "vitest";
import type { DeviceArray, Engine, Executable } from "../../src/engines/engine.ts";
import {
  type HostArray,
  type Tensor,
  add,
  barrier,
  matmul,
  mul,
  reduceSum,
  reshape,
  sub,
  toNumbers,
  trace,
} from "../../src/graph/index.ts";
import { array } from "./table.ts";

type ListFunction = (...args: Tensor[]) => readonly Tensor[];

const GONE = { code: "disposed" };

/** Checks how an engine's arrays live and die. */
export function handleContract(engine: () => Engine): void {
  const compile = (
    fn: ListFunction,
    inputs: readonly HostArray[],
    donate: readonly number[] = [],
  ): Promise<Executable> => engine().compile(trace(fn, ...inputs).program, { donate });
  const numbers = async (handle: DeviceArray): Promise<number[]> => toNumbers(await handle.read());
  const x = array([1, 2, 3, 4]);
  const y = array([10, 20, 30, 40]);

  describe("handles", () => {
    it("read what was uploaded, and not what became of the source", async () => {
      const source = array([1, 2, 3]);
      const handle = await engine().upload(source);
      source.data[0] = 99;
      expect(await numbers(handle)).toEqual([1, 2, 3]);
    });

    it("read copies", async () => {
      const handle = await engine().upload(x);
      (await handle.read()).data[0] = 99;
      expect(await numbers(handle)).toEqual([1, 2, 3, 4]);
    });

    it("throw once disposed, and may be disposed twice", async () => {
      const handle = await engine().upload(x);
      handle.dispose();
      handle.dispose();
      expect(handle.disposed).toBe(true);
      await expect(handle.read()).rejects.toMatchObject(GONE);
      using executable = await compile((a) => [mul(a, 2)], [x]);
      await expect(executable.run([handle])).rejects.toMatchObject(GONE);
    });

    it("finish a pending read when disposed", async () => {
      using executable = await compile((a) => [mul(a, 2)], [x]);
      const [handle] = await executable.run([x]);
      const pending = numbers(handle);
      handle.dispose();
      expect(await pending).toEqual([2, 4, 6, 8]);
    });

    it("mix with host arrays, and feed the next run", async () => {
      using executable = await compile((a, b) => [add(a, b)], [x, y]);
      const [first] = await executable.run([await engine().upload(x), y]);
      const [second] = await executable.run([first, first]);
      expect(await numbers(second)).toEqual([22, 44, 66, 88]);
      expect(await numbers(first)).toEqual([11, 22, 33, 44]);
    });

    it("of the wrong shape, dtype or number are refused", async () => {
      using executable = await compile((a) => [mul(a, 2)], [x]);
      await expect(executable.run([array([1])])).rejects.toMatchObject({ code: "shape" });
      const integers = array([1, 2, 3, 4], "int32");
      await expect(executable.run([integers])).rejects.toMatchObject({ code: "shape" });
      await expect(executable.run([x, x])).rejects.toMatchObject({ code: "argument" });
    });

    it("outlive their executable", async () => {
      const executable = await compile((a) => [mul(a, 2)], [x]);
      const [handle] = await executable.run([x]);
      executable.dispose();
      expect(await numbers(handle)).toEqual([2, 4, 6, 8]);
    });
  });

  describe("outputs", () => {
    it("may be inputs, and twice the same", async () => {
      using executable = await compile((a) => [a, mul(a, 2), a, reshape(a, [2, 2])], [x]);
      const input = await engine().upload(x);
      const outputs = await executable.run([input]);
      input.dispose();
      outputs[0].dispose();
      expect(await numbers(outputs[1])).toEqual([2, 4, 6, 8]);
      expect(await numbers(outputs[2])).toEqual([1, 2, 3, 4]);
      expect(await numbers(outputs[3])).toEqual([1, 2, 3, 4]);
      expect(outputs[3].shape).toEqual([2, 2]);
    });

    it("may be constants", async () => {
      using executable = await compile((a) => [mul(reduceSum(a), 0), reshape(a, [4])], [x]);
      const [zero] = await executable.run([x]);
      expect(await numbers(zero)).toEqual([0]);
    });

    it("of one run are left alone by the next", async () => {
      using executable = await compile((a) => [mul(a, 2)], [x]);
      const [first] = await executable.run([x]);
      const [second] = await executable.run([y]);
      expect(await numbers(first)).toEqual([2, 4, 6, 8]);
      expect(await numbers(second)).toEqual([20, 40, 60, 80]);
    });
  });

  describe("donation", () => {
    it("takes the handle away, and only that one", async () => {
      using executable = await compile((a, b) => [add(a, b)], [x, y], [0]);
      const [a, b] = [await engine().upload(x), await engine().upload(y)];
      const [sum] = await executable.run([a, b]);
      expect(await numbers(sum)).toEqual([11, 22, 33, 44]);
      expect([a.disposed, b.disposed]).toEqual([true, false]);
      await expect(a.read()).rejects.toMatchObject(GONE);
      await expect(executable.run([a, b])).rejects.toMatchObject(GONE);
      expect(await numbers(b)).toEqual([10, 20, 30, 40]);
    });

    it("of a host array leaves it as it was", async () => {
      using executable = await compile((a) => [mul(a, 2)], [x], [0]);
      const source = array([1, 2, 3, 4]);
      const [doubled] = await executable.run([source]);
      expect(await numbers(doubled)).toEqual([2, 4, 6, 8]);
      expect(toNumbers(source)).toEqual([1, 2, 3, 4]);
    });

    it("waits for a pending read", async () => {
      using executable = await compile((a) => [mul(a, 2)], [x], [0]);
      const handle = await engine().upload(x);
      const pending = numbers(handle);
      const [doubled] = await executable.run([handle]);
      expect(await pending).toEqual([1, 2, 3, 4]);
      expect(await numbers(doubled)).toEqual([2, 4, 6, 8]);
    });

    it("of an array that is also given as kept", async () => {
      using executable = await compile((a, b) => [mul(a, 10), sub(b, 1)], [x, x], [0]);
      const handle = await engine().upload(x);
      const [tens, less] = await executable.run([handle, handle]);
      expect(await numbers(tens)).toEqual([10, 20, 30, 40]);
      expect(await numbers(less)).toEqual([0, 1, 2, 3]);
      await expect(handle.read()).rejects.toMatchObject(GONE);
    });

    it("of an array given twice", async () => {
      using executable = await compile((a, b) => [mul(a, 10), sub(b, 1)], [x, x], [0, 1]);
      const handle = await engine().upload(x);
      const [tens, less] = await executable.run([handle, handle]);
      expect(await numbers(tens)).toEqual([10, 20, 30, 40]);
      expect(await numbers(less)).toEqual([0, 1, 2, 3]);
    });

    it("of an input that is an output", async () => {
      using executable = await compile((a, b) => [b, a, add(a, b)], [x, y], [0, 1]);
      const handles = [await engine().upload(x), await engine().upload(y)];
      const outputs = await executable.run(handles);
      expect(await Promise.all(outputs.map(numbers))).toEqual([
        [10, 20, 30, 40],
        [1, 2, 3, 4],
        [11, 22, 33, 44],
      ]);
      expect(handles.map(({ disposed }) => disposed)).toEqual([true, true]);
    });

    it("swaps buffers over many runs", async () => {
      using executable = await compile((a, b) => [b, a], [x, y], [0, 1]);
      let state = [await engine().upload(x), await engine().upload(y)];
      for (let step = 0; step < 5; step++) state = await executable.run(state);
      expect(await Promise.all(state.map(numbers))).toEqual([
        [10, 20, 30, 40],
        [1, 2, 3, 4],
      ]);
    });

    it.for([
      ["before", (m: Tensor, late: Tensor) => [mul(m, 10), sub(late, m)]],
      ["after", (m: Tensor, late: Tensor) => [sub(late, m), mul(m, 10)]],
    ] as const)("never lets a later reader see the new value (%s)", async ([, outputs]) => {
      const square = array(
        Array.from({ length: 64 * 64 }, (_, i) => (i % 7) - 3),
        "float32",
        [64, 64],
      );
      // the other reader of m waits for a chain of products
      const fn = (m: Tensor, w: Tensor): readonly Tensor[] => {
        let late = w;
        for (let i = 0; i < 4; i++) [late] = barrier([mul(matmul(late, w), 0)]);
        return outputs(m, late);
      };
      using executable = await compile(fn, [square, square], [0]);
      using kept = await compile(fn, [square, square]);
      const given = await executable.run([await engine().upload(square), square]);
      const expected = await kept.run([square, square]);
      expect(await Promise.all(given.map(numbers))).toEqual(
        await Promise.all(expected.map(numbers)),
      );
    });

    it("spares an array whose other name is read late", async () => {
      const square = array(
        Array.from({ length: 64 * 64 }, (_, i) => (i % 5) - 2),
        "float32",
        [64, 64],
      );
      const fn = (m: Tensor, same: Tensor, w: Tensor): readonly Tensor[] => {
        let late = w;
        for (let i = 0; i < 4; i++) [late] = barrier([mul(matmul(late, w), 0)]);
        return [mul(m, 10), sub(late, same)];
      };
      using executable = await compile(fn, [square, square, square], [0]);
      const handle = await engine().upload(square);
      const [tens, negated] = await executable.run([handle, handle, square]);
      expect(await numbers(tens)).toEqual(toNumbers(square).map((v) => v * 10));
      expect(await numbers(negated)).toEqual(toNumbers(square).map((v) => 0 - v));
    });

    it("carries a training state through many steps", async () => {
      // m' = 0.9 m + g and p' = p − 0.1 m', where g = p
      const step: ListFunction = (p, m) => {
        const next = add(mul(m, 0.5), p);
        return [sub(p, mul(next, 0.25)), next, reduceSum(m)];
      };
      using executable = await compile(step, [x, y], [0, 1]);
      let state = [await engine().upload(x), await engine().upload(y)];
      let [p, m] = [toNumbers(x), toNumbers(y)];
      for (let i = 0; i < 6; i++) {
        const [nextP, nextM, sum] = await executable.run(state);
        expect(await numbers(sum)).toEqual([m.reduce((a, b) => a + b, 0)]);
        state = [nextP, nextM];
        const next = m.map((value, k) => value * 0.5 + p[k]);
        p = p.map((value, k) => value - 0.25 * next[k]);
        m = next;
      }
      expect(await numbers(state[0])).toEqual(p);
      expect(await numbers(state[1])).toEqual(m);
    });
  });
}
