import { afterAll, expect, test } from "vitest";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type HostArray, fromNumbers, toNumbers } from "../graph/index.ts";
import type { ImageModel } from "../models/index.ts";
import { dense } from "../nn/index.ts";
import { segmentation } from "../objectives/index.ts";
import { makeOptimizer } from "../optim/index.ts";
import { toFlat } from "../tree.ts";
import { makeInit, makeTrainStep } from "./step.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());

/** Scores of three classes for each pixel, linear in its two channels. */
const net: ImageModel = (scope, image) => [dense(scope.at("head"), image, 3), {}];

const image = fromNumbers(
  Array.from({ length: 24 }, (_, i) => Math.sin(3 * i)),
  [4, 1, 3, 2],
  "float32",
);
/** The first part of two has five labelled pixels, the second one; of four, the last has none. */
const map = fromNumbers([0, 1, 2, 2, 1, 255, 255, 0, 255, 255, 255, 255], [4, 1, 3], "uint8");

/** What a step of gradient descent leaves and measures, its batch taken in parts. */
async function stepIn(accumulate: number, weights?: readonly number[]) {
  const objective = segmentation(net, weights);
  const batch: Record<string, HostArray> = { image, map };
  const optimizer = makeOptimizer({ name: "sgd", lr: 1 } as never, { totalSteps: 1 });
  const key = fromNumbers([0, 1], [2], "uint32");
  const state = await jit(engine, makeInit(objective, optimizer, batch))(key);
  const step = jit(engine, makeTrainStep(objective, optimizer, { accumulate }));
  const after = toFlat<DeviceArray>(await step(state, batch));
  const read = async (name: string): Promise<number[]> => toNumbers(await after[name].read());
  const [loss, accuracy] = [await read("metrics/loss"), await read("metrics/pixel_accuracy")];
  return { kernel: await read("state/params/head/kernel"), measured: [...loss, ...accuracy] };
}

test.each([{ weights: undefined }, { weights: [3, 1, 0.5] }])(
  "parts with unequal numbers of labelled pixels make the whole batch's step, weights $weights",
  async ({ weights }) => {
    const whole = await stepIn(1, weights);
    for (const parts of [2, 4]) {
      const { kernel, measured } = await stepIn(parts, weights);
      expect(kernel).toEqual(whole.kernel.map((value) => expect.closeTo(value, 6)));
      expect(measured).toEqual(whole.measured.map((value) => expect.closeTo(value, 6)));
    }
  },
);
