import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, randomKey, toNumbers } from "../graph/index.ts";
import { initialise } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { CLASSES, IMAGE, MODEL_ROWS } from "./contract-fixtures.ts";
import { MODELS, createModel } from "./index.ts";

const engine = createInterpreter();

/** The first classifier of a model at a tiny size. */
async function firstHead(name: string, told: Readonly<Record<string, unknown>>) {
  const { options } = MODEL_ROWS.find((row) => row.name === name)!;
  const { params } = initialise(createModel(name, { ...options, ...told }), randomKey(0), IMAGE);
  const flat = toFlat<Tensor>(params);
  return {
    kernel: toNumbers(await evaluate(engine, flat["head/kernel"])),
    bias: toNumbers(await evaluate(engine, flat["head/bias"])),
  };
}

test.each(MODELS.map(({ name }) => name))("the head of %s begins as it is told", async (name) => {
  const zero = await firstHead(name, { headZeroinit: true, headBiasInit: -6.9 });
  expect(new Set(zero.kernel)).toEqual(new Set([0]));
  expect(zero.bias).toEqual(Array<number>(CLASSES).fill(Math.fround(-6.9)));
  const drawn = await firstHead(name, { headZeroinit: false });
  expect(new Set(drawn.kernel).size).toBeGreaterThan(CLASSES);
  expect(drawn.bias).toEqual(Array<number>(CLASSES).fill(0));
});
