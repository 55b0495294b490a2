import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, add, full, scalar, tensor, toNumbers } from "../graph/index.ts";
import {
  type Named,
  type OptimizerConfig,
  averageParameters,
  compileRules,
  layerNames,
  makeOptimizer,
  makeSchedule,
  optimizerChoice,
  toSteps,
} from "./index.ts";

// What equals big_vision's numbers is in src/parity; here are the properties and the edges.
const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const length = { totalSteps: 100, batchSize: 10, examples: 95 };
const first = { step: scalar(0, "int32") };

const params: Named = {
  "a/kernel": full([2], 1),
  "a/bias": full([2], 1),
  "head/kernel": full([2], 1),
};
const grads: Named = {
  "a/kernel": full([2], 3),
  "a/bias": full([2], 4),
  "head/kernel": full([2], 12),
};

async function updateOnce(
  config: OptimizerConfig,
  stacked?: readonly string[],
  given = { params, grads },
): Promise<Record<string, number[]>> {
  const optimizer = makeOptimizer(config, length, stacked);
  const state = optimizer.init(given.params);
  const { updates } = optimizer.update(given.grads, state, given.params, first);
  const entries = Object.entries(updates).map(async ([name, x]) => [name, await read(x)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

test.each([
  [{ steps: 7 }, 7],
  [{ examples: 25 }, 2], // ties to even
  [{ examples: 35 }, 4],
  [{ epochs: 2 }, 19],
  [{ percent: 12.5 }, 12],
  [{ percent: 0.1 }, 1], // at least one
  [{ epochs: 0 }, 0],
])("%j is %i steps", (duration, steps) => {
  expect(toSteps(duration, length)).toBe(steps);
});

test("a duration whose measure is not known is an error", () => {
  expect(() => toSteps({ epochs: 1 }, { batchSize: 8 })).toThrow(
    "a duration in epochs needs examples, which is not known here.",
  );
});

test("schedules refuse what cannot be", () => {
  expect(() => makeSchedule({ warmup: { steps: 100 } }, length)).toThrow(
    "a warmup of 100 steps does not end within the training's 100.",
  );
  expect(() => makeSchedule({ decayType: "stair", steps: [3], mults: [] }, length)).toThrow(
    "stair needs ascending steps and as many mults, not [3] and [].",
  );
  expect(() => makeSchedule({ scaleWithBatchsize: true }, { totalSteps: 10 })).toThrow(
    "scaleWithBatchsize needs the batch size",
  );
});

test("the first rule that matches the whole name counts", () => {
  const rule = compileRules([
    [".*/kernel", 1],
    ["a/.*", 2],
    ["a", 3],
  ]);
  expect(["x/kernel", "a/bias", "a/kernel", "a", "b"].map(rule)).toEqual([1, 2, 1, 3, undefined]);
  expect(() => compileRules([["/a", 1]])).toThrow('parameter names do not start with "/"');
  expect(() => compileRules([["(", 1]])).toThrow('"(" is not a regular expression.');
});

test("rules see the layers of a stack", () => {
  expect(layerNames("t/block/w", [2, 5], ["t/block"])).toEqual(["t/block_0/w", "t/block_1/w"]);
  expect(layerNames("t/blocks/w", [2, 5], ["t/block"])).toEqual(["t/blocks/w"]);
});

test("clipping divides by the norm of all gradients together", async () => {
  const updates = await updateOnce({ name: "sgd", lr: 1, gradClipNorm: 1 });
  const norm = Math.sqrt(2 * (9 + 16 + 144));
  expect(updates["head/kernel"][0]).toBeCloseTo(-12 / norm, 6);
  const below = await updateOnce({ name: "sgd", lr: 1, gradClipNorm: 100 });
  expect(below["head/kernel"]).toEqual([-12, -12]);
});

test("a frozen parameter has no update and no state, and does not count in the norm", async () => {
  const config: OptimizerConfig = {
    name: "adam",
    lr: 1,
    wd: 0.5,
    gradClipNorm: 1,
    schedule: [
      ["head/.*", null],
      [".*", {}],
    ],
  };
  const optimizer = makeOptimizer(config, length);
  expect(Object.keys(optimizer.trainable(params))).toEqual(["a/kernel", "a/bias"]);
  const updates = await updateOnce({ ...config, name: "sgd", wd: 0 });
  expect(Object.keys(updates)).toEqual(["a/kernel", "a/bias"]);
  expect(updates["a/kernel"][0]).toBeCloseTo(-3 / Math.sqrt(2 * 25), 6);
});

test("a parameter that no schedule covers is an error", () => {
  const config: OptimizerConfig = { name: "sgd", lr: 1, schedule: [["a/.*", {}]] };
  expect(() => makeOptimizer(config, length).trainable(params)).toThrow(
    "no schedule covers the parameter head/kernel.",
  );
});

test("adamw's weightDecay is multiplied by the rate, wd is not", async () => {
  const zero = {
    params,
    grads: Object.fromEntries(Object.keys(grads).map((k) => [k, full([2], 0)])),
  };
  const usual = await updateOnce({ name: "adamw", lr: 0.1, weightDecay: 0.2 }, [], zero);
  const theirs = await updateOnce({ name: "adam", lr: 0.1, wd: 0.02 }, [], zero);
  expect(usual).toEqual(theirs);
  expect(usual["a/kernel"][0]).toBeCloseTo(-0.02, 8);
  expect(usual["a/bias"].map(Math.abs)).toEqual([0, 0]); // only kernels decay
  const both: OptimizerConfig = { name: "adamw", lr: 0.1, weightDecay: 0.2, wd: 0.1 };
  expect(() => makeOptimizer(both, length)).toThrow("adamw takes either weightDecay or wd");
});

test("rates, decay and freezing by layer reach the layers of a stack", async () => {
  const stack = { "t/block/kernel": full([3, 2], 1) };
  const updates = await updateOnce(
    {
      name: "sgd",
      lr: 1,
      wd: 1,
      lrMults: [["t/block_1/.*", 0.5]],
      wdMults: [["t/block_2/.*", 0.25]],
      schedule: [
        ["t/block_0/.*", null],
        [".*", {}],
      ],
    },
    ["t/block"],
    { params: stack, grads: { "t/block/kernel": full([3, 2], 2) } },
  );
  expect(updates["t/block/kernel"].map((x) => x + 0)).toEqual([0, 0, -1, -1, -2.25, -2.25]);
});

test("the average of parameters moves towards them", async () => {
  const average = averageParameters({ w: tensor([0]) }, { w: tensor([10]) }, 0.9);
  expect((await read(average.w))[0]).toBeCloseTo(1, 6);
});

// min(decay, (1 + step) / (10 + step)), TensorFlow's ExponentialMovingAverage with num_updates
test.each([
  [true, 0, 0.1],
  [undefined, 0, 0.1],
  [true, 7, 8 / 17],
  [true, 8, 0.5],
  [true, 1000, 0.5],
  [false, 0, 0.5],
])("with averageWarmup %s the decay at step %i is %d", async (averageWarmup, at, decay) => {
  const optimizer = makeOptimizer({ name: "sgd", lr: 1, averageDecay: 0.5, averageWarmup }, length);
  const start = optimizer.init(params);
  const step = { step: scalar(at, "int32") };
  const { updates, state } = optimizer.update(grads, start, params, step);
  const [after] = await read(add(params["a/kernel"], updates["a/kernel"]));
  const [mean] = await read(state.average!["a/kernel"]);
  expect(mean).toBeCloseTo(decay + (1 - decay) * after, 6); // the kernel began as 1
});

test("moments are stored in the dtype that is asked for", () => {
  const config: OptimizerConfig = { name: "adam", lr: 1, muDtype: "bfloat16" };
  const optimizer = makeOptimizer(config, length);
  const { state } = optimizer.update(grads, optimizer.init(params), params, first);
  const [{ mu, nu }] = state.rule as unknown as { mu: Named; nu: Named }[];
  expect(mu["a/bias"].dtype).toBe("bfloat16");
  expect(nu["a/bias"].dtype).toBe("float32");
});

test("the learning rate in logs is the first schedule's times lr", async () => {
  const schedule = { decayType: "linear", warmup: { steps: 10 } } as const;
  const { learningRate } = makeOptimizer({ name: "sgd", lr: 0.5, schedule }, length);
  expect((await read(learningRate(tensor([5, 10, 100], "int32")))).map((x) => x + 0)).toEqual([
    0.25, 0.5, 0,
  ]);
});

test("the schema refuses options of another optimiser", () => {
  expect(optimizerChoice().safeParse({ name: "sgd", lr: 1, b1: 0.9 }).success).toBe(false);
  expect(optimizerChoice().safeParse({ name: "adam", lr: 1, b1: 0.9 }).success).toBe(true);
});
