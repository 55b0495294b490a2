/** @file An objective with a teacher that averages the model and a queue of features: resumed, accumulated, skipped. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { ConfigInput } from "../../src/config/config.ts";
import { use } from "../../src/config/use.ts";
import { type DeviceArray, jit } from "../../src/engines/engine.ts";
import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import {
  type Tensor,
  add,
  concatenate,
  fromNumbers,
  mean,
  mul,
  reduceSum,
  sliceAxis,
  square,
  sub,
  toNumbers,
  zeros,
} from "../../src/graph/index.ts";
import { apply, initialise } from "../../src/nn/index.ts";
import { type Objective, defineObjective } from "../../src/objectives/index.ts";
import { makeOptimizer } from "../../src/optim/index.ts";
import { wholeModel } from "../../src/tasks/index.ts";
import { createModel } from "../../src/models/index.ts";
import { resume, train } from "../../src/train/train.ts";
import { makeInit, makeTrainStep } from "../../src/train/step.ts";
import { type Tree, fromFlat, toFlat } from "../../src/tree.ts";
import { readCheckpointFile, readStateFile } from "../../src/weights/checkpoint-file.ts";
import { metricsOf, smallConfig, writeDigits } from "./small-run.ts";

const QUEUE = 8;
const KEEP = 0.9;

/** The model learns to be near its teacher and far from the mean of a queue, which takes in the teacher's features. */
const queueing = defineObjective({
  name: "queueing",
  schema: z.strictObject({}),
  task: "features",
  create: (_, { model, heads: { embed } }): Objective => {
    const forward = (scope: Parameters<typeof model>[0], image: Tensor): Tensor => {
      const [output, out] = model(scope, image);
      return embed({ output, out: toFlat<Tensor>(out) });
    };
    return {
      init(key, { image }) {
        const { params, variables } = initialise(forward, key, image);
        const queue = zeros([QUEUE, 32]);
        return {
          params,
          variables: { ...variables, teacher: params, queue, seen: zeros([2, 32]) },
        };
      },
      stacked: () => [],
      served: ({ params, variables }) => {
        const { teacher: _, queue: __, seen: ___, ...own } = variables as Record<string, never>;
        return { params, variables: own };
      },
      loss({ params, variables, batch: { image }, key, train: isTraining }) {
        const { teacher, queue } = variables as Record<string, Tree<Tensor>>;
        const given = { params, variables: {}, key, train: isTraining };
        const own = apply(forward, given, image).result; // [batch, 32]
        const theirs = apply(forward, { params: teacher as typeof params }, image).result;
        const far = mean(queue as Tensor, 0);
        const [near, apart] = [mean(square(sub(own, theirs))), mean(mul(mean(own, 0), far))];
        return {
          loss: add(near, add(apart, mul(reduceSum(square(mean(own, 0))), 0.01))),
          metrics: {},
          variables: { ...variables, seen: sliceAxis(theirs, 0, 0, 2) },
        };
      },
      after({ params, variables }) {
        const held = toFlat<Tensor>((variables as Record<string, Tree<Tensor>>).teacher);
        const moved = Object.entries(toFlat<Tensor>(params)).map(([name, now]) => {
          return [name, add(mul(held[name], KEEP), mul(now, 1 - KEEP))] as const;
        });
        const { queue, seen } = variables as Record<string, Tensor>;
        const next = concatenate([sliceAxis(queue, 0, 2, QUEUE), seen], 0);
        const teacher = fromFlat(Object.fromEntries(moved)) as Tree<Tensor>;
        return { params, variables: { ...(variables as object), teacher, queue: next } };
      },
    };
  },
});

