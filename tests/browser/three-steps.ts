/** @file Three real training steps of small models on an engine: what a page and Node both run. */

import { type DeviceArray, type Engine, jit } from "../../src/engines/engine.ts";
import { type HostArray, type Tensor, hostArray, uniform } from "../../src/graph/index.ts";
import { createModel } from "../../src/models/index.ts";
import { classification } from "../../src/objectives/index.ts";
import { makeOptimizer } from "../../src/optim/index.ts";
import { makeInit, makeTrainStep } from "../../src/train/step.ts";
import type { Tree } from "../../src/tree.ts";

const BATCH = 16;
const SPECS = {
  image: { shape: [BATCH, 28, 28, 1], dtype: "float32" },
  label: { shape: [BATCH], dtype: "int32" },
} as const;

/** Small models by family. */
const MODELS = {
  vit: { variant: "mu/7", depth: 2 },
  "mlp-mixer": {
    ...{ patchSize: [7, 7], hiddenDim: 32, numBlocks: 2 },
    ...{ tokensMlpDim: 32, channelsMlpDim: 64 },
  },
  bit: { depth: [1, 1], width: 0.5 },
};

/** A family that {@link threeSteps} trains. */
export type Family = keyof typeof MODELS;

export const FAMILIES = Object.keys(MODELS) as readonly Family[];

/** The losses of three AdamW steps from seed 0 on random images. */
export async function threeSteps(engine: Engine, family: Family = "vit"): Promise<number[]> {
  const own = { numClasses: 10, headZeroinit: false };
  const model = createModel(family, { ...MODELS[family], ...own });
  const objective = classification(model);
  const optimizer = makeOptimizer(
    { name: "adamw", lr: 1e-2, weightDecay: 1e-4 },
    { totalSteps: 3, batchSize: BATCH },
  );
  const init = makeInit(objective, optimizer, SPECS);
  const start = jit(engine, (key: Tensor) => ({
    state: init(key),
    image: uniform(key, SPECS.image.shape, -1, 1),
  }));
  const step = jit(engine, makeTrainStep(objective, optimizer), { donate: [0] });
  const key: HostArray = hostArray([2], "uint32", new Uint32Array([0, 7]));
  const label = hostArray(
    [BATCH],
    "int32",
    Int32Array.from({ length: BATCH }, (_, i) => i % 10),
  );
  const made = (await start(key)) as { state: Tree<DeviceArray>; image: DeviceArray };
  const losses: number[] = [];
  let { state } = made;
  for (let i = 0; i < 3; i++) {
    const result = (await step(state, { image: made.image, label })) as {
      state: Tree<DeviceArray>;
      metrics: { loss: DeviceArray };
    };
    state = result.state;
    losses.push(Number((await result.metrics.loss.read()).data[0]));
  }
  return losses;
}
