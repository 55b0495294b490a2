import { afterAll, expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { scalar, tensor, toNumbers } from "../graph/index.ts";
import { COUNTS } from "./evaluator.ts";
import { objectiveValues } from "./objective.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());

test("values are means over what the objective counts, or else over examples", async () => {
  const { measure, summarise } = objectiveValues.create({}, { names: {}, task: { name: "any" } });
  const sums: Record<string, number> = {};
  for (const [loss, pixels, right, mask] of [
    [1, 1, 0.5, [1, 1, 1, 1]],
    [4, 3, 1, [1, 0, 0, 0]],
  ] as const) {
    const out = { right: scalar(right), [`${COUNTS}loss`]: scalar(pixels) };
    const batch = { mask: tensor(mask) };
    const { sums: measured = {} } = measure({ output: scalar(loss), out, batch }, "judged");
    for (const [name, sum] of Object.entries(measured)) {
      const [value] = toNumbers(await evaluate(engine, sum));
      sums[name] = (sums[name] ?? 0) + value;
    }
  }
  const stream = {
    sums,
    rows: {},
    indices: [],
    labels: [],
    read: () => Promise.reject(new Error()),
  };
  expect(await summarise({ judged: stream })).toEqual([
    ["right", (4 * 0.5 + 1 * 1) / 5],
    ["loss", (1 * 1 + 4 * 3) / 4],
  ]);
});