let dir: string;
beforeAll(async () => {
  use([queueing]);
  dir = await mkdtemp(join(tmpdir(), "ocelli-after-"));
  await writeDigits(dir);
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

test.each([1, 2])(
  "a resumed run ends with the bytes of an unbroken one, in %i parts",
  async (accumulate) => {
    const config = smallConfig(dir, 8, {
      ...{ objective: { name: "queueing" }, accumulate },
      optimizer: { name: "adam", lr: 1e-3, averageDecay: 0.9 },
      ...{ log: { steps: 1 }, checkpoint: { every: { steps: 3 }, keep: 1 } },
      evals: { pretext: { type: "objective", split: "test" } },
    }) as ConfigInput;
    const [whole, broken] = [join(dir, `whole-${accumulate}`), join(dir, `broken-${accumulate}`)];
    const { evals, headline } = await train(config, { workdir: whole });
    expect(headline).toEqual({
      metric: "pretext/loss",
      value: evals.pretext.loss,
      better: "lower",
    });
    const stop = new AbortController();
    const line = (text: string) => void (text.startsWith("step 4/") && stop.abort());
    const reporter = { terminal: false, line, status: () => undefined };
    const first = await train(config, { workdir: broken, reporter, signal: stop.signal });
    expect(first.interrupted).toBe(true);
    const second = await resume(broken);
    expect(second.evals).toEqual(evals);
    expect(await metricsOf(broken)).toEqual(await metricsOf(whole));
    const bytes = (run: string) => readFile(join(run, "checkpoint.safetensors"));
    expect((await bytes(broken)).equals(await bytes(whole))).toBe(true);
    const arrays = (run: string) => {
      const { arrays } = readStateFile(join(run, "checkpoints/step-000000008.safetensors"));
      return Promise.all(Object.entries(arrays).map(async ([name, it]) => [name, await it.read()]));
    };
    expect(await arrays(broken)).toEqual(await arrays(whole)); // teacher, queue and optimiser included
    const served = readCheckpointFile(join(whole, "checkpoint.safetensors"), "it");
    expect(toFlat(served.variables)).toEqual({});
  },
  60_000,
);

test("the teacher moves and the queue takes in once per update; a skipped step changes neither", async () => {
  const engine = createInterpreter();
  const model = createModel("vit", {
    patchSize: [4, 4],
    width: 32,
    depth: 1,
    mlpDim: 8,
    numHeads: 2,
  });
  const heads = { embed: ({ out }: { out: Readonly<Record<string, Tensor>> }) => out.pre_logits };
  const image = (value: number) => ({
    image: fromNumbers(
      Array.from({ length: 4 * 64 }, (_, i) => value * Math.sin(i)),
      [4, 8, 8, 1],
      "float32",
    ),
  });
  const given = {
    ...{ model, whole: wholeModel({ model }), heads },
    batch: image(1),
    names: {},
    task: { name: "features" },
    totalSteps: 10,
    openTeacher: () => Promise.reject(new Error()),
  };
  const objective = await queueing.create({}, given);
  const optimizer = makeOptimizer({ name: "sgd", lr: 0.1 }, { totalSteps: 4 });
  const init = jit(engine, makeInit(objective, optimizer, image(1)));
  const step = jit(engine, makeTrainStep(objective, optimizer, { accumulate: 2 }));
  const read = async (state: Tree<DeviceArray>) =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(toFlat<DeviceArray>(state)).map(
          async ([name, array]) => [name, toNumbers(await array.read())] as const,
        ),
      ),
    );
  const state = await init(fromNumbers([0, 1], [2], "uint32"));
  const before = await read(state);
  const { state: next } = (await step(state, image(1))) as unknown as { state: Tree<DeviceArray> };
  const after = await read(next);
  const kernel = "embedding/kernel";
  after[`variables/teacher/${kernel}`].forEach((value, i) => {
    const [held, now] = [before[`params/${kernel}`][i], after[`params/${kernel}`][i]];
    expect(value).toBeCloseTo(KEEP * held + (1 - KEEP) * now, 5);
  });
  expect(after[`params/${kernel}`]).not.toEqual(before[`params/${kernel}`]);
  const filled = after["variables/queue"].map((value) => value !== 0);
  expect(filled).toEqual(filled.map((_, i) => i >= (QUEUE - 2) * 32)); // two rows, not two for each part
  const skipped = (await step(next, image(NaN))) as unknown as { state: Tree<DeviceArray> };
  expect(await read(skipped.state)).toEqual(after);
  await engine.dispose();
});
