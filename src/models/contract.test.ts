import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { createOrtEngine } from "../engines/ort/index.ts";
import {
  type HostArray,
  type Spec,
  type Tensor,
  hostArray,
  mul,
  reduceSum,
  sizeOf,
  toNumbers,
  valueAndGrad,
} from "../graph/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import { compileNamed } from "../parity/compute.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import { createModel, modelNames } from "./index.ts";

const CLASSES = 5;
const image: Spec = { shape: [2, 24, 24, 3], dtype: "float32" };
type Named = Readonly<Record<string, HostArray>>;

/** One model at a tiny size. */
interface Row {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Parameters whose gradient is zero in exact arithmetic, and why. */
  readonly zero?: { readonly names: RegExp; readonly reason: string };
  /** Where stacked blocks are an option. */
  readonly scans?: boolean;
}

const keyBias = {
  names: /key\/bias$/,
  reason: "a softmax does not change when all scores of a query move together",
};
const encoder = { width: 32, depth: 2, numHeads: 2, mlpDim: 40, numClasses: CLASSES };

const ROWS: readonly Row[] = [
  { name: "vit", options: { ...encoder, patchSize: [8, 8] }, zero: keyBias, scans: true },
  {
    name: "vit",
    options: { ...encoder, patchSize: [8, 8], poolType: "map", repSize: true, posemb: "sincos2d" },
    zero: keyBias,
    scans: true,
  },
  {
    name: "vit",
    options: { ...encoder, patchSize: [8, 8], parallel: true, qkNorm: true, qkvBias: false },
    scans: true,
  },
  {
    name: "flexivit",
    options: { ...encoder, patchSize: [6, 6], posembSize: [5, 5], seqhw: 3, poolType: "tok" },
    zero: keyBias,
    scans: true,
  },
  {
    name: "mlp-mixer",
    options: {
      patchSize: [8, 8],
      numBlocks: 2,
      hiddenDim: 32,
      tokensMlpDim: 12,
      channelsMlpDim: 40,
      numClasses: CLASSES,
    },
    zero: {
      names: /token_mixing\/Dense_1\/bias$/,
      reason: "what every channel of a token gains, the normalisations of that token take away",
    },
  },
  { name: "bit", options: { width: 0.5, depth: [1, 1], numClasses: CLASSES } },
  { name: "bit-paper", options: { width: 0.5, depth: [1, 1], numClasses: CLASSES } },
  ...[0, 1, 2].map((size) => ({
    name: `efficientnet-lite${size}`,
    options: { width: 0.1, depth: 0.1, numClasses: CLASSES },
  })),
  { name: "resnet", options: { width: 0.25, depth: [1, 2], numClasses: CLASSES } },
  { name: "convnext", options: { depths: [1, 1], widths: [8, 12], numClasses: CLASSES } },
  {
    name: "vit",
    options: { ...encoder, patchSize: [8, 8], poolType: "map", activation: "gelu", epsilon: 1e-3 },
    zero: keyBias,
  },
];

/** Numbers that look random, the same for a name everywhere. */
function noise(name: string, { shape }: Spec): HostArray {
  let state = [...name].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 0x01000193), 1) >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1; // [−1, 1)
  };
  const values = Float32Array.from({ length: sizeOf(shape) }, () => {
    if (/(scale|var)$/.test(name)) return 1 + 0.2 * next();
    return (name.endsWith("kernel") ? 0.25 : 0.15) * (next() + next());
  });
  return hostArray(shape, "float32", values);
}

const randomised = (specs: Tree<Spec>): Named =>
  Object.fromEntries(
    Object.entries(toFlat<Spec>(specs)).map(([name, spec]) => [name, noise(name, spec)]),
  );

/** Outputs and gradients by name. */
async function compute(
  engine: Engine,
  model: ReturnType<typeof createModel>,
  params: Named,
  variables: Named = {},
) {
  const run = compileNamed(engine, (given, { image: pixels, weights, ...rest }) => {
    const { aux, grads } = valueAndGrad((moved: Tree<Tensor>) => {
      const [logits, out] = apply(
        model,
        { params: moved, variables: fromFlat<Tensor>(rest) },
        pixels,
      ).result;
      return [reduceSum(mul(logits, weights)), { ...toFlat<Tensor>(out), logits }] as const;
    })(fromFlat<Tensor>(given));
    const gradients = Object.entries(toFlat<Tensor>(grads));
    return {
      ...aux,
      ...Object.fromEntries(gradients.map(([name, d]) => [`grads/${name}`, d])),
    };
  });
  const weights = noise("weights", { shape: [2, CLASSES], dtype: "float32" });
  return run(params, { image: noise("image", image), weights, ...variables });
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
  expect(new Set(ROWS.map(({ name }) => name))).toEqual(new Set(modelNames));
});

describe.each(ROWS)("$name $options", ({ name, options, zero, scans }) => {
  const model = createModel(name, options);
  const specs = modelSpecs(model, image);
  const [params, variables] = [randomised(specs.params), randomised(specs.variables)];
  const interpreter = createInterpreter();
  let ort: Engine;
  let results: Named;

  beforeAll(async () => {
    ort = await createOrtEngine({ threads: 1 });
    results = await compute(ort, model, params, variables);
  });
  afterAll(() => ort.dispose());

  test("logits are one row for each image", () => {
    expect(results.logits.shape).toEqual([2, CLASSES]);
    expect(results.pre_logits.shape[0]).toBe(2);
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

  test("engines agree", async () => {
    const other = await compute(interpreter, model, params, variables);
    const apart = differences(results, other).filter(
      ([leaf, error]) => !(error < 1e-5) && !zero?.names.test(leaf),
    );
    expect(apart).toEqual([]);
  });

  if (!scans) return;
  test("stacked blocks compute what separate ones do", async () => {
    const scanned = createModel(name, { ...options, scan: true });
    const { stacked } = modelSpecs(scanned, image);
    expect(stacked).toEqual(["Transformer/encoderblock"]);
    const together = await compute(ort, scanned, stackBlocks(params, 2));
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
