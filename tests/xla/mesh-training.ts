/** @file A small ViT's training over a mesh, and what it leaves behind; for tests that compare meshes. */

import { type DeviceArray, jit } from "../../src/engines/engine.ts";
import { countCollectives } from "../../src/engines/xla/hlo.ts";
import { type XlaEngine, createXlaEngine } from "../../src/engines/xla/index.ts";
import {
  type HostArray,
  type Tensor,
  grad,
  hostArray,
  randomKey,
  scalar,
  sizeOf,
  trace,
  typedArray,
  uniform,
} from "../../src/graph/index.ts";
import { vit } from "../../src/models/index.ts";
import { classification } from "../../src/objectives/index.ts";
import { type OptimizerConfig, makeOptimizer } from "../../src/optim/index.ts";
import { shardBatch } from "../../src/engines/mesh.ts";
import { type ShardingRule, shardState } from "../../src/train/devices/sharding.ts";
import { type TrainState, makeInit, makeTrainStep } from "../../src/train/step.ts";
import { type Tree, flatten, fromFlat, toFlat, unflatten } from "../../src/tree.ts";

export const BATCH = 16;
const model = vit({
  width: 32,
  depth: process.env.OCELLI_LONG === "1" ? 2 : 1,
  numHeads: 4,
  patchSize: [4, 4],
  numClasses: 8,
  headZeroinit: false,
});
const objective = classification(model);
const specs = {
  image: { shape: [BATCH, 16, 16, 3], dtype: "float32" },
  label: { shape: [BATCH], dtype: "int32" },
} as const;
const label = hostArray(
  [BATCH],
  "int32",
  Int32Array.from({ length: BATCH }, (_, i) => (i * 5) % 8),
);

export type Rules = readonly (readonly [string, ShardingRule])[];
export const DATA: Rules = [];
export const FSDP: Rules = [[".*", { fsdp: "data", minSize: 256 }]];
/** Heads and hidden features over `model`: what Megatron's layers split. */
export const TENSOR: Rules = [
  [".*/(query|key|value)/kernel", { dim: 1, axis: "model" }],
  [".*/(query|key|value)/bias", { dim: 0, axis: "model" }],
  [".*/out/kernel", { dim: 0, axis: "model" }],
  [".*/MlpBlock_0/Dense_0/kernel", { dim: 1, axis: "model" }],
  [".*/MlpBlock_0/Dense_0/bias", { dim: 0, axis: "model" }],
  [".*/MlpBlock_0/Dense_1/kernel", { dim: 0, axis: "model" }],
];

/** What a training leaves behind. */
export interface Trained {
  readonly losses: readonly number[];
  readonly params: Readonly<Record<string, HostArray>>;
  readonly collectives: Readonly<Record<string, number>>;
  readonly argumentBytes: number;
}

type DeviceState = { readonly params: Tree<DeviceArray> };

/** The initial state on an engine, and how its leaves are split. */
async function initialise(engine: XlaEngine, rules: Rules, config: OptimizerConfig) {
  const { mesh } = engine;
  const optimizer = makeOptimizer(config, { totalSteps: 100, batchSize: BATCH });
  const make = () => makeInit(objective, optimizer, specs)(randomKey(3)) as unknown as Tree<Tensor>;
  const traced = trace(make);
  const params = Object.fromEntries(
    traced.program.outputs.flatMap((output, i) => {
      const name = traced.outputNames[i];
      return name.startsWith("params/") ? [[name.slice(7), output]] : [];
    }),
  );
  const leafSharding = mesh ? shardState(mesh, rules, params) : () => undefined;
  const shared = await initialValues();
  const given: Record<string, HostArray> = {
    ...Object.fromEntries(traced.program.outputs.map((y, i) => [traced.outputNames[i], zeros(y)])),
    ...shared.state,
  };
  const uploads = traced.outputNames.map((name) =>
    engine.upload(given[name], leafSharding(name, given[name])),
  );
  const state = unflatten(traced.outputs, await Promise.all(uploads)) as unknown as DeviceState;
  return { optimizer, leafSharding, state };
}

const zeros = ({ shape, dtype }: Tensor): HostArray =>
  hostArray([...shape], dtype, typedArray(dtype, sizeOf(shape)));

let made: Promise<{ state: Record<string, HostArray>; image: HostArray }> | undefined;

/** The first state without the optimiser's, which begins with zeros, and images of noise: made once, on one device. */
function initialValues() {
  made ??= (async () => {
    const engine = createXlaEngine({ plugin: "xla-cpu" });
    const optimizer = makeOptimizer(SGD, { totalSteps: 100, batchSize: BATCH });
    const values = await jit(engine, () => ({
      state: makeInit(objective, optimizer, specs)(randomKey(3)) as unknown as Tree<Tensor>,
      image: uniform(randomKey(9), specs.image.shape, -1, 1),
    }))();
    const { state, image } = values as { state: Tree<DeviceArray>; image: DeviceArray };
    const read = Object.entries(toFlat(state)).map(async ([name, x]) => {
      return [name, await x.read()] as const;
    });
    const result = {
      state: Object.fromEntries(await Promise.all(read)),
      image: await image.read(),
    };
    await engine.dispose();
    return result;
  })();
  return made;
}

