import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { createOrtEngine } from "../engines/ort/index.ts";
import { createXlaEngine } from "../engines/xla/index.ts";
import { installedPlugins } from "../engines/xla/plugins.ts";
import { readNpz, writeNpz } from "../formats/npz.ts";
import { readSafetensors, writeSafetensors } from "../formats/safetensors.ts";
import { type Tensor, hostArray, mul, reduceSum, toNumbers, valueAndGrad } from "../graph/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import { compileNamed } from "../parity/compute.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import { fitWeights } from "../weights/index.ts";
import {
  CLASSES,
  MODEL_ROWS,
  type ModelRow,
  type Named,
  fieldsOfRow,
  noise,
  randomised,
} from "./contract-fixtures.ts";
import { MODELS, createFieldModel } from "./index.ts";

/** A layout's table that took our own names for its own would be a mistake. */
const OWN_LAYOUT = "Ocelli and big_vision";

const XLA = "xla-cpu";
/** Compiling is all that takes time here, and tiny programs need no optimised code. */
const QUICK = { xla_backend_optimization_level: 0, xla_llvm_disable_expensive_passes: true };
const xla = installedPlugins().includes(XLA)
  ? createXlaEngine({ plugin: XLA, threads: 2, compiler: QUICK })
  : undefined;
afterAll(() => xla?.dispose());

const long = process.env.OCELLI_LONG === "1";
const familyOf = ({ name }: ModelRow): string => name.replace(/\d$/, "");
/** Whether a row is the first of its family: on XLA the others compile in long runs alone. */
const isFirst = (row: ModelRow): boolean =>
  MODEL_ROWS.find((other) => familyOf(other) === familyOf(row)) === row;

/** Outputs and gradients by name. */
async function compute(
  engine: Engine,
  model: ReturnType<typeof createFieldModel>,
  fields: Named,
  params: Named,
  variables: Named = {},
  logits: readonly number[] = [2, CLASSES],
) {
  const run = compileNamed(engine, (given, inputs, { weights, ...rest }) => {
    const { aux, grads } = valueAndGrad((moved: Tree<Tensor>) => {
      const [logits, out] = apply(
        model,
        { params: moved, variables: fromFlat<Tensor>(rest) },
        inputs,
      ).result;
      return [reduceSum(mul(logits, weights)), { ...toFlat<Tensor>(out), logits }] as const;
    })(fromFlat<Tensor>(given));
    const gradients = Object.entries(toFlat<Tensor>(grads));
    return {
      ...aux,
      ...Object.fromEntries(gradients.map(([name, d]) => [`grads/${name}`, d])),
    };
  });
  const weights = noise("weights", { shape: logits, dtype: "float32" });
  return run(params, fields, { weights, ...variables });
}

const largest = (values: readonly number[]): number =>
  values.reduce((most, x) => (Math.abs(x) > most || Number.isNaN(x) ? Math.abs(x) : most), 0);

/** The largest difference over the largest magnitude, for every array that both hold. */
function differences(a: Named, b: Named): [string, number][] {
  return Object.keys(a).map((name) => {
    const [x, y] = [toNumbers(a[name]), toNumbers(b[name])];
    return [name, largest(x.map((value, i) => value - y[i])) / largest(x)];
  });
}

const gradientsOf = (results: Named): [string, number[]][] =>
  Object.entries(results)
    .filter(([name]) => name.startsWith("grads/"))
    .map(([name, array]) => [name.slice("grads/".length), toNumbers(array)]);

test("every registered model has a row", () => {
  expect(new Set(MODEL_ROWS.map(({ name }) => name))).toEqual(
    new Set(MODELS.map(({ name }) => name)),
  );
});

