import { afterAll, expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, add, scalar, tensor, toNumbers } from "../graph/index.ts";
import { compileRules } from "./rules.ts";
import { layerDecay, makeOptimizer } from "./index.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

test("LARS is the formula of SimCLR's code, the rate a part of the momentum", async () => {
  const [lr, wd, trust, momentum] = [2, 0.1, 1e-3, 0.9];
  const schedule = { decayType: "linear", warmup: { steps: 2 } } as const;
  const optimizer = makeOptimizer({ name: "lars", lr, wd, schedule }, { totalSteps: 6 });
  const gradients = [
    [1, 2],
    [-3, 1],
    [0.5, 0.5],
    [2, -1],
  ];
  let params: Record<string, Tensor> = { "a/kernel": tensor([[3, 4]]), "a/bias": tensor([1, -1]) };
  let state = optimizer.init(params);
  let [kernel, bias] = [
    [3, 4],
    [1, -1],
  ];
  let [kept, keptBias] = [
    [0, 0],
    [0, 0],
  ];
  for (const [step, g] of gradients.entries()) {
    const context = { step: scalar(step, "int32") };
    const given = { "a/kernel": tensor([g]), "a/bias": tensor(g) };
    const { updates, state: next } = optimizer.update(given, state, params, context);
    params = Object.fromEntries(
      Object.entries(params).map(([name, x]) => [name, add(x, updates[name])]),
    );
    state = next;
    const [rate] = await read(optimizer.learningRate(context.step));
    const decayed = g.map((x, i) => x + wd * kernel[i]);
    const factor = (trust * Math.hypot(...kernel)) / Math.hypot(...decayed);
    kept = kept.map((v, i) => momentum * v + rate * factor * decayed[i]);
    keptBias = keptBias.map((v, i) => momentum * v + rate * g[i]);
    kernel = kernel.map((w, i) => w - kept[i]);
    bias = bias.map((w, i) => w - keptBias[i]);
  }
  (await read(params["a/kernel"])).forEach((w, i) => expect(w).toBeCloseTo(kernel[i], 5));
  (await read(params["a/bias"])).forEach((w, i) => expect(w).toBeCloseTo(bias[i], 5));
});

test("layer decay falls by one factor a block", () => {
  const rate = compileRules(layerDecay(2, 0.5));
  expect(rate("embedding/kernel")).toBe(0.125);
  expect(rate("Transformer/encoderblock_0/LayerNorm_0/scale")).toBe(0.25);
  expect(rate("Transformer/encoderblock_1/LayerNorm_0/scale")).toBe(0.5);
  expect(rate("Transformer/encoder_norm/scale")).toBeUndefined();
  expect(rate("head/kernel")).toBeUndefined();
});

test("LARS says what it takes instead of wdMults", () => {
  const config = { name: "lars", lr: 1, wdMults: [["head/.*", 0] as const] };
  expect(() => makeOptimizer(config as never, { totalSteps: 1 })).toThrow(
    "lars does not take optimizer.wdMults.",
  );
});
