/** @file One program over 2, 4 and 8 devices computes what it computes on one. */

import { afterAll, describe, expect, it } from "vitest";
import { type DeviceArray, jit } from "../../src/engines/engine.ts";
import { countCollectives } from "../../src/engines/xla/hlo.ts";
import { type XlaEngine, createXlaEngine } from "../../src/engines/xla/index.ts";
import { type Mesh, meshSize, showMesh } from "../../src/engines/mesh.ts";
import { installedPlugins } from "../../src/engines/xla/plugins.ts";
import {
  type HostArray,
  type Tensor,
  concatenate,
  grad,
  hostArray,
  mul,
  randomKey,
  scalar,
  sizeOf,
  sliceAxis,
  trace,
  typedArray,
  uniform,
  withSharding,
} from "../../src/graph/index.ts";
import { vit } from "../../src/models/index.ts";
import { classification } from "../../src/objectives/index.ts";
import { type OptimizerConfig, makeOptimizer } from "../../src/optim/index.ts";
import { type ShardingRule, shardBatch, shardState } from "../../src/train/sharding.ts";
import { type TrainState, makeInit, makeTrainStep } from "../../src/train/step.ts";
import { type Tree, flatten, fromFlat, toFlat, unflatten } from "../../src/tree.ts";

const installed = installedPlugins().includes("xla-cpu");

