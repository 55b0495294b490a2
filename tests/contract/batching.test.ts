import { beforeAll, describe, expect, it } from "vitest";
import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import { type HostArray, type Tensor, debugSink } from "../../src/graph/index.ts";
import { mapped, stacked } from "./batches.ts";
import { families } from "./cases/index.ts";
import { difference } from "./compare.ts";
import { cotangentsFor, hasGradient, pullbackOf } from "./derive.ts";
import { pullbackAt } from "./finite-differences.ts";
import { run } from "./run.ts";
import { type Instance, instancesOf, outputsOf } from "./table.ts";

type ListFunction = (...args: Tensor[]) => readonly Tensor[];
const engine = createInterpreter();
const OUTER = 2;
const INNER = 3;

beforeAll(() => {
  debugSink.write = () => undefined;
});

/** Checks a batched function against the loop over examples. */
async function expectLoop(
  { scale, ulps = 4 }: Instance,
  fn: ListFunction,
  batched: ListFunction,
  examples: readonly (readonly HostArray[])[],
  lead: readonly number[],
): Promise<void> {
  const loop = await Promise.all(examples.map((example) => run(engine, fn, example)));
  const inputs = examples[0].map((_, i) =>
    stacked(
      examples.map((example) => example[i]),
      lead,
    ),
  );
  const actual = await run(engine, batched, inputs);
  const problems = actual.flatMap((array, k) => {
    const expected = stacked(
      loop.map((outputs) => outputs[k]),
      lead,
    );
    return difference(`output ${k}`, array, expected, ulps, scale) ?? [];
  });
  expect(problems.join("\n")).toBe("");
}

const everything = (fn: ListFunction, n: number): ListFunction =>
  mapped(fn, new Array<boolean>(n).fill(true));

describe.for(Object.entries(families))("vmap of %s", ([, rows]) => {
  for (const row of rows.filter(({ inputs, large }) => inputs.length > 0 && !large)) {
    const [instance] = instancesOf(row);
    const n = row.inputs.length;
    const forward: ListFunction = (...xs) => outputsOf(row, xs);

    it(`nested: ${row.name}`, async () => {
      const examples = Array.from({ length: OUTER * INNER }, (_, i) => instance.example(i));
      const twice = everything(everything(forward, n), n);
      await expectLoop(instance, forward, twice, examples, [OUTER, INNER]);
    });

    if (!hasGradient(instance)) continue;
    it(`of the gradient, and the gradient of vmap: ${row.name}`, async () => {
      const examples = Array.from({ length: INNER }, (_, i) => {
        const inputs = instance.example(i);
        return [...inputs, ...cotangentsFor(row, inputs, i)];
      });
      const backward = pullbackOf(row);
      const ofGradient = everything(backward, examples[0].length);
      await expectLoop(instance, backward, ofGradient, examples, [INNER]);
      const ofVmap = pullbackAt(everything(forward, n), n);
      await expectLoop(instance, backward, ofVmap, examples, [INNER]);
    });
  }
});
