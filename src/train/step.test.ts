import { expect, test } from "vitest";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import {
  type HostArray,
  type Tensor,
  add,
  div,
  fromNumbers,
  mean,
  mul,
  reduceSum,
  scalar,
  square,
  tensor,
  toNumbers,
} from "../graph/index.ts";
import { createModel } from "../models/index.ts";
import { type ClassificationOptions, type Objective, classification } from "../objectives/index.ts";
import { type OptimizerConfig, makeOptimizer } from "../optim/index.ts";
import { type Tree, toFlat } from "../tree.ts";
import { type DeviceState, servedArrays } from "./programs.ts";
import { makeEvalStep, makeInit, makeTrainStep } from "./step.ts";

type Device = Tree<DeviceArray>;
const engine = createInterpreter();
const BATCH = 8;
const key = fromNumbers([0, 42], [2], "uint32");
const pixels = Array.from({ length: BATCH * 16 * 16 }, (_, i) => (i * 7919 + (i >> 7)) % 256);
const batch = {
  image: fromNumbers(
    pixels.map((pixel) => pixel / 127.5 - 1),
    [BATCH, 16, 16, 1],
    "float32",
  ),
  label: fromNumbers([0, 1, 2, 0, 1, 2, 0, 1], [BATCH], "int32"),
};

interface Setup {
  readonly model?: Record<string, unknown>;
  readonly objective?: ClassificationOptions;
  readonly optimizer?: Partial<OptimizerConfig>;
  readonly accumulate?: number;
}

async function start({ model, objective: options, optimizer: config, accumulate }: Setup = {}) {
  const { name = "vit", ...shape } = model ?? {};
  const sized = name === "vit" ? { variant: "mu/8", ...shape } : shape;
  const net = createModel(String(name), { numClasses: 3, ...sized });
  const objective = classification(net, options);
  const optimizer = makeOptimizer(
    { name: "adam", lr: 3e-3, gradClipNorm: 1, ...config } as OptimizerConfig,
    { totalSteps: 20 },
    objective.stacked(batch),
  );
  const init = jit(engine, makeInit(objective, optimizer, batch));
  const step = jit(engine, makeTrainStep(objective, optimizer, { accumulate }));
  const measure = jit(engine, makeEvalStep(objective));
  return { state: await init(key), step, measure };
}

const numbers = async (tree: Device): Promise<Record<string, number[]>> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(toFlat<DeviceArray>(tree)).map(
        async ([name, array]) => [name, toNumbers(await array.read())] as const,
      ),
    ),
  );

type Stepped = { readonly state: Device; readonly metrics: Device };

async function run(
  step: (...args: Tree<DeviceArray | HostArray>[]) => Promise<Device>,
  state: Device,
  given: Record<string, HostArray> = batch,
): Promise<{ state: Device; metrics: Record<string, number> }> {
  const result = (await step(state, given)) as Stepped;
  const metrics = await numbers(result.metrics);
  return {
    state: result.state,
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, [value]]) => [name, value])),
  };
}

test("steps lower the loss; the state counts them", async () => {
  const { state, step, measure } = await start();
  let current = state;
  const losses: number[] = [];
  for (let i = 0; i < 6; i++) {
    const result = await run(step, current);
    losses.push(result.metrics.loss);
    current = result.state;
  }
  expect(losses[0]).toBeCloseTo(Math.log(3), 6);
  expect(losses[5]).toBeLessThan(losses[0] - 0.05);
  expect((await numbers(current)).step).toEqual([6]);
  const { optimizer: _, ...rest } = current as Record<string, Device>;
  const metrics = await numbers(await measure(rest, batch));
  expect(metrics.loss[0]).toBeLessThan(losses[5]);
  expect(Object.keys(metrics).sort()).toEqual(["accuracy", "loss"]);
});