const long = process.env.OCELLI_LONG === "1";
const BATCH = 16;
const model = vit({
  width: 32,
  depth: long ? 2 : 1,
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

type Rules = readonly (readonly [string, ShardingRule])[];
const DATA: Rules = [];
const FSDP: Rules = [[".*", { fsdp: "data", minSize: 256 }]];
/** Heads and hidden features over `model`: what Megatron's layers split. */
const TENSOR: Rules = [
  [".*/(query|key|value)/kernel", { dim: 1, axis: "model" }],
  [".*/(query|key|value)/bias", { dim: 0, axis: "model" }],
  [".*/out/kernel", { dim: 0, axis: "model" }],
  [".*/MlpBlock_0/Dense_0/kernel", { dim: 1, axis: "model" }],
  [".*/MlpBlock_0/Dense_0/bias", { dim: 0, axis: "model" }],
  [".*/MlpBlock_0/Dense_1/kernel", { dim: 0, axis: "model" }],
];

/** What a training leaves behind. */
interface Trained {
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

/** A batch of noise, split over the engine's mesh. */
async function makeBatch(engine: XlaEngine) {
  const sharding = shardBatch(engine.mesh, BATCH);
  const { image } = await initialValues();
  return {
    image: await engine.upload(image, sharding),
    label: await engine.upload(label, sharding),
  };
}

/** The gradients of the first batch. */
async function gradients(engine: XlaEngine, rules: Rules): Promise<Trained["params"]> {
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

/** Trains some steps on an engine; from given parameters where there are any. */
async function train(
  engine: XlaEngine,
  rules: Rules,
  optimizerConfig: OptimizerConfig,
  steps: number,
  start?: Readonly<Record<string, HostArray>>,
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
  const batch = await makeBatch(engine);
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

const SGD: OptimizerConfig = { name: "sgd", lr: 0.1, wd: 0 };
const ADAM: OptimizerConfig = { name: "adam", lr: 1e-3, wd: 0 };

/**
 * The largest difference of two sets of arrays, relative to each array's largest magnitude of `b`. Biases of keys move
 * every score of a query alike: their gradient is zero, and what is computed for them is rounding.
 */
function difference(a: Trained["params"], b: Trained["params"]): number {
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

const relative = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]) / Math.abs(b[i])));

function report(kind: string, mesh: Mesh, { collectives, argumentBytes }: Trained, one: Trained) {
  const bytes = `${argumentBytes} of ${one.argumentBytes} bytes of arguments on each device`;
  console.log(`${kind} ${showMesh(mesh)}: ${JSON.stringify(collectives)}, ${bytes}`);
}

/** Tiny programs need no optimised code. */
const QUICK = { xla_backend_optimization_level: 0 };

describe.skipIf(!installed)("a mesh of CPU devices", () => {
  const engines = new Map<string, XlaEngine>();
  const open = (mesh?: Mesh): XlaEngine => {
    const key = mesh ? showMesh(mesh) : "";
    const engine =
      engines.get(key) ?? createXlaEngine({ plugin: "xla-cpu", mesh, compiler: QUICK });
    engines.set(key, engine);
    return engine;
  };
  afterAll(() => Promise.all([...engines.values()].map((engine) => engine.dispose())));

  const cache = new Map<string, Promise<unknown>>();
  /** What one device makes, once. */
  const lone = <T>(key: string, make: () => Promise<T>): Promise<T> => {
    const found = (cache.get(key) ?? make()) as Promise<T>;
    cache.set(key, found);
    return found;
  };

  const layouts: [string, Mesh, Rules][] = (long ? [2, 4, 8] : [4]).flatMap(
    (n): [string, Mesh, Rules][] => [
      ["data", { data: n }, DATA],
      ["fsdp", { data: n }, FSDP],
      ["tensor", { data: n / 2, model: 2 }, TENSOR],
    ],
  );

  it.each(layouts)("trains by %s over %o as on one device", async (kind, mesh, rules) => {
    const engine = open(mesh);
    const one = await lone("gradients", () => gradients(open(), []));
    expect(difference(await gradients(engine, rules), one)).toBeLessThan(1e-5);

    const sgd = await train(engine, rules, SGD, 20);
    expect(
      relative(sgd.losses, (await lone("sgd", () => train(open(), [], SGD, 20))).losses),
    ).toBeLessThan(1e-5);
    const first = await lone("sgd", () => train(open(), [], SGD, 20));
    expect(first.losses.at(-1)).toBeLessThan(first.losses[0]);
    if (kind === "data") expect(Object.keys(sgd.collectives)).toEqual(["all-reduce"]);
    if (kind === "fsdp") {
      expect(sgd.collectives["all-gather"]).toBeGreaterThan(0);
      const batchBytes = BATCH * (16 * 16 * 3 + 1) * 4;
      const share = (first.argumentBytes - batchBytes) / meshSize(mesh);
      expect(sgd.argumentBytes - batchBytes / meshSize(mesh)).toBeLessThan(share * 1.3);
    }
    if (kind === "tensor") {
      expect(sgd.argumentBytes).toBeLessThan(first.argumentBytes * 0.75);
    }
    if (!long) return;

    const adam = await train(engine, rules, ADAM, 20);
    const adamAlone = await lone("adam", () => train(open(), [], ADAM, 20));
    expect(relative(adam.losses, adamAlone.losses)).toBeLessThan(1e-3);
    report(kind, mesh, adam, adamAlone);
  });

  it("goes on from another mesh's parameters", async () => {
    const four = await train(open({ data: 4 }), FSDP, SGD, 5);
    const eight = await train(open({ data: 4, model: 2 }), TENSOR, SGD, 5, four.params);
    const one = await train(open(), [], SGD, 5, four.params);
    expect(relative(eight.losses, one.losses)).toBeLessThan(1e-5);
    expect(one.losses[0]).toBeLessThan(four.losses[0]);
  });

  it("turns a roll over a split axis into a collective permute", async () => {
    const roll = (x: Tensor) =>
      withSharding(concatenate([sliceAxis(x, 0, 2, 8), sliceAxis(x, 0, 0, 2)], 0), ["data"]);
    const { program } = trace(roll, { shape: [8, 3], dtype: "float32" });
    const engine = open({ data: 4 });
    using executable = await engine.compile(program, {
      shardings: { inputs: [["data"]], outputs: [["data"]] },
    });
    const x = hostArray(
      [8, 3],
      "float32",
      Float32Array.from({ length: 24 }, (_, i) => i),
    );
    const [y] = await executable.run([await engine.upload(x, ["data"])]);
    expect(Array.from((await y.read()).data as Float32Array)).toEqual(
      Array.from({ length: 24 }, (_, i) => (i + 6) % 24),
    );
    expect(countCollectives(executable.instructions)).toEqual({ "collective-permute": 1 });
  });

  it("says what does not fit a mesh", async () => {
    const engine = open({ data: 4 });
    const x = hostArray([6], "float32", new Float32Array(6));
    await expect(engine.upload(x, ["data"])).rejects.toThrow("6 does not divide into 4 parts");
    await expect(engine.upload(x, ["dta"])).rejects.toThrow('unknown mesh axis "dta"; valid: data');
    const double = jit(engine, (a: Tensor): Tensor => withSharding(mul(a, 2), [null, "data"]));
    await expect(double(x)).rejects.toThrow("the sharding names 2 axes");
    const eight = hostArray([8], "float32", new Float32Array(8));
    const { program } = trace((a: Tensor) => mul(a, 2), eight);
    using executable = await engine.compile(program, { shardings: { inputs: [["data"]] } });
    await expect(executable.run([await engine.upload(eight)])).rejects.toThrow(
      "input 0 is split as [·] where [data] is taken",
    );
    expect(() => createXlaEngine({ mesh: { data: 4 }, client: { cpu_device_count: 2 } })).toThrow(
      "the mesh data=4 needs 4 devices; there are 2",
    );
  });
});