/** A batch of noise, split over the engine's mesh; back to front where that is asked for. */
async function makeBatch(engine: XlaEngine, reversed = false) {
  const sharding = shardBatch(engine.mesh, BATCH);
  const { image } = await initialValues();
  const given = reversed
    ? { image: backToFront(image), label: backToFront(label) }
    : { image, label };
  return {
    image: await engine.upload(given.image, sharding),
    label: await engine.upload(given.label, sharding),
  };
}

function backToFront({ shape, dtype, data }: HostArray): HostArray {
  const result = typedArray(dtype, data.length);
  const row = data.length / shape[0];
  for (let i = 0; i < shape[0]; i++) {
    const from = shape[0] - 1 - i;
    result.set(data.subarray(from * row, (from + 1) * row) as never, i * row);
  }
  return hostArray([...shape], dtype, result);
}

/** The gradients of the first batch. */
export async function gradients(engine: XlaEngine, rules: Rules): Promise<Trained["params"]> {
  const { state, leafSharding } = await initialise(engine, rules, SGD);
  const compute = jit(
    engine,
    (params: Tree<Tensor>, batch: Record<string, Tensor>) =>
      grad((p: Tree<Tensor>) => {
        const context = { variables: {}, key: randomKey(0), step: scalar(0, "int32"), train: true };
        return objective.loss({ params: p as never, batch, ...context }).loss;
      })(params),
    { shardOutput: leafSharding },
  );
  const grads = (await compute(state.params, await makeBatch(engine))) as Tree<DeviceArray>;
  const read = Object.entries(toFlat(grads)).map(async ([name, x]) => [name, await x.read()]);
  return Object.fromEntries(await Promise.all(read)) as Trained["params"];
}

/** Options of {@link train}. */
interface TrainOptions {
  /** Parameters to begin with. */
  readonly start?: Readonly<Record<string, HostArray>>;
  /** Whether the batch's examples come back to front: the same training, summed in another order. */
  readonly reversed?: boolean;
}

/** Trains some steps on an engine. */
export async function train(
  engine: XlaEngine,
  rules: Rules,
  optimizerConfig: OptimizerConfig,
  steps: number,
  { start, reversed }: TrainOptions = {},
): Promise<Trained> {
  const { mesh } = engine;
  const initial = await initialise(engine, rules, optimizerConfig);
  const { optimizer, leafSharding } = initial;
  let { state } = initial;
  if (start) {
    const loaded = Object.entries(start).map(async ([name, array]) => {
      return [name, await engine.upload(array, leafSharding(name, array))] as const;
    });
    state = { ...state, params: fromFlat(Object.fromEntries(await Promise.all(loaded))) };
  }
  const batch = await makeBatch(engine, reversed);
  const step = makeTrainStep(objective, optimizer);
  const program = trace(
    (s: TrainState, b: Record<string, Tensor>) => step(s, b) as unknown as Tree<Tensor>,
    state as never,
    specs,
  );
  const given = flatten<DeviceArray>([state, batch]).leaves;
  const stateLeaves = flatten(state as never).leaves.length;
  using executable = await engine.compile(program.program, {
    donate: Array.from({ length: stateLeaves }, (_, i) => i),
    shardings: mesh && {
      inputs: given.map(({ sharding }) => sharding),
      outputs: program.program.outputs.map((y, i) => {
        const name = program.outputNames[i];
        return name.startsWith("state/") ? leafSharding(name.slice("state/".length), y) : undefined;
      }),
    },
  });
  const lossAt = program.outputNames.indexOf("metrics/loss");
  const stateAt = program.outputNames.flatMap((name, i) => (name.startsWith("state/") ? [i] : []));
  const data = given.slice(stateLeaves);
  let leaves = given.slice(0, stateLeaves);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const outputs = await executable.run([...leaves, ...data]);
    losses.push(Number((await outputs[lossAt].read()).data[0]));
    leaves = stateAt.map((k) => outputs[k]);
  }
  const names = stateAt.map((k) => program.outputNames[k].slice("state/".length));
  const read = names.flatMap((name, i) =>
    name.startsWith("params/") ? [leaves[i].read().then((x) => [name.slice(7), x] as const)] : [],
  );
  return {
    losses,
    params: Object.fromEntries(await Promise.all(read)),
    collectives: countCollectives(executable.instructions),
    argumentBytes: executable.memory.arguments,
  };
}

/**
 * At a rate of 0.1 two layers pass a bump of the loss at step 14 that magnifies rounding a hundredfold: one device with
 * its batch back to front is then 8e-6 away from itself, four devices 1.6e-5 from one.
 */
export const SGD: OptimizerConfig = { name: "sgd", lr: 0.03, wd: 0 };
export const ADAM: OptimizerConfig = { name: "adam", lr: 1e-3, wd: 0 };

/**
 * The largest difference of two sets of arrays, relative to each array's largest magnitude of `b`. Biases of keys move
 * every score of a query alike: their gradient is zero, and what is computed for them is rounding.
 */
export function difference(a: Trained["params"], b: Trained["params"]): number {
  return Math.max(
    ...Object.entries(b).map(([name, { data }]) => {
      if (name.endsWith("key/bias")) return 0;
      const other = a[name].data;
      let most = 0;
      let scale = 1e-30;
      for (let i = 0; i < data.length; i++) {
        most = Math.max(most, Math.abs(Number(data[i]) - Number(other[i])));
        scale = Math.max(scale, Math.abs(Number(data[i])));
      }
      return most / scale;
    }),
  );
}

export const relative = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]) / Math.abs(b[i])));
