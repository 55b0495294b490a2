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
  exp,
  fromNumbers,
  trace,
} from "../../src/graph/index.ts";
import { anyShape } from "./any-shape.ts";
import { batchings, mapped, stacked } from "./batches.ts";
import { families } from "./cases/index.ts";
import { type Measure, difference } from "./compare.ts";
import { cotangentsFor, hasGradient, pullbackOf } from "./derive.ts";
import { fixturesOf } from "./fixtures.ts";
import { cotangentsOf, pullbackAt } from "./finite-differences.ts";
import { handleContract } from "./handles.ts";
import { isElementwise, repeated } from "./long.ts";
import { randomContract } from "./random-streams.ts";
import { refusalOf, run } from "./run.ts";
import { type Case, type Instance, array, instancesOf, outputsOf } from "./table.ts";

/** What an engine promises of its numbers where that is less than the others do. */
export interface Accuracy {
  /** How results of a program are measured, from how they are elsewhere. */
  measureOf(program: Program, measure: Allowed): Allowed;
  /** What is expected of a result of some inputs: the result's own number wherever nothing is promised. */
  promisedOf(
    result: HostArray,
    expected: HostArray | readonly number[],
    inputs: readonly HostArray[],
  ): readonly number[];
}

/** How far a result may be off. */
type Allowed = Pick<Measure, "scale"> & { readonly ulps: number };

/** An engine that is held to the contract. */
export interface Contender {
  readonly name: string;
  create(): Promise<Engine>;
  /** Throws where a program needs what the engine's own list says that it cannot do. */
  checkSupported(program: Program): void;
  /** What it promises less than the other engines. Default: nothing. */
  readonly accuracy?: Accuracy;
}

/** The rows that an engine refused, by the reason that it gives. */
export type Refusals = Readonly<Record<string, readonly string[]>>;

type ListFunction = (...args: Tensor[]) => readonly Tensor[];

/** One thing to compute, and what it must be. */
interface Part {
  readonly what: string;
  readonly fn: ListFunction;
  readonly inputs: readonly HostArray[];
  readonly expected: readonly (HostArray | readonly number[])[];
}

/** Several parts as one program, since every compilation costs. */
function together(parts: readonly Part[]): Pick<Part, "fn" | "inputs"> {
  const inputs = parts.flatMap((part) => part.inputs);
  const fn: ListFunction = (...args) => {
    const rest = [...args];
    return parts.flatMap((part) => part.fn(...rest.splice(0, part.inputs.length)));
  };
  return { fn, inputs };
}

/** Takes down that an engine refused a row. */
export type NoteRefusal = (row: string, refusal: Error) => void;

/** What an engine may refuse, but not get wrong. */
const RARITIES: readonly Part[] = [
  {
    what: "float64",
    fn: (x) => [add(x, 1)],
    inputs: [fromNumbers([0.1, 0.2], [2], "float64")],
    expected: [fromNumbers([1.1, 1.2], [2], "float64")],
  },
  {
    what: "int64",
    fn: (x) => [x],
    inputs: [fromNumbers([7], [1], "int64")],
    expected: [[7]],
  },
  {
    what: "debugPrint in cond",
    fn: (p, x) =>
      cond(
        p,
        (y) => [debugPrint("y", exp(y))],
        (y) => [y],
        x,
      ),
    inputs: [array([1], "bool", []), array([0, -Infinity])],
    expected: [[1, 0]],
  },
];

const ULPS = 4;
const BATCH = 3;

