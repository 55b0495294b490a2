/** @file A GPU that is lost, or has no memory left, in the middle of a training: the error says so, and the run resumes. */

import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OrtEngine } from "../../src/engines/ort/engine.ts";
import { createNativeRuntime } from "../../src/engines/ort/runtime/native.ts";
import { type ConfigInput, resume, train } from "../../src/index.ts";
import { smallConfig, writeDigits } from "./small-run.ts";

const STEPS = 8;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-lost-"));
  await writeDigits(dir);
  await train(config(), { engine: "ort", workdir: join(dir, "unbroken") });
});
afterAll(() => rm(dir, { recursive: true }));

const config = (): ConfigInput =>
  smallConfig(dir, STEPS, {
    ...{ log: { steps: 1 }, evals: { test: { split: "test" } } },
    checkpoint: { every: { steps: 2 } },
  }) as ConfigInput;

async function lossesOf(run: string): Promise<number[]> {
  const lines = (await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n");
  return lines.flatMap((line) => (JSON.parse(line) as { readonly loss?: number }).loss ?? []);
}

/** The engine of the processor, whose training step says at its n-th run what a GPU's would. */
function failingEngine(at: number, message: string): OrtEngine {
  const runtime = createNativeRuntime({ threads: 1 });
  const engine = new OrtEngine({ runtime });
  const compile = engine.compile.bind(engine);
  let steps = 0;
  let isStep = false;
  engine.compile = async (program, options) => {
    isStep = options?.name === "train step";
    return compile(program, options);
  };
  const createSession = runtime.createSession.bind(runtime);
  runtime.createSession = async (...given) => {
    const session = await createSession(...given);
    if (!isStep) return session;
    const { api } = runtime;
    const callAsync = api.callAsync.bind(api);
    const run = session.run.bind(session);
    session.run = (inputs, outputs) => {
      steps++;
      if (steps === at) {
        api.callAsync = (...call) => {
          api.callAsync = callAsync;
          return call[0] === "Run" ? Promise.reject(new Error(message)) : callAsync(...call);
        };
      }
      return run(inputs, outputs);
    };
    return session;
  };
  return engine;
}

test.each([
  ["lost", "ONNX Runtime, Run: WebGPU device lost (1): VK_ERROR_DEVICE_LOST", /the GPU was lost/],
  [
    "full",
    "ONNX Runtime, Run: WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.",
    /the GPU has no memory left for an array/,
  ],
] as const)("%s in the middle of a training", async (name, message, said) => {
  const workdir = join(dir, name);
  const engine = failingEngine(6, message);
  const broken = train(config(), { engine: () => Promise.resolve(engine), workdir });
  await expect(broken).rejects.toMatchObject({
    code: "engine",
    message: expect.stringMatching(said) as string,
    hint: expect.stringMatching(name === "lost" ? /train --resume/ : /batchSize/) as string,
  });
  const kept = await readdir(join(workdir, "checkpoints"));
  expect(kept.some((file) => /4/.test(file))).toBe(true);
  await resume(workdir, { engine: "ort" });
  expect(await lossesOf(workdir)).toEqual(await lossesOf(join(dir, "unbroken")));
});
