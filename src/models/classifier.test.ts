import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, randomKey, toNumbers } from "../graph/index.ts";
import { initialise, modelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { CLASSES, MODEL_ROWS, fieldsOfRow } from "./contract-fixtures.ts";
import { MODELS, createFieldModel, modelTakes } from "./index.ts";

const engine = createInterpreter();

/** The first classifier of a model at a tiny size. */
async function firstHead(name: string, told: Readonly<Record<string, unknown>>) {
  const row = MODEL_ROWS.find((one) => one.name === name)!;
  const model = createFieldModel(name, { ...row.options, ...told });
  const { params } = initialise(model, randomKey(0), fieldsOfRow(row));
  const flat = toFlat<Tensor>(params);
  return {
    kernel: toNumbers(await evaluate(engine, flat["head/kernel"])),
    bias: toNumbers(await evaluate(engine, flat["head/bias"])),
  };
}

const classifiers = MODELS.map(({ name }) => name).filter((name) => modelTakes(name, "headBias"));

test.each(classifiers)(
  "the head of %s starts from the configured kernel and bias",
  async (name) => {
    const zero = await firstHead(name, { headZeroinit: true, headBiasInit: -6.9 });
    expect(new Set(zero.kernel)).toEqual(new Set([0]));
    expect(zero.bias).toEqual(Array<number>(CLASSES).fill(Math.fround(-6.9)));
    const drawn = await firstHead(name, { headZeroinit: false });
    expect(new Set(drawn.kernel).size).toBeGreaterThan(CLASSES);
    expect(drawn.bias).toEqual(Array<number>(CLASSES).fill(0));
  },
);

test.each(classifiers)("the head of %s has no bias where it is to have none", (name) => {
  const row = MODEL_ROWS.find((one) => one.name === name)!;
  const model = createFieldModel(name, { ...row.options, headBias: false });
  const names = Object.keys(toFlat(modelSpecs(model, fieldsOfRow(row)).params));
  expect(names).toContain("head/kernel");
  expect(names).not.toContain("head/bias");
});
