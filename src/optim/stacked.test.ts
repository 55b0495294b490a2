import { expect, test } from "vitest";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import {
  type HostArray,
  type Tensor,
  add,
  fromNumbers,
  reshape,
  sizeOf,
  scalar,
  sliceAxis,
  toNumbers,
} from "../graph/index.ts";
import { type Named, type OptimizerConfig, makeOptimizer } from "./index.ts";

const engine = createInterpreter();
/** So many that the axis of the layers would be factored, were it one of a parameter's. */
const LAYERS = 33;
const STACK = "t/block";
const SHAPES = {
  "t/block/kernel": [LAYERS, 32, 34],
  "t/block/qkv/kernel": [LAYERS, 32, 2, 16],
  "t/block/bias": [LAYERS, 36],
  "t/block/gate": [LAYERS],
  "head/kernel": [34, 32],
  temperature: [],
} as const;

/** Arrays in these shapes, of both signs and uneven sizes from layer to layer. */
const arrays = (seed: number): Record<string, HostArray> =>
  Object.fromEntries(
    Object.entries(SHAPES).map(([name, shape], k) => {
      const size = sizeOf(shape);
      const values = Array.from({ length: size }, (_, i) => {
        const layer = Math.floor((i * LAYERS) / size);
        return Math.sin(1 + 7919 * i + 101 * seed + 13 * k) * (1 + (layer % 5) ** 2);
      });
      return [name, fromNumbers(values, shape, "float32")];
    }),
  );

/** Stacked layers as parameters by themselves: `t/block/…` of [layers, …] as `t/block_0/…`, `t/block_1/…`, …. */
const separate = (named: Named): Named =>
  Object.fromEntries(
    Object.entries(named).flatMap(([name, x]): [string, Tensor][] => {
      if (!name.startsWith(`${STACK}/`)) return [[name, x]];
      return Array.from({ length: LAYERS }, (_, i) => [
        name.replace(STACK, `${STACK}_${i}`),
        reshape(sliceAxis(x, 0, i, i + 1), x.shape.slice(1)),
      ]);
    }),
  );

/** Parameters and, where one is kept, their average after three steps; layers are stacked or not while training. */
async function trained(config: OptimizerConfig, isStacked: boolean) {
  const optimizer = makeOptimizer(config, { totalSteps: 100 }, isStacked ? [STACK] : []);
  const form = (named: Named): Named => (isStacked ? named : separate(named));
  const run = jit(engine, (start: Named, ...gradients: Named[]) => {
    let params = form(start);
    let state = optimizer.init(params);
    gradients.forEach((given, i) => {
      const step = scalar(5 + i, "int32");
      const result = optimizer.update(form(given), state, params, { step });
      state = result.state;
      const moved = Object.entries(result.updates).map(([name, update]) => {
        return [name, add(params[name], update)] as const;
      });
      params = { ...params, ...Object.fromEntries(moved) };
    });
    const last = (named: Named): Named => (isStacked ? separate(named) : named);
    return { params: last(params), average: last(state.average ?? {}) };
  });
  const result = await run(arrays(0), arrays(1), arrays(2), arrays(3));
  const named = Object.entries(result).flatMap(([kind, values]) =>
    Object.entries(values as unknown as Record<string, DeviceArray>).map(
      async ([name, array]) => [`${kind}/${name}`, toNumbers(await array.read())] as const,
    ),
  );
  return Object.fromEntries(await Promise.all(named));
}

/** Norms, rates, decay, freezing and schedules that differ from layer to layer. */
const RULED: Omit<Extract<OptimizerConfig, { name: "sgd" }>, "name" | "lr"> = {
  wd: 0.01,
  gradClipNorm: 1,
  lrMults: [
    ["t/block_1/.*", 0.5],
    ["head/.*", 2],
  ],
  wdMults: [
    ["t/block_2/kernel", 0.25],
    [".*/kernel", 1],
  ],
  schedule: [
    ["t/block_0/.*", null],
    ["t/block_3/.*", { decayType: "linear" }],
    [".*", { warmup: { steps: 4 } }],
  ],
};

test.each<OptimizerConfig>([
  { name: "adafactor", lr: 0.1 },
  { name: "adafactor", lr: 0.1, dtypeMomentum: "float32", clippingThreshold: 0.5, ...RULED },
  { name: "adafactor", lr: 0.1, momentum: null, minDimSizeToFactor: 16, clippingThreshold: 1 },
  { name: "adam", lr: 0.1, ...RULED },
  { name: "adamw", lr: 0.1, weightDecay: 0.1, nesterov: true, muDtype: "bfloat16" },
  { name: "lion", lr: 0.1, ...RULED },
  { name: "momentum", lr: 0.1, nesterov: true, ...RULED },
  { name: "sgd", lr: 0.1, ...RULED, averageDecay: 0.5 },
])("stacked layers train as separate ones: %j", async (config) => {
  const [stacked, apart] = [await trained(config, true), await trained(config, false)];
  const layers = 4 * LAYERS + 2;
  const averaged = config.averageDecay === undefined ? 0 : layers - 4; // the first block is frozen
  expect(Object.keys(apart)).toHaveLength(layers + averaged);
  for (const name of Object.keys(apart)) {
    stacked[name].forEach((value, i) => expect(value, name).toBeCloseTo(apart[name][i], 5));
  }
  const bias = toNumbers(arrays(0)["t/block/bias"]).slice(36, 72);
  expect(apart["params/t/block_1/bias"]).not.toEqual(bias); // they do move
});
