/**
 * @file Training images per second of a ViT on the XLA engine, with the share of the card's peak that its products use.
 *
 *     node bench/gpu/vit.ts --plugin FILE --model B/16 --batch 256 --steps 30 --rounds 3
 *
 * Prints one JSON object. The batch stays on the device; parameters and moments are float32, products and activations
 * bfloat16, as in vit_jax.py beside it.
 */

import { parseArgs } from "node:util";
import { type DeviceArray, jit } from "../../src/engines/engine.ts";
import { createXlaEngine } from "../../src/engines/xla/index.ts";
import { type Program, type Tensor, hostArray, trace, uniform } from "../../src/graph/index.ts";
import { vit } from "../../src/models/vit.ts";
import { apply } from "../../src/nn/index.ts";
import { classification } from "../../src/objectives/classification/classification.ts";
import { makeOptimizer } from "../../src/optim/index.ts";
import { type TrainState, makeInit, makeTrainStep } from "../../src/train/step.ts";
import type { Tree } from "../../src/tree.ts";

const CLASSES = 1000;
const { values } = parseArgs({
  options: {
    plugin: { type: "string" },
    model: { type: "string", default: "B/16" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "256" },
    steps: { type: "string", default: "30" },
    rounds: { type: "string", default: "3" },
    dtype: { type: "string", default: "bfloat16" },
    precision: { type: "string", default: "float32" },
    scan: { type: "boolean", default: false },
    /** Dense bfloat16 TFLOP/s of the card; an H200's data sheet says 989. */
    peak: { type: "string", default: "989" },
  },
});
const [batch, size, steps] = [values.batch, values.size, values.steps].map(Number);

const network = vit({
  variant: values.model,
  numClasses: CLASSES,
  headZeroinit: false,
  dtypeMm: values.dtype as "float32" | "bfloat16",
  scan: values.scan,
  rematPolicy: "everything",
});
const objective = classification(network);
const optimizer = makeOptimizer(
  { name: "adamw", lr: 1e-3, weightDecay: 1e-4 },
  { totalSteps: 1000, batchSize: batch },
);
const specs = {
  image: { shape: [batch, size, size, 3], dtype: "float32" },
  label: { shape: [batch], dtype: "int32" },
} as const;

/** Multiplications and additions of products and convolutions. */
function productFlops({ equations }: Program): number {
  return equations.reduce((sum, { primitive, inputs, outputs, attrs }) => {
    const { program } = attrs as { program?: Program };
    if (program) return sum + productFlops(program);
    const isProduct = ["dotGeneral", "convGeneralDilated"].includes(primitive.name);
    return sum + (isProduct ? primitive.flops!(inputs, outputs, attrs as unknown) : 0);
  }, 0);
}

const engine = createXlaEngine({
  plugin: values.plugin,
  precision: values.precision as "float32" | "tf32",
});
const make = jit(engine, (key: Tensor) => ({
  state: makeInit(objective, optimizer, specs)(key),
  image: uniform(key, specs.image.shape, -1, 1),
}));
const made = (await make(hostArray([2], "uint32", Uint32Array.of(0, 0)))) as {
  state: Tree<DeviceArray>;
  image: DeviceArray;
};
const { image } = made;
let { state } = made;
const label = await engine.upload(
  hostArray(
    [batch],
    "int32",
    Int32Array.from({ length: batch }, (_, i) => (i * 37) % CLASSES),
  ),
);

const forward = trace(
  ({ params }: TrainState, x: Tensor) => apply(network, { params }, x).result[0],
  state as never,
  specs.image,
);
const step = jit(engine, makeTrainStep(objective, optimizer), { donate: [0], name: "step" });

const losses: number[] = [];
async function run(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const result = (await step(state, { image, label })) as {
      state: typeof state;
      metrics: Record<string, DeviceArray>;
    };
    state = result.state;
    const { loss, ...rest } = result.metrics;
    if (i === times - 1) losses.push((await loss.read()).data[0] as number);
    loss.dispose();
    for (const metric of Object.values(rest)) metric.dispose();
  }
}

const compileStart = performance.now();
await run(1);
const firstStep = (performance.now() - compileStart) / 1e3;
await run(3);
const seconds: number[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const start = performance.now();
  await run(steps);
  seconds.push((performance.now() - start) / 1e3 / steps);
}
const best = Math.min(...seconds);
const flops = 3 * productFlops(forward.program);
console.log(
  JSON.stringify({
    what: `ocelli, ${engine.description}`,
    model: values.model,
    batch,
    size,
    dtype: values.dtype,
    images_per_s: Number((batch / best).toFixed(1)),
    ms_per_step: Number((best * 1e3).toFixed(2)),
    rounds_ms: seconds.map((s) => Number((s * 1e3).toFixed(2))),
    step_tflop: Number((flops / 1e12).toFixed(2)),
    peak_tflops_assumed: Number(values.peak),
    utilisation: Number((flops / best / (Number(values.peak) * 1e12)).toFixed(4)),
    first_step_s: Number(firstStep.toFixed(1)),
    memory: engine.memory,
    notes: [...engine.notes],
    losses,
  }),
);
await engine.dispose();
