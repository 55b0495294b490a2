import { afterAll, describe, expect, test } from "vitest";
import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { createOrtEngine } from "../engines/ort/index.ts";
import { createXlaEngine } from "../engines/xla/index.ts";
import { installedPlugins } from "../engines/xla/plugins.ts";
import {
  type HostArray,
  type Tensor,
  constant,
  convert,
  fromNumbers,
  matmul,
  mean,
  mul,
  square,
  toNumbers,
} from "../graph/index.ts";
import type { Objective } from "../objectives/index.ts";
import { type LossScaling, makeOptimizer } from "../optim/index.ts";
import { type Tree, toFlat } from "../tree.ts";
import { makeInit, makeTrainStep } from "./step.ts";

const ENGINES: Record<string, () => Promise<Engine>> = {
  interpreter: () => Promise.resolve(createInterpreter()),
  ort: () => createOrtEngine({ threads: 1 }),
  ...(installedPlugins().includes("xla-cpu") && {
    "xla-cpu": () => Promise.resolve(createXlaEngine({ plugin: "xla-cpu" })),
  }),
};

const W = [0.5, -0.25, 0.125, 1];
const X = [1, 2, -1, 0.5, -0.5, 1, 2, -2]; // [2, 4]

/** Half the mean square of x · w, computed in float16, times `factor`: the gradient is as small or as large as that. */
const objectiveOf = (factor: number, dtype: "float16" | "float32" = "float16"): Objective => ({
  init: () => ({ params: { w: constant(fromNumbers(W, [4, 1], "float32")) }, variables: {} }),
  stacked: () => [],
  loss({ params, variables, batch }) {
    const y = matmul(convert(batch.image, dtype), convert(params.w as Tensor, dtype)); // [2, 1]
    const loss = mul(mean(square(convert(y, "float32"))), factor / 2);
    return { loss, metrics: {}, variables };
  },
});

/** d loss / dw, in float64: xᵀ (x w) / 2 · factor. */
const gradient = (factor: number): number[] => {
  const y = [0, 1].map((row) => W.reduce((sum, w, i) => sum + w * X[4 * row + i], 0));
  return W.map((_, i) => ((X[i] * y[0] + X[4 + i] * y[1]) / 2) * factor);
};

interface Trial {
  readonly scaling?: LossScaling;
  readonly growthInterval?: number;
  readonly accumulate?: number;
  readonly dtype?: "float16" | "float32";
}

/** Steps of gradient descent at a learning rate of 1 over one batch after the other. */
async function stepper(engine: Engine, factor: number, trial: Trial = {}) {
  const { scaling, growthInterval, accumulate, dtype } = trial;
  const objective = objectiveOf(factor, dtype);
  const optimizer = makeOptimizer({ name: "sgd", lr: 1 }, { totalSteps: 100 });
  const image = fromNumbers(X, [2, 4], "float32");
  const init = makeInit(objective, optimizer, { image }, { lossScale: scaling });
  const step = jit(engine, makeTrainStep(objective, optimizer, { accumulate, growthInterval }));
  let state = (await jit(engine, init)(fromNumbers([0, 1], [2], "uint32"))) as Tree<DeviceArray>;
  return async (batch: HostArray = image, updates?: number) => {
    const asked = updates === undefined ? [] : [fromNumbers([updates], [], "int32")];
    const done = (await step(state, { image: batch }, ...asked)) as unknown as {
      readonly state: Tree<DeviceArray>;
    };
    ({ state } = done);
    const flat = Object.entries(toFlat<DeviceArray>(done as never));
    const read = await Promise.all(
      flat.map(async ([name, array]) => [name, toNumbers(await array.read())] as const),
    );
    return Object.fromEntries(read);
  };
}

const loud = (size: number): HostArray =>
  fromNumbers(
    X.map((x) => x * size),
    [2, 4],
    "float32",
  );

