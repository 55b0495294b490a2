import { expect, test } from "vitest";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type HostArray, fromNumbers, toNumbers } from "../graph/index.ts";
import { createFieldModel } from "../models/index.ts";
import { type Objective, captioning, contrastive } from "../objectives/index.ts";
import { type OptimizerConfig, makeOptimizer } from "../optim/index.ts";
import { seededRandom } from "../random.ts";
import { type Tree, toFlat } from "../tree.ts";
import type { DeviceState } from "./programs.ts";
import { makeEvalStep, makeInit, makeTrainStep } from "./step.ts";

const engine = createInterpreter();
const BATCH = 6;
const random = seededRandom("pictures");
const image = fromNumbers(
  Array.from({ length: BATCH * 64 * 3 }, () => 2 * random.uniform() - 1),
  [BATCH, 8, 8, 3],
  "float32",
);
const text = fromNumbers(
  [2, 3, 1, 0, 3, 2, 1, 0, 4, 5, 6, 1, 5, 1, 0, 0, 6, 6, 1, 0, 7, 4, 1, 0],
  [BATCH, 4],
  "int32",
);
const tower = { width: 16, depth: 1, numHeads: 2, mlpDim: 24 };
const towers = {
  image: { ...tower, patchSize: [4, 4], poolType: "map" },
  text: { ...tower, vocabSize: 8 },
  ...{ outDim: [null, 16], temperatureInit: 10, biasInit: -2 },
};

/** Metrics before and after some steps, and the parameters. */
async function train(
  objective: Objective,
  batch: Readonly<Record<string, HostArray>>,
  { steps, ...config }: Partial<OptimizerConfig> & { readonly steps: number },
) {
  const optimizer = makeOptimizer(
    { name: "adam", lr: 1e-2, ...config } as OptimizerConfig,
    { totalSteps: steps },
    objective.stacked(batch),
  );
  const step = jit(engine, makeTrainStep(objective, optimizer));
  const measure = jit(engine, makeEvalStep(objective));
  const key = fromNumbers([0, 7], [2], "uint32");
  let state = (await jit(engine, makeInit(objective, optimizer, batch))(key)) as DeviceState;
  const read = async (tree: Tree<DeviceArray>) => {
    const flat = Object.entries(toFlat<DeviceArray>(tree));
    const values = flat.map(async ([name, x]) => [name, toNumbers(await x.read())] as const);
    return Object.fromEntries(await Promise.all(values));
  };
  const before = {
    metrics: await read(await measure(state, batch)),
    params: await read(state.params),
  };
  for (let i = 0; i < steps; i++) {
    const stepped = (await step(state, batch)) as { readonly state: DeviceState };
    state = stepped.state;
  }
  return {
    before,
    after: { metrics: await read(await measure(state, batch)), params: await read(state.params) },
  };
}

test.each([
  ["sigmoid", undefined],
  ["sigmoid", 2],
  ["softmax", undefined],
] as const)("pairs are learned by the %s loss, in chunks of %s", async (loss, chunk) => {
  const objective = contrastive(createFieldModel("two-towers", towers), { loss, chunk });
  const { before, after } = await train(objective, { image, text }, { steps: 30 });
  expect(after.metrics.loss[0]).toBeLessThan(before.metrics.loss[0] / 4);
  expect(after.metrics.accuracy).toEqual([1]);
});

test("a tower that a rule freezes stays as it is while the other learns to read it", async () => {
  const objective = contrastive(createFieldModel("two-towers", towers));
  const schedule = [
    ["img/.*", null],
    [".*", {}],
  ];
  const { before, after } = await train(objective, { image, text }, {
    steps: 30,
    schedule,
  } as never);
  const changed = Object.keys(before.params).filter(
    (name) => String(before.params[name]) !== String(after.params[name]),
  );
  expect(changed.some((name) => name.startsWith("img/"))).toBe(false);
  expect(changed.some((name) => name.startsWith("txt/"))).toBe(true);
  expect(after.metrics.accuracy).toEqual([1]);
});

test("the temperature grows up to its bound", async () => {
  const model = createFieldModel("two-towers", { ...towers, temperatureInit: 10 });
  const bounded = contrastive(model, { loss: "softmax", maxTemperature: 10.1 });
  const { after } = await train(bounded, { image, text }, { steps: 30 });
  expect(after.metrics.temperature[0]).toBeCloseTo(10.1, 4);
  const { after: free } = await train(
    contrastive(model, { loss: "softmax" }),
    { image, text },
    {
      steps: 30,
    },
  );
  expect(free.metrics.temperature[0]).toBeGreaterThan(10.2);
});

test("examples that are padding teach nothing", async () => {
  const objective = contrastive(createFieldModel("two-towers", towers));
  const few = { image: slice(image, 4), text: slice(text, 4) };
  const mask = fromNumbers([1, 1, 1, 1, 0, 0], [BATCH], "float32");
  const [a, b] = [
    await train(objective, { image, text, mask }, { steps: 3 }),
    await train(objective, few, { steps: 3 }),
  ];
  for (const name of ["loss", "accuracy"]) {
    expect(Math.abs(a.after.metrics[name][0] - b.after.metrics[name][0])).toBeLessThan(1e-4);
  }
});

function slice(array: HostArray, rows: number): HostArray {
  const [, ...rest] = array.shape;
  const size = rest.reduce((product, extent) => product * extent, rows);
  return fromNumbers(toNumbers(array).slice(0, size), [rows, ...rest], array.dtype);
}

test.each([0, 0.75])("captions are learned, %d of them at once", async (maskedPredProb) => {
  const model = createFieldModel("cappa", {
    encoder: { ...tower, patchSize: [4, 4] },
    ...{ vocabSize: 8, seqLen: 4, maskedPredProb },
  });
  const { before, after } = await train(captioning(model), { image, text }, { steps: 60 });
  expect(Math.abs(before.metrics.perplexity[0] - 8)).toBeLessThan(1e-4); // logits begin at zero
  expect(after.metrics.perplexity[0]).toBeLessThan(1.5);
  expect(after.metrics.accuracy[0]).toBeGreaterThan(0.9);
});

test("objectives refuse models that are of something else", async () => {
  const one = createFieldModel("text-transformer", { ...tower, vocabSize: 8 });
  await expect(train(contrastive(one), { text }, { steps: 1 })).rejects.toThrow(
    "contrastive needs a model of images and texts. Take the model two-towers.",
  );
  await expect(train(captioning(one), { text }, { steps: 1 })).rejects.toThrow(
    "captioning needs a model that scores tokens. Take the model cappa.",
  );
});
