/**
 * @file Trainings on a GPU in Node beside the same on the processor. Software that poses as a GPU compiles shaders for
 * minutes, so that this is asked for: `OCELLI_LONG=1 npx vitest run tests/webgpu` (docs/gpu.md: an adapter without a GPU).
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OrtEngine } from "../../src/engines/ort/engine.ts";
import {
  type WebGpuRuntime,
  createWebGpuRuntime,
} from "../../src/engines/ort/runtime/gpu/webgpu.ts";
import { type ConfigInput, resume, train } from "../../src/index.ts";
import { smallConfig, writeDigits } from "../e2e/small-run.ts";

const runtime: WebGpuRuntime | string =
  process.env.OCELLI_LONG === "1"
    ? await createWebGpuRuntime({ threads: 1 }).catch((error: unknown) => String(error))
    : "asked for by OCELLI_LONG=1";
const reason = typeof runtime === "string" ? `: skipped, ${runtime}` : "";

/** Models of at most a million parameters. */
const MODELS = {
  vit: { name: "vit", patchSize: [7, 7], width: 32, depth: 2, mlpDim: 64, numHeads: 2 },
  "mlp-mixer": {
    ...{ name: "mlp-mixer", patchSize: [7, 7], hiddenDim: 32, numBlocks: 2 },
    ...{ tokensMlpDim: 32, channelsMlpDim: 64 },
  },
  bit: { name: "bit", depth: [1, 1], width: 0.5 },
} as const;

/** Models that draw random bits in a step, and how they are told not to. */
const DRAWING = {
  "efficientnet-lite": {
    model: { name: "efficientnet-lite0", width: 0.1, depth: 0.1 },
    still: { dropout: 0, stochDepth: 0 },
  },
  convnext: {
    model: { name: "convnext", depths: [1, 1], widths: [8, 12], stochDepth: 0.2 },
    still: { stochDepth: 0 },
  },
} as const;
/** The operators of one Threefry: keys cut apart, rotated and mixed. */
const RANDOM_BITS = { Slice: 8, BitwiseXor: 89, BitShift: 81 };
const STEPS = 10;
const BATCH = 16;
/** Bytes of a digit as the loader gives it, and less than those of its label, shift and mask. */
const [PIXELS, BESIDE] = [28 * 28, 64];

describe.skipIf(reason !== "")(`training on a GPU${reason}`, () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "ocelli-webgpu-"));
    await writeDigits(dir);
  });
  afterAll(async () => {
    await rm(dir, { recursive: true });
    await (runtime as WebGpuRuntime).close();
  });

  const configOf = (model: object, steps: number) =>
    smallConfig(dir, steps, {
      ...{ model, objective: { name: "classification" }, log: { steps: 1 } },
      optimizer: { name: "adamw", lr: 2e-3 }, // bfloat16 moments have no kernels on a GPU
      ...{ evals: { test: { split: "test" } }, checkpoint: { every: { steps: 100 } } },
    }) as ConfigInput;

  async function losses(run: string): Promise<number[]> {
    const lines = (await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n");
    const entries = lines.map((line) => JSON.parse(line) as { readonly loss?: number });
    return entries.flatMap(({ loss }) => loss ?? []);
  }

  async function onGpu(config: ConfigInput, workdir: string) {
    const open = runtime as WebGpuRuntime;
    const engine = new OrtEngine({ runtime: open });
    const before = open.copied;
    const kept = Object.assign(engine, { dispose: () => Promise.resolve() });
    await train(config, { engine: () => Promise.resolve(kept), workdir });
    const { copied } = open;
    return {
      fallbacks: engine.fallbacks.get("train step") ?? {},
      toDevice: copied.toDevice - before.toDevice,
      toHost: copied.toHost - before.toHost,
    };
  }

  it.each(Object.entries(MODELS))(
    "%s: ten steps have the processor's losses; of a step only the batch and the metrics cross",
    { timeout: 1_200_000 },
    async (name, model) => {
      const folder = (what: string) => join(dir, `${name}-${what}`);
      await train(configOf(model, STEPS), { engine: "ort", workdir: folder("ort") });
      const whole = await onGpu(configOf(model, STEPS), folder("gpu"));
      const [expected, given] = [await losses(folder("ort")), await losses(folder("gpu"))];
      expect(given.length).toBe(STEPS);
      const apart = given.map((loss, i) => Math.abs(loss - expected[i]));
      expect(Math.max(...apart)).toBeLessThan(1e-4);
      expect(whole.fallbacks).toEqual({});
      // a run of half the steps copies as much before its first step and after its last
      const half = await onGpu(configOf(model, STEPS / 2), folder("half"));
      const perStep = (way: "toDevice" | "toHost") => (whole[way] - half[way]) / (STEPS / 2);
      expect(perStep("toDevice")).toBeGreaterThanOrEqual(BATCH * PIXELS);
      expect(perStep("toDevice")).toBeLessThan(BATCH * (PIXELS + BESIDE));
      expect(perStep("toHost")).toBeLessThan(100);
    },
  );

  it.each(Object.entries(DRAWING))(
    "%s: random bits alone are computed on the processor",
    { timeout: 1_200_000 },
    async (name, { model, still }) => {
      const folder = (what: string) => join(dir, `${name}-${what}`);
      await train(configOf(model, 2), { engine: "ort", workdir: folder("ort") });
      const drawn = await onGpu(configOf(model, 2), folder("gpu"));
      expect(drawn.fallbacks).toEqual(RANDOM_BITS);
      const [expected, given] = [await losses(folder("ort")), await losses(folder("gpu"))];
      const apart = given.map((loss, i) => Math.abs(loss - expected[i]));
      expect(Math.max(...apart)).toBeLessThan(1e-4);
      const none = await onGpu(configOf({ ...model, ...still }, 2), folder("still"));
      expect(none.fallbacks).toEqual({});
    },
  );

  it("a run that stopped resumes on the GPU", { timeout: 600_000 }, async () => {
    const workdir = join(dir, "stopped");
    const stop = new AbortController();
    const line = (text: string) => text.startsWith("step 5/") && stop.abort();
    const reporter = { line, status: () => undefined, terminal: false };
    const config = configOf(MODELS.vit, STEPS);
    const open = () =>
      Promise.resolve(
        Object.assign(new OrtEngine({ runtime: runtime as WebGpuRuntime }), {
          dispose: () => Promise.resolve(),
        }),
      );
    await train(config, { engine: open, workdir, signal: stop.signal, reporter });
    await resume(workdir, { engine: open });
    await train(config, { engine: open, workdir: join(dir, "unbroken") });
    expect(await losses(workdir)).toEqual(await losses(join(dir, "unbroken")));
  });
});
