/** @file The sigmoid loss in chunks: what memory it takes, and what crosses between the devices of a mesh. */

import { afterAll, describe, expect, it } from "vitest";
import type { Mesh } from "../../src/engines/mesh.ts";
import { countCollectives } from "../../src/engines/xla/hlo.ts";
import { type XlaEngine, createXlaEngine } from "../../src/engines/xla/index.ts";
import { installedPlugins } from "../../src/engines/xla/plugins.ts";
import {
  type HostArray,
  type Tensor,
  arange,
  div,
  hostArray,
  mean,
  norm,
  oneHot,
  toNumbers,
  trace,
  valueAndGrad,
} from "../../src/graph/index.ts";
import { sigmoidContrastive, sigmoidXent } from "../../src/losses/index.ts";
import { pairLogits } from "../../src/models/index.ts";
import { seededRandom } from "../../src/random.ts";

const installed = installedPlugins().includes("xla-cpu");
const long = process.env.OCELLI_LONG === "1";
const WIDTH = 256;

const unit = (z: Tensor): Tensor => div(z, norm(z, 1, { keepDims: true }));

type Loss = (zimg: Tensor, ztxt: Tensor, t: Tensor, b: Tensor) => Tensor;

const chunked =
  (chunk: number): Loss =>
  (zimg, ztxt, t, b) =>
    mean(sigmoidContrastive(unit(zimg), unit(ztxt), t, { bias: b, chunk }));

/** The formula as it stands, batch × batch scores at once. */
const plain: Loss = (zimg, ztxt, t, b) => {
  const [batch] = zimg.shape;
  const labels = oneHot(arange(batch), batch);
  return mean(sigmoidXent(pairLogits(unit(zimg), unit(ztxt), t, b), labels));
};

/** The program of a loss and its gradients. */
const programOf = (loss: Loss, batch: number) => {
  const z = { shape: [batch, WIDTH], dtype: "float32" } as const;
  const one = { shape: [], dtype: "float32" } as const;
  return trace(
    (...inputs: Tensor[]) => {
      const names = ["zimg", "ztxt", "t", "b"];
      const given = Object.fromEntries(names.map((name, i) => [name, inputs[i]]));
      const { value, grads } = valueAndGrad((moved: Readonly<Record<string, Tensor>>) =>
        loss(moved.zimg, moved.ztxt, moved.t, moved.b),
      )(given);
      return [value, ...names.map((name) => grads[name])];
    },
    ...[z, z, one, one],
  ).program;
};

function embeddings(batch: number): HostArray[] {
  const random = seededRandom("embeddings", String(batch));
  const draw = (): HostArray => {
    const data = Float32Array.from({ length: batch * WIDTH }, () => random.uniform() - 0.5);
    return hostArray([batch, WIDTH], "float32", data);
  };
  const one = (value: number): HostArray => hostArray([], "float32", Float32Array.of(value));
  return [draw(), draw(), one(10), one(-10)];
}

async function compute(engine: XlaEngine, loss: Loss, batch: number, sharded = false) {
  const split = ["data"];
  const executable = await engine.compile(
    programOf(loss, batch),
    sharded
      ? {
          shardings: {
            inputs: [split, split, undefined, undefined],
            outputs: [undefined, split, split, undefined, undefined],
          },
        }
      : {},
  );
  const results = await executable.run(embeddings(batch));
  const values = await Promise.all(results.map(async (array) => toNumbers(await array.read())));
  const { memory } = executable;
  const collectives = countCollectives(executable.instructions);
  results.forEach((array) => array.dispose());
  executable.dispose();
  return { values, memory, collectives };
}

/** The largest difference over the largest magnitude, for each result. */
const apart = (a: readonly number[][], b: readonly number[][]): number[] =>
  a.map((values, i) => {
    const largest = b[i].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    return values.reduce((most, x, k) => Math.max(most, Math.abs(x - b[i][k])), 0) / largest;
  });

describe.skipIf(!installed)("the sigmoid loss on XLA", () => {
  const engines: XlaEngine[] = [];
  const open = (mesh?: Mesh): XlaEngine => {
    const engine = createXlaEngine({ plugin: "xla-cpu", mesh });
    engines.push(engine);
    return engine;
  };
  afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

  it(
    "takes memory by batch × chunk, and equals the plain formula",
    { timeout: 600_000 },
    async () => {
      const engine = open();
      const chunk = 256;
      const sizes = long ? [256, 1024, 4096, 8192] : [256, 2048];
      for (const batch of sizes) {
        const [a, b] = [
          await compute(engine, chunked(chunk), batch),
          await compute(engine, plain, batch),
        ];
        expect(Math.max(...apart(a.values, b.values))).toBeLessThan(1e-5);
        const inputs = 2 * batch * WIDTH * 4;
        // at most so many scores, and copies of the embeddings and their gradients
        expect(a.memory.temporaries).toBeLessThan(6 * batch * chunk * 4 + 6 * inputs);
        console.log(
          `batch ${batch}: ${a.memory.temporaries} bytes in chunks of ${chunk}, ${b.memory.temporaries} at once`,
        );
      }
    },
  );

  it("needs no more for 32,768 pairs than batch × chunk says", { timeout: 300_000 }, async () => {
    const engine = open();
    const batch = 32_768;
    for (const chunk of [256, 1024]) {
      using executable = await engine.compile(programOf(chunked(chunk), batch));
      const { temporaries } = executable.memory;
      console.log(`batch ${batch}: ${temporaries} bytes in chunks of ${chunk}`);
      expect(temporaries).toBeLessThan(6 * batch * chunk * 4 + 12 * batch * WIDTH * 4);
    }
  });

  it.each(long ? [2, 4, 8] : [4])(
    "passes texts from device to device over %i of them",
    { timeout: 300_000 },
    async (devices) => {
      const batch = 64;
      const split = await compute(open({ data: devices }), chunked(batch / devices), batch, true);
      const whole = await compute(open(), plain, batch);
      expect(Math.max(...apart(split.values, whole.values))).toBeLessThan(1e-5);
      console.log(`${devices} devices: ${JSON.stringify(split.collectives)}`);
      expect(split.collectives["collective-permute"]).toBeGreaterThan(0);
      expect(Object.keys(split.collectives).sort()).toEqual(["all-reduce", "collective-permute"]);
    },
  );
});