test("a step whose loss is not finite keeps the whole state", async () => {
  const { state, step } = await start({ optimizer: { averageDecay: 0.9 } });
  const before = await numbers(state);
  const image = fromNumbers(
    pixels.map(() => NaN),
    [BATCH, 16, 16, 1],
    "float32",
  );
  const result = await run(step, state, { ...batch, image });
  expect(result.metrics.skipped).toBe(1);
  expect(result.metrics.loss).toBeNaN();
  expect(await numbers(result.state)).toEqual(before);
  const good = await run(step, result.state);
  expect(good.metrics.skipped).toBe(0);
});

test("gradients of parts add up to those of the batch", async () => {
  const whole = await start();
  const parts = await start({ accumulate: 4 });
  const a = await run(whole.step, whole.state);
  const b = await run(parts.step, parts.state);
  expect(b.metrics.loss).toBeCloseTo(a.metrics.loss, 6);
  expect(b.metrics.gradNorm).toBeCloseTo(a.metrics.gradNorm, 5);
  expect(b.metrics.accuracy).toBeCloseTo(a.metrics.accuracy, 6);
  const odd = await start({ accumulate: 3 });
  await expect(run(odd.step, odd.state)).rejects.toThrow(
    "a batch of 8 does not divide into 3 parts",
  );
});

test("frozen parameters stay, the others move", async () => {
  const { state, step } = await start({
    optimizer: {
      schedule: [
        ["head/.*", {}],
        [".*", null],
      ],
    },
  });
  const before = await numbers(state);
  const after = await numbers((await run(step, state)).state);
  const moved = Object.keys(before).filter(
    (name) => name.startsWith("params/") && String(before[name]) !== String(after[name]),
  );
  expect(moved).toEqual(["params/head/bias", "params/head/kernel"]);
  const held = Object.keys(before).filter((name) => name.startsWith("optimizer/"));
  expect(held.every((name) => name.includes("head/"))).toBe(true);
});

/** A model with running statistics, small enough for the interpreter. */
const NORMED = { name: "resnet", depth: [1, 1, 1, 1], width: 0.0625 };

test("statistics are averaged as the parameters are, and served with them", async () => {
  const { state, step } = await start({ model: NORMED, optimizer: { averageDecay: 0.9 } });
  const before = await numbers(state);
  const first = await run(step, state);
  const after = await numbers(first.state);
  const statistics = Object.keys(before).filter((name) => name.startsWith("variables/"));
  expect(statistics.length).toBeGreaterThan(0);
  for (const name of statistics) {
    const mean = after[name.replace("variables/", "averageVariables/")];
    mean.forEach((value, i) => {
      expect(value).toBeCloseTo(0.1 * before[name][i] + 0.9 * after[name][i], 5); // (1 + 0) / (10 + 0)
    });
  }
  const served = await numbers(servedArrays(first.state as DeviceState, {}) as Device);
  for (const name of statistics) {
    expect(served[name]).toEqual(after[name.replace("variables/", "averageVariables/")]);
  }
  expect(served["params/head/kernel"]).toEqual(after["optimizer/average/head/kernel"]);
});

test("frozen layers keep their statistics and normalise by them, the others' move", async () => {
  const frozen = await start({
    model: NORMED,
    optimizer: {
      schedule: [
        ["head/.*|stage4/.*", {}],
        [".*", null],
      ],
    },
  });
  const before = await numbers(frozen.state);
  const first = await run(frozen.step, frozen.state);
  const after = await numbers(first.state);
  const moved = Object.keys(before).filter(
    (name) => name.startsWith("variables/") && String(before[name]) !== String(after[name]),
  );
  const statistics = Object.keys(before).filter((name) => name.startsWith("variables/"));
  expect(moved).toEqual(statistics.filter((name) => name.startsWith("variables/stage4/")));
  expect(moved.length).toBeGreaterThan(0);

  const onlyHead = await start({
    model: NORMED,
    optimizer: {
      schedule: [
        ["head/.*", {}],
        [".*", null],
      ],
    },
  });
  const { optimizer: _, ...rest } = onlyHead.state as Record<string, Device>;
  const evaluated = await numbers(await onlyHead.measure(rest, batch));
  const trained = await run(onlyHead.step, onlyHead.state);
  expect(trained.metrics.loss).toBe(evaluated.loss[0]); // a frozen body computes in training as in evaluation
});