/** Runs every row of the contract over an engine. What it refuses is in the result once the rows have run. */
export function contract(contender: Contender): Refusals {
  let engine: Engine;
  const refusals: Record<string, string[]> = {};
  const refused: NoteRefusal = (row, { message }) => {
    (refusals[message] ??= []).push(row);
  };
  beforeAll(async () => {
    debugSink.write = () => undefined;
    engine = await contender.create();
  });
  afterAll(() => engine.dispose());

  randomContract(() => engine, contender, refused);
  handleContract(() => engine);

  /** Computes parts and compares them; where the engine lists something as lacking, expects it to say so. */
  async function check(
    row: string,
    parts: readonly Part[],
    { scale, ulps = ULPS }: Pick<Measure, "scale"> & Pick<Case, "ulps">,
  ): Promise<void> {
    const { fn, inputs } = together(parts);
    const { program } = trace(fn, ...inputs);
    const refusal = refusalOf(contender.checkSupported, program);
    if (refusal) {
      await expect(run(engine, fn, inputs)).rejects.toMatchObject({ code: "unsupported" });
      refused(row, refusal);
      return;
    }
    const actual = await run(engine, fn, inputs);
    expect(actual.length).toBe(parts.flatMap(({ expected }) => expected).length);
    const measure = contender.accuracy?.measureOf(program, { ulps, scale }) ?? { ulps, scale };
    const problems = parts.flatMap(({ what, expected, inputs: given }) =>
      expected.flatMap((e, i) => {
        const result = actual.shift()!;
        const promised = contender.accuracy?.promisedOf(result, e, given) ?? e;
        return difference(`${what} ${i}`, result, promised, measure.ulps, measure.scale) ?? [];
      }),
    );
    expect(problems.join("\n")).toBe("");
  }

  it.for(RARITIES)("$what is done or refused", async (part) => {
    await check(part.what, [part], {});
  });

  describe("arbitrary shapes", () => {
    it.for(Object.entries(anyShape))("%s", async ([name, samples]) => {
      await fc.assert(
        fc.asyncProperty(samples, async ({ fn, inputs }) => {
          const forward: ListFunction = (...xs) => [fn(...xs)];
          const backward = pullbackAt(forward, inputs.length);
          const seeds = cotangentsOf(forward, inputs);
          const parts = [
            { what: "output", fn: forward, inputs },
            { what: "gradient", fn: backward, inputs: [...inputs, ...seeds] },
          ].map(async (part) => ({
            ...part,
            expected: await run(reference, part.fn, part.inputs),
          }));
          await check(name, await Promise.all(parts), { scale: "unit", ulps: 8 });
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
          await check(instance.id, await partsOf(instance, fixtures), instance);
        });
      }
    });
  }
  return refusals;
}

const reference = createInterpreter();

/** A row's values and gradients, and vmap over a batch of all its inputs and of each alone. */
async function partsOf(
  row: Instance,
  fixtures: ReturnType<typeof fixturesOf>,
): Promise<readonly Part[]> {
  const inputs = row.example(0);
  const cotangents = hasGradient(row) ? cotangentsFor(row, inputs) : [];
  const forward: ListFunction = (...xs) => outputsOf(row, xs);
  const backward = pullbackOf(row);
  const given = [...inputs, ...cotangents];
  const { outputs, grads } = row.expected
    ? { outputs: row.expected, grads: await run(reference, backward, given) }
    : fixtures(row.id, given);
  const parts: Part[] = [{ what: "output", fn: forward, inputs, expected: outputs }];
  if (cotangents.length > 0) {
    parts.push({ what: "gradient", fn: backward, inputs: given, expected: grads });
  }
  const long = parts.filter(({ fn, inputs: short }) => isElementwise(fn, short)).map(longPart);
  const ways = inputs.length > 0 ? batchings(inputs.length) : [];
  return [
    ...parts,
    ...(await Promise.all(long)),
    ...(await Promise.all(ways.map((batched) => vmapPart(row, forward, batched)))),
  ];
}

/** A part of an elementwise row over long vectors, against the interpreter. */
async function longPart({ what, fn, inputs }: Part): Promise<Part> {
  const expected = await run(reference, fn, inputs);
  return {
    what: `${what} of long vectors`,
    fn,
    inputs: inputs.map(repeated),
    expected: expected.map(repeated),
  };
}

/** vmap over some inputs, against the interpreter's loop. */
async function vmapPart(
  row: Instance,
  fn: ListFunction,
  batched: readonly boolean[],
): Promise<Part> {
  const examples = Array.from({ length: BATCH }, (_, i) =>
    row.example(i).map((x, k) => (batched[k] ? x : row.example(0)[k])),
  );
  const loop = await Promise.all(examples.map((example) => run(reference, fn, example)));
  return {
    what: `vmap over ${batched.flatMap((has, i) => (has ? [i] : [])).join()}, output`,
    fn: mapped(fn, batched),
    inputs: examples[0].map((x, k) => (batched[k] ? stacked(examples.map((e) => e[k])) : x)),
    expected: loop[0].map((_, k) => stacked(loop.map((outputs) => outputs[k]))),
  };
}
