/** @file Memory: what is computed again instead of kept, by the executable's own figures. */

import { afterAll, describe, expect, it } from "vitest";
import { createXlaEngine } from "../../src/engines/xla/index.ts";
import { installedPlugins } from "../../src/engines/xla/plugins.ts";
import {
  type Tensor,
  add,
  attention,
  gelu,
  grad,
  mul,
  randomKey,
  reduceSum,
  sizeOf,
  trace,
} from "../../src/graph/index.ts";
import { type RematPolicy, vit } from "../../src/models/index.ts";
import { classification } from "../../src/objectives/index.ts";
import { makeOptimizer } from "../../src/optim/index.ts";
import { type TrainState, makeInit, makeTrainStep } from "../../src/train/step.ts";
import { type Tree, flatten } from "../../src/tree.ts";

const installed = installedPlugins().includes("xla-cpu");
const long = process.env.OCELLI_LONG === "1";

const spec = (...shape: number[]) => ({ shape, dtype: "float32" as const });

describe.skipIf(!installed)("memory on XLA", () => {
  const engine = createXlaEngine({ plugin: "xla-cpu" });
  afterAll(() => engine.dispose());

  it("keeps no layer's probabilities of a large attention, nor what GELU's backward pass computes again", async () => {
    const [batch, tokens, heads, features] = [16, 256, 4, 8];
    const x = spec(batch, tokens, heads, features);
    const probabilities = batch * heads * tokens * tokens * 4;
    const temporaries = async (layers: number): Promise<number> => {
      const { program } = trace((z: Tensor) => {
        const loss = (y: Tensor): Tensor => {
          for (let i = 0; i < layers; i++) y = add(y, gelu(attention(y, mul(y, 2), y)));
          return reduceSum(mul(y, y));
        };
        return grad(loss)(z);
      }, x);
      using executable = await engine.compile(program);
      return executable.memory.temporaries;
    };
    const aLayer = ((await temporaries(6)) - (await temporaries(2))) / 4;
    expect(aLayer).toBeLessThan(probabilities / 2);
  });

  it.runIf(long)(
    "of activations falls tenfold for a ViT-L/16 whose blocks are computed again",
    async () => {
      const keeping = createXlaEngine({ plugin: "xla-cpu" });
      Object.assign(keeping, { target: { ...keeping.target, recomputes: false } });
      let parameters = 0;
      const temporaries = async (rematPolicy: RematPolicy, on = engine): Promise<number> => {
        const batch = 8;
        const model = vit({ variant: "L/16", numClasses: 1000, rematPolicy });
        const objective = classification(model);
        const length = { totalSteps: 100, batchSize: batch };
        const optimizer = makeOptimizer({ name: "adamw", lr: 1e-3, weightDecay: 1e-4 }, length);
        const specs = {
          image: spec(batch, 224, 224, 3),
          label: { shape: [batch], dtype: "int32" },
        } as const;
        const init = makeInit(objective, optimizer, specs);
        let state: unknown;
        trace(() => (state = init(randomKey(0))) as unknown as Tree<Tensor>);
        parameters = flatten<Tensor>((state as TrainState).params).leaves.reduce(
          (sum, { shape }) => sum + sizeOf(shape),
          0,
        );
        const step = makeTrainStep(objective, optimizer);
        const { program } = trace(
          (s: TrainState, b: Record<string, Tensor>) => step(s, b) as unknown as Tree<Tensor>,
          state as Tree<Tensor>,
          specs,
        );
        const donate = Array.from({ length: program.inputs.length - 2 }, (_, i) => i);
        using executable = await on.compile(program, { donate });
        return executable.memory.temporaries;
      };
      const all = await temporaries("everything", keeping);
      const [kept, recomputed] = [await temporaries("everything"), await temporaries("nothing")];
      await keeping.dispose();
      const [most, some, least] = [all, kept, recomputed].map((bytes) => (bytes / 1e6).toFixed(0));
      console.log(
        `temporaries ${most} MB, ${some} MB by default, ${least} MB with recomputed blocks`,
      );
      // all gradients lie there at the end, since the step is taken by their norm
      const activations = (bytes: number): number => bytes - 4 * parameters;
      expect(activations(kept) / activations(recomputed)).toBeGreaterThan(10);
      expect(activations(all) / activations(kept)).toBeGreaterThan(1.5);
    },
    600_000,
  );
});