describe.each(MODEL_ROWS)("$name $options", (row) => {
  const { name, options, zero, scans, logits = [2, CLASSES], features = "pre_logits" } = row;
  const model = createFieldModel(name, options);
  const fields = fieldsOfRow(row);
  const specs = modelSpecs(model, fields);
  const [params, variables] = [randomised(specs.params), randomised(specs.variables)];
  const interpreter = createInterpreter();
  let ort: Engine;
  let results: Named;

  beforeAll(async () => {
    ort = await createOrtEngine({ threads: 1 });
    results = await compute(ort, model, fields, params, variables, logits);
  });
  afterAll(() => ort.dispose());

  test("the output has its shape, and the features are one row for each example", () => {
    expect(results.logits.shape).toEqual(logits);
    expect(results[features].shape[0]).toBe(2);
    expect(results.logits_2d?.shape.at(-1) ?? CLASSES).toBe(CLASSES);
  });

  test("every gradient is finite, and zero only where it must be", () => {
    const gradients = gradientsOf(results);
    expect(gradients.map(([leaf]) => leaf).sort()).toEqual(Object.keys(params).sort());
    const scale = largest(gradients.map(([, values]) => largest(values)));
    expect(scale).toBeLessThan(Infinity);
    const vanishing = gradients.filter(([, values]) => !(largest(values) > 1e-6 * scale));
    const expected = Object.keys(params).filter((leaf) => zero?.names.test(leaf));
    expect(vanishing.map(([leaf]) => leaf).sort(), zero?.reason).toEqual(expected.sort());
  });

  test.for([
    ["interpreter", interpreter],
    [XLA, xla],
  ] as const)("engines agree: ort and %s", async ([engineName, engine], { skip }) => {
    if (!engine)
      return skip(`${engineName} is not installed: ocelli engines install ${engineName}`);
    if (engine === xla && !long && !isFirst(row)) return skip("runs with OCELLI_LONG=1");
    const other = await compute(engine, model, fields, params, variables, logits);
    const apart = differences(results, other).filter(
      ([leaf, error]) => !(error < 1e-5) && !zero?.names.test(leaf),
    );
    expect(apart).toEqual([]);
  });

  test.each([
    ["npz", (arrays: Named): Named => readNpz(writeNpz(arrays))],
    ["safetensors", (arrays: Named): Named => readSafetensors(writeSafetensors(arrays)).tensors],
  ])("%s gives every parameter and variable back", (format, roundTrip) => {
    const read = fitWeights(format, roundTrip({ ...params, ...variables }), specs);
    expect(read).toEqual({
      params,
      variables,
      fresh: [],
      resized: [],
      left: [],
      layout: OWN_LAYOUT,
    });
  });

  if (!scans) return;
  test("stacked blocks compute what separate ones do", async () => {
    const scanned = createFieldModel(name, { ...options, scan: true });
    const { stacked } = modelSpecs(scanned, fields);
    expect(stacked).toEqual([expect.stringMatching(/^(Transformer|Encoder_0)\/encoderblock$/)]);
    const together = await compute(ort, scanned, fields, stackBlocks(params, 2));
    const apart = gradientsOf(together).flatMap(([leaf, values]) => {
      const separate = blockNames(leaf, 2).flatMap((one) => toNumbers(results[`grads/${one}`]));
      const error = largest(separate.map((value, i) => value - values[i])) / largest(separate);
      return error < 1e-5 || zero?.names.test(leaf) ? [] : [[leaf, error]];
    });
    expect(apart).toEqual([]);
    expect(differences({ logits: results.logits }, together)[0][1]).toBeLessThan(1e-5);
  });
});

/** The names of a stacked parameter's layers; the name itself outside of the stack. */
const blockNames = (name: string, depth: number): string[] =>
  name.includes("/encoderblock/")
    ? Array.from({ length: depth }, (_, i) => name.replace("/encoderblock/", `/encoderblock_${i}/`))
    : [name];

/** Blocks' parameters along a leading axis. */
function stackBlocks(params: Named, depth: number): Named {
  const names = new Set(
    Object.keys(params).map((name) => name.replace(/\/encoderblock_\d+\//, "/encoderblock/")),
  );
  return Object.fromEntries(
    [...names].map((name) => {
      const layers = blockNames(name, depth).map((one) => params[one]);
      if (layers.length === 1) return [name, layers[0]];
      const data = Float32Array.from(layers.flatMap(toNumbers));
      return [name, hostArray([depth, ...layers[0].shape], "float32", data)];
    }),
  );
}