describe.each(Object.keys(ENGINES))("on %s", (name) => {
  const opening = ENGINES[name]();
  afterAll(async () => (await opening).dispose());
  const open = async (factor: number, trial?: Trial) => stepper(await opening, factor, trial);
  const moved = (after: Record<string, number[]>): number[] =>
    after["state/params/w"].map((w, i) => W[i] - w);

  test("a gradient that float16 cannot hold is lost without a scale, and right with one", async () => {
    const tiny = 2 ** -26; // cotangents of the products are below 2⁻²⁵
    const lost = moved(await (await open(tiny))());
    expect(lost).toEqual([0, 0, 0, 0]);
    const scaling = { initial: 2 ** 16, growthInterval: 2000 };
    for (const accumulate of [1, 2]) {
      const after = await (await open(tiny, { scaling, accumulate }))();
      expect(after["metrics/skipped"]).toEqual([0]);
      expect(after["metrics/gradNorm"][0]).toBeCloseTo(Math.hypot(...gradient(tiny)), 10);
      expect(after["metrics/lossScale"]).toEqual([2 ** 16]);
    }
  });

  test("a scale changes nothing where nothing is lost", async () => {
    const plain = moved(await (await open(2 ** -4))());
    expect(plain).toEqual(gradient(2 ** -4).map((d) => expect.closeTo(d, 3)));
    const scaling = { initial: 2 ** 10, growthInterval: 2000 };
    expect(moved(await (await open(2 ** -4, { scaling }))())).toEqual(plain);
  });

  test("an overflow leaves the step out and halves the scale; updates in a row double it", async () => {
    const scaling = { initial: 2 ** 16, growthInterval: 2 };
    const step = await open(1, { scaling, growthInterval: 2 });
    const first = await step(undefined, 0);
    expect(first["metrics/overflowed"]).toEqual([1]);
    expect(first["metrics/skipped"]).toEqual([1]);
    expect(first["state/params/w"]).toEqual(W);
    expect(first["state/step"]).toEqual([0]);
    expect(first["state/lossScale/scale"]).toEqual([2 ** 15]);
    expect(first["state/lossScale/overflows"]).toEqual([1]);
    // the caller's count of steps, which an overflow is part of: the next step is not held back
    let after = first;
    let taken = 1;
    while (after["metrics/overflowed"][0] === 1) after = await step(undefined, taken++);
    const fitting = after["metrics/lossScale"][0];
    expect(fitting).toBeLessThan(2 ** 16);
    expect(after["state/step"]).toEqual([1]);
    expect(after["state/lossScale/since"]).toEqual([1]);
    const second = await step(loud(0.01), taken);
    expect(second["state/lossScale/scale"]).toEqual([2 * fitting]);
    expect(second["state/lossScale/since"]).toEqual([0]);
  });

  test("a loss that is not finite is no fault of the scale, nor is what is left at a scale of 1", async () => {
    const scaling = { initial: 2 ** 4, growthInterval: 2000 };
    const step = await open(1, { scaling });
    const after = await step(loud(6e4)); // the products overflow forwards
    expect(after["metrics/overflowed"]).toEqual([0]);
    expect(after["metrics/skipped"]).toEqual([1]);
    expect(after["state/lossScale/scale"]).toEqual([2 ** 4]);
    const held = await step(undefined, 7); // another number of steps than were taken
    expect(held["metrics/skipped"]).toEqual([1]);
    expect(held["state/lossScale/scale"]).toEqual([2 ** 4]);
    const least = await open(2 ** 18, { scaling: { ...scaling, initial: 1 } });
    const last = await least();
    expect(last["metrics/overflowed"]).toEqual([0]);
    expect(last["metrics/skipped"]).toEqual([1]);
    expect(last["state/lossScale/scale"]).toEqual([1]);
  });

  test("the gradient of scaled float16 is that of finite differences", async () => {
    const scaling = { initial: 2 ** 12, growthInterval: 2000 };
    const half = moved(await (await open(2 ** -3, { scaling }))());
    const lossAt = async (w: readonly number[]): Promise<number> => {
      const y = [0, 1].map((row) => w.reduce((sum, v, i) => sum + v * X[4 * row + i], 0));
      return ((y[0] ** 2 + y[1] ** 2) / 2 / 2) * 2 ** -3;
    };
    for (let i = 0; i < 4; i++) {
      const at = (d: number) => lossAt(W.map((w, k) => (k === i ? w + d : w)));
      const slope = ((await at(1e-4)) - (await at(-1e-4))) / 2e-4;
      expect(Math.abs(half[i] - slope)).toBeLessThan(2 ** -10 * Math.max(...half.map(Math.abs)));
    }
  });
});