test("a scanned model trains as its unrolled twin, dropout included", async () => {
  const model = { depth: 2, dropout: 0.2 };
  const plain = await start({ model });
  const scanned = await start({ model: { ...model, scan: true } });
  let [a, b] = [await run(plain.step, plain.state), await run(scanned.step, scanned.state)];
  for (let i = 0; i < 2; i++) {
    [a, b] = [await run(plain.step, a.state), await run(scanned.step, b.state)];
  }
  expect(b.metrics.loss).toBeCloseTo(a.metrics.loss, 6);
  expect(b.metrics.gradNorm).toBeCloseTo(a.metrics.gradNorm, 5);
});

test("masked examples do not count, in the loss and in the accuracy", async () => {
  const { state, step } = await start();
  const { state: trained } = await run(step, state);
  const half = (mask: number[]) => ({ ...batch, mask: fromNumbers(mask, [BATCH], "float32") });
  const label = fromNumbers([0, 1, 2, 0, 9, 9, 9, 9], [BATCH], "int32");
  const kept = await run(step, trained, half([1, 1, 1, 1, 0, 0, 0, 0]));
  const other = await run(step, trained, { ...half([1, 1, 1, 1, 0, 0, 0, 0]), label });
  expect(other.metrics).toEqual(kept.metrics);
});

test("mixup mixes images and labels, and leaves the accuracy out", async () => {
  const { state, step } = await start({ objective: { mixup: { p: 1 }, loss: "sigmoid" } });
  const { metrics } = await run(step, state);
  expect(Object.keys(metrics).sort()).toEqual(["gradNorm", "learningRate", "loss", "skipped"]);
  expect(metrics.loss).toBeCloseTo(3 * Math.log(2), 5);
});

test.each([{ cutmix: { p: 1 } }, { cutmix: { p: 1 }, mixup: { p: 1 } }])(
  "%j mixes images and labels, and leaves the accuracy out",
  async (objective) => {
    const { state, step } = await start({ objective: { ...objective, loss: "sigmoid" } });
    const first = await run(step, state);
    expect(Object.keys(first.metrics)).not.toContain("accuracy");
    expect(first.metrics.loss).toBeCloseTo(3 * Math.log(2), 5); // the head begins at zero
    const { metrics } = await run(step, first.state);
    expect(metrics.skipped).toBe(0);
  },
);

test("a step that follows another number of updates is held back", async () => {
  const { state, step } = await start();
  const before = await numbers(state);
  const updates = (count: number) => fromNumbers([count], [], "int32");
  const given = async (from: Device, count: number) => {
    const result = (await step(from, batch, updates(count))) as Stepped;
    return { state: result.state, metrics: await numbers(result.metrics) };
  };
  const held = await given(state, 1);
  expect(held.metrics.skipped).toEqual([1]);
  expect(await numbers(held.state)).toEqual(before);
  const gone = await given(held.state, 0);
  expect(gone.metrics.skipped).toEqual([0]);
  expect((await numbers(gone.state)).step).toEqual([1]);
  expect((await given(gone.state, -1)).metrics.skipped).toEqual([0]);
});

test("labels of several hot classes are taken", async () => {
  const { state, step } = await start({ objective: { loss: "sigmoid" } });
  const label = fromNumbers(
    Array.from({ length: BATCH * 3 }, (_, i) => i % 2),
    [BATCH, 3],
    "float32",
  );
  const { metrics } = await run(step, state, { ...batch, label });
  expect(metrics.accuracy).toBeCloseTo(0.5, 6);
});

