import { expect, test } from "vitest";
import { jit } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import {
  type Tensor,
  add,
  constant,
  equal,
  exp,
  fromNumbers,
  mean,
  mul,
  randomKey,
  reduceSum,
  select,
  sqrt,
  sub,
  withScope,
} from "../../graph/index.ts";
import type { Objective } from "../../objectives/index.ts";
import { makeOptimizer } from "../../optim/index.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { uploadTree } from "../../served/device-trees.ts";
import { describeNonFinite, explainNonFinite } from "./nonfinite.ts";
import type { DeviceState } from "../programs.ts";
import { makeInit, makeTrainStep } from "../step.ts";

const engine = createInterpreter();
const preprocess = parsePreprocessing("value_range(0,255)");
const image = (values: number[]) => fromNumbers(values, [values.length, 1, 1, 1], "float32");

/** An objective over one parameter `w` [1], whose loss is the mean of what `body` makes of the pixels. */
const objectiveOf = (body: (x: Tensor, w: Tensor) => Tensor): Objective => ({
  init: () => ({ params: { w: constant(fromNumbers([1], [1], "float32")) }, variables: {} }),
  stacked: () => [],
  loss: ({ params, variables, batch }) => ({
    loss: mean(body(batch.image, params.w as Tensor)),
    metrics: {},
    variables,
  }),
});

/** What is found for an objective on a batch, and whether the step was skipped. */
async function find(body: (x: Tensor, w: Tensor) => Tensor, values: number[], accumulate = 1) {
  const objective = objectiveOf(body);
  const optimizer = makeOptimizer({ name: "sgd", lr: 0.1 }, { totalSteps: 2 });
  const preprocessing = { train: preprocess, eval: preprocess };
  const batch = { image: image(values) };
  const start = jit(engine, () => makeInit(objective, optimizer, batch)(randomKey(0)));
  const state = (await start()) as DeviceState;
  const step = jit(engine, makeTrainStep(objective, optimizer, { accumulate }));
  const { metrics } = (await step(state, batch)) as unknown as {
    metrics: { skipped: { read(): Promise<{ data: ArrayLike<number> }> } };
  };
  expect((await metrics.skipped.read()).data[0]).toBe(1);
  const uploaded = await uploadTree(engine, batch);
  const plan = { objective, optimizer, preprocessing };
  return explainNonFinite(engine, { accumulate }, plan, state, uploaded);
}

const scaled = (x: Tensor, w: Tensor) => mul(x, reduceSum(w));

test("an overflow is found in the layer where it comes about", async () => {
  const body = (x: Tensor, w: Tensor) => {
    const calm = withScope("block_0", () => scaled(x, w));
    const loud = withScope("block_1/exp", () => exp(calm));
    return withScope("block_2", () => sub(loud, loud));
  };
  const found = await find(body, [1, 100]);
  expect(found).toEqual({
    where: "forward",
    name: "block_1/exp",
    operation: "exp",
    value: "float32[2,1,1,1]",
  });
  expect(describeNonFinite(found)).toBe(
    "first in block_1/exp, the output of exp (float32[2,1,1,1])",
  );
});

test("with accumulated parts it is found in the part that has it", async () => {
  const body = (x: Tensor, w: Tensor) => withScope("block_1", () => exp(scaled(x, w)));
  expect(await find(body, [1, 2, 3, 100], 2)).toMatchObject({
    where: "forward",
    name: "block_1",
    value: "float32[2,1,1,1]",
  });
});

test("a gradient that is not finite is told from a loss that is", async () => {
  const body = (x: Tensor, w: Tensor) => {
    const z = withScope("scale", () => scaled(x, w));
    return withScope("root", () => sqrt(z)); // its slope at 0 is infinite
  };
  const found = await find(body, [0, 1]);
  expect(found.where).toBe("gradient");
  expect(found.name).toBe("root");
  expect(describeNonFinite(found)).toContain("first in the gradient of root, in ");
});

test("an infinity that goes away again is not blamed", async () => {
  const body = (x: Tensor, w: Tensor) => {
    const hidden = withScope("hidden", () => exp(add(x, 1000)));
    const kept = withScope("select", () => select(equal(hidden, 1), hidden, 1));
    return withScope("end", () => exp(mul(scaled(x, w), add(kept, 200))));
  };
  expect(await find(body, [1, 2])).toMatchObject({ where: "forward", name: "end" });
});

test("a batch that is not finite itself is named", async () => {
  const found = await find(scaled, [1, NaN]);
  expect(describeNonFinite(found)).toBe("its input batch/image holds values that are not finite");
});
