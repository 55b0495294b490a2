/** @file The contract of engines: every row's values and gradients against JAX, and vmap against a loop. */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engines/engine.ts";
import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import {
  type HostArray,
  type Program,
  type Tensor,
  add,
  cond,
  debugPrint,
  debugSink,
  fromNumbers,
  sin,
  toNumbers,
  trace,
} from "../../src/graph/index.ts";
import { anyShape } from "./any-shape.ts";
import { batchings, mapped, stacked } from "./batches.ts";
import { families } from "./cases/index.ts";
import { type Measure, difference } from "./compare.ts";
import { cotangentsFor, hasGradient, pullbackOf } from "./derive.ts";
import { type Fixture, fixturesOf } from "./fixtures.ts";
import { cotangentsOf, pullbackAt } from "./finite-differences.ts";
import { handleContract } from "./handles.ts";
import { randomContract } from "./random-streams.ts";
import { run } from "./run.ts";
import { type Case, type Instance, array, instancesOf, outputsOf } from "./table.ts";

/** An engine that is held to the contract. */
export interface Contender {
  readonly name: string;
  create(): Promise<Engine>;
  /** Throws where a program needs what the engine's own list says that it cannot do. */
  checkSupported(program: Program): void;
}

type ListFunction = (...args: Tensor[]) => readonly Tensor[];

/** The results of a row whose values are known: its gradients are the interpreter's. */
async function knownResults(
  row: Case,
  inputs: readonly HostArray[],
  cotangents: readonly HostArray[],
): Promise<Fixture> {
  const grads = await run(createInterpreter(), pullbackOf(row), [...inputs, ...cotangents]);
  return { outputs: row.expected!, grads: grads.map(toNumbers) };
}

/** What an engine may refuse, but not get wrong. */
const RARITIES: Readonly<Record<string, { fn: ListFunction; inputs: readonly HostArray[] }>> = {
  float64: { fn: (x) => [add(x, 1)], inputs: [fromNumbers([0.1, 0.2], [2], "float64")] },
  "debugPrint in cond": {
    fn: (p, x) =>
      cond(
        p,
        (y) => [debugPrint("y", sin(y))],
        (y) => [y],
        x,
      ),
    inputs: [fromNumbers([1], [], "bool"), array([1, 2])],
  },
};

const ULPS = 4;
const BATCH = 3;

/** Runs every row of the contract over an engine. */
export function contract(contender: Contender): void {
  let engine: Engine;
  beforeAll(async () => {
    debugSink.write = () => undefined;
    engine = await contender.create();
  });
  afterAll(() => engine.dispose());

  randomContract(() => engine);
  handleContract(() => engine);

  const supports = (program: Program): boolean => {
    try {
      contender.checkSupported(program);
      return true;
    } catch {
      return false;
    }
  };

  /** Compares a function's outputs; where the engine lists something as lacking, expects it to say so. */
  async function check(
    { scale, ulps = ULPS }: Pick<Measure, "scale"> & Pick<Case, "ulps">,
    what: string,
    fn: ListFunction,
    inputs: readonly HostArray[],
    expected: readonly (HostArray | readonly number[])[],
  ): Promise<void> {
    if (!supports(trace(fn, ...inputs).program)) {
      await expect(run(engine, fn, inputs)).rejects.toMatchObject({ code: "unsupported" });
      return;
    }
    const actual = await run(engine, fn, inputs);
    expect(actual.length).toBe(expected.length);
    const problems = actual.flatMap(
      (array, i) => difference(`${what} ${i}`, array, expected[i], ulps, scale) ?? [],
    );
    expect(problems.join("\n")).toBe("");
  }

  describe("rarities", () => {
    it.for(Object.entries(RARITIES))("%s: done or refused", async ([, { fn, inputs }]) => {
      const expected = await run(createInterpreter(), fn, inputs);
      await check({}, "output", fn, inputs, expected);
    });

    it("int64 is refused", async () => {
      const whole = fromNumbers([1], [1], "int64");
      await expect(run(engine, (x) => [x], [whole])).rejects.toMatchObject({ code: "unsupported" });
    });
  });

  describe("arbitrary shapes", () => {
    it.for(Object.entries(anyShape))("%s", async ([, samples]) => {
      await fc.assert(
        fc.asyncProperty(samples, async ({ fn, inputs }) => {
          const forward: ListFunction = (...xs) => [fn(...xs)];
          const backward = pullbackAt(forward, inputs.length);
          const seeds = cotangentsOf(forward, inputs);
          for (const [step, given] of [
            [forward, inputs],
            [backward, [...inputs, ...seeds]],
          ] as const) {
            const expected = await run(createInterpreter(), step, given);
            await check({ scale: "unit", ulps: 8 }, "output", step, given, expected);
          }
        }),
        { numRuns: 40, seed: 1 },
      );
    });
  });

  for (const [family, rows] of Object.entries(families)) {
    const fixtures = fixturesOf(family);
    describe(family, () => {
      for (const instance of rows.flatMap(instancesOf)) {
        it(instance.id, async () => {
          const inputs = instance.example(0);
          const cotangents = hasGradient(instance) ? cotangentsFor(instance, inputs) : [];
          const fixture = instance.expected
            ? await knownResults(instance, inputs, cotangents)
            : fixtures(instance.id, [...inputs, ...cotangents]);
          await checkRow(instance, inputs, cotangents, fixture);
        });
      }
    });
  }

  async function checkRow(
    instance: Instance,
    inputs: readonly HostArray[],
    cotangents: readonly HostArray[],
    fixture: Fixture,
  ): Promise<void> {
    const forward: ListFunction = (...xs) => outputsOf(instance, xs);
    await check(instance, "output", forward, inputs, fixture.outputs);
    const backward = pullbackOf(instance);
    if (cotangents.length > 0) {
      await check(instance, "gradient", backward, [...inputs, ...cotangents], fixture.grads);
    }
    await checkVmap(instance, forward, (row) => instance.example(row));
  }

  /** vmap over a batch, of all arguments and of each alone, against the interpreter's loop. */
  async function checkVmap(
    instance: Instance,
    fn: ListFunction,
    example: (row: number) => readonly HostArray[],
  ): Promise<void> {
    const rows = Array.from({ length: BATCH }, (_, i) => example(i));
    if (rows[0].length === 0) return;
    for (const batched of batchings(rows[0].length)) {
      const loop = await Promise.all(
        rows.map((row) =>
          run(
            createInterpreter(),
            fn,
            row.map((x, i) => (batched[i] ? x : rows[0][i])),
          ),
        ),
      );
      const inputs = rows[0].map((x, i) => (batched[i] ? stacked(rows.map((row) => row[i])) : x));
      const expected = loop[0].map((_, k) => stacked(loop.map((outputs) => outputs[k])));
      const which = batched.flatMap((has, i) => (has ? [i] : [])).join();
      await check(instance, `vmap over ${which}, output`, mapped(fn, batched), inputs, expected);
    }
  }
}
