import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { jit } from "../../engines/engine.ts";
import type { DeviceArray } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { readNpz } from "../../formats/npz.ts";
import { fromNumbers } from "../../graph/index.ts";
import type { HostArray, Tensor } from "../../graph/index.ts";
import { classification } from "./classification.ts";
import { JUDGED, type Stream } from "../evaluator.ts";

const losses = { softmax_xent: "softmax", sigmoid_xent: "sigmoid" } as const;

/** A stream of which an evaluator took sums alone. */
const judged = (sums: Record<string, number>): Stream => ({
  ...{ sums, rows: {}, indices: [], labels: [] },
  read: () => Promise.reject(new Error("no examples")),
});

const evaluatorOf = (loss: string) =>
  classification.create({}, { names: {}, task: { name: "classification", loss } });

async function measure(loss: keyof typeof losses, inputs: Record<string, HostArray>) {
  const { logits, labels, mask } = inputs;
  const evaluator = evaluatorOf(losses[loss]);
  const run = jit(createInterpreter(), (output: Tensor, batch: Record<string, Tensor>) => ({
    ...evaluator.measure({ output, out: {}, batch }, JUDGED).sums,
  }));
  const sums = (await run(logits, { label: labels, mask })) as Record<string, DeviceArray>;
  const totals: Record<string, number> = {};
  for (const [name, sum] of Object.entries(sums)) totals[name] = Number((await sum.read()).data[0]);
  return {
    totals,
    values: Object.fromEntries(await evaluator.summarise({ judged: judged(totals) })),
  };
}

const golden = readNpz(
  readFileSync(new URL("../../../tests/golden/evaluators/classification/io.npz", import.meta.url)),
);

test.each([
  ["labels_multihot", "softmax_xent"],
  ["labels_multihot", "sigmoid_xent"],
  ["labels_onehot", "softmax_xent"],
  ["labels_onehot", "sigmoid_xent"],
] as const)("%s with %s equals big_vision", async (labels, loss) => {
  const { totals, values } = await measure(loss, {
    logits: golden["in/logits"],
    labels: golden[`in/${labels}`],
    mask: fromNumbers(Float32Array.from(golden["in/mask"].data as Float32Array), [24], "float32"),
  });
  const expected = (name: string) => Number(golden[`out/${labels}/${loss}/${name}`].data[0]);
  expect(totals.correct).toBe(expected("ncorrect"));
  expect(totals.count).toBe(expected("nseen"));
  expect(values.accuracy).toBeCloseTo(expected("prec@1"), 6);
  expect(Math.abs(values.loss / expected("mean_loss") - 1)).toBeLessThan(1e-6);
});

test("a set without labels is an error", () => {
  const { summarise } = evaluatorOf("softmax");
  expect(() => summarise({ judged: judged({ correct: 0, loss: 0, count: 0 }) })).toThrow(
    "none of the examples has a label",
  );
});