test("labels of another shape are an error", async () => {
  const { state, step } = await start();
  const label = fromNumbers(
    Array.from({ length: BATCH * 2 }, () => 0),
    [BATCH, 2],
    "float32",
  );
  await expect(run(step, state, { ...batch, label })).rejects.toThrow(
    "label is float32[8,2] where int32[batch] or float32[batch,3] is taken.",
  );
});

test("a model with scanned layers trains as the same one without, by Adafactor too", async () => {
  // more layers than the smallest axis that is factored, so that the axis of the layers would be
  const size = { width: 8, depth: 5, mlpDim: 8, numHeads: 2 };
  const trained = async (scan: boolean): Promise<Record<string, number[]>> => {
    const { state, step } = await start({
      model: { ...size, scan },
      optimizer: { name: "adafactor", lr: 0.01, minDimSizeToFactor: 4 },
    });
    let current = state;
    for (let i = 0; i < 3; i++) current = (await run(step, current)).state;
    return numbers((current as { params: Device }).params);
  };
  const [scanned, separate] = [await trained(true), await trained(false)];
  const blocks = Object.keys(scanned).filter((name) => name.includes("/encoderblock/"));
  expect(blocks.length).toBeGreaterThan(10);
  for (const name of blocks) {
    const layers = Array.from({ length: size.depth }, (_, i) => {
      return separate[name.replace("encoderblock", `encoderblock_${i}`)];
    });
    scanned[name].forEach((value, i) => expect(value, name).toBeCloseTo(layers.flat()[i], 4));
  }
  expect(scanned["head/bias"]).toEqual(separate["head/bias"].map((x) => expect.closeTo(x, 4)));
});

/** A loss whose gradients are known: the sum over examples and weights of w⁴ / 4, so that its gradient is w³. */
const quartic: Objective = {
  init: () => ({ params: { w: tensor([1, -2, 0.5]) }, variables: { seen: scalar(0) } }),
  stacked: () => [],
  loss: ({ params, variables, batch }) => {
    const w = params.w as Tensor;
    const [loss, seen] = [div(reduceSum(square(square(w))), 4), variables.seen as Tensor];
    return {
      loss: mul(loss, mean(batch.weight)),
      metrics: {},
      variables: { seen: add(seen, mean(batch.weight)) },
    };
  },
};

test.each([1, 2])(
  "a second gradient moves the weights, in %i parts; the first moves the rest",
  async (parts) => {
    const [lr, rho, alpha] = [0.1, 0.5, 0.3];
    const config = { name: "sgd", lr, gsam: { rhoMax: rho, alpha } } as const;
    const optimizer = makeOptimizer(config, { totalSteps: 10 });
    const weight = fromNumbers([1, 3], [2], "float32"); // the mean of each part is another
    const init = jit(engine, makeInit(quartic, optimizer, { weight }));
    const step = jit(engine, makeTrainStep(quartic, optimizer, { accumulate: parts }));
    const { state, metrics } = await run(step, await init(key), { weight });
    const dot = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
    const w = [1, -2, 0.5];
    const g = w.map((x) => 2 * x ** 3);
    const r = w.map((x, i) => 2 * (x + (rho * g[i]) / Math.sqrt(dot(g, g))) ** 3);
    const along = dot(g, r) / dot(r, r);
    const used = r.map((x, i) => x - alpha * (g[i] - along * x));
    const after = await numbers(state);
    expect(after["params/w"]).toEqual(w.map((x, i) => expect.closeTo(x - lr * used[i], 4)));
    expect(after["variables/seen"]).toEqual([expect.closeTo(parts === 1 ? 2 : 4, 5)]); // once per part
    expect(metrics.loss).toBeCloseTo((2 * (1 + 16 + 0.0625)) / 4, 5);
    expect(metrics.gradNorm).toBeCloseTo(Math.sqrt(dot(used, used)), 3);
  },
);
