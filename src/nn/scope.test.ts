import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import type { OcelliError } from "../errors.ts";
import {
  type Spec,
  type Tensor,
  add,
  full,
  indexAxis,
  mul,
  randomKey,
  stack,
  toNumbers,
  trace,
} from "../graph/index.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import {
  type LayerBody,
  type Params,
  type Scope,
  apply,
  countParameters,
  dense,
  dropout,
  initialise,
  layer,
  modelSpecs,
  rematLayer,
  zerosInit,
} from "./index.ts";
import { saveNothing } from "../graph/index.ts";

const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const image: Spec = { shape: [2, 3], dtype: "float32" };
const x = full([2, 3], 0.5);

const mlp = layer((scope, input: Tensor): Tensor =>
  dense(scope.at("Dense_1"), dense(scope.at("Dense_0"), input, 4), 3),
);

const DEPTH = 3;
const block: LayerBody = layer((scope, z) => {
  const inner = dropout(scope.at("Dropout_0"), dense(scope.at("Dense_0"), z, 3), 0.5);
  return [add(z, inner), { inner }];
});
const scanned = (scope: Scope, z: Tensor): Tensor => scope.scan("block", DEPTH, block, z)[0];
const unrolled = (scope: Scope, z: Tensor): Tensor => {
  let state = z;
  for (let i = 0; i < DEPTH; i++) [state] = block(scope.at("block", i), state);
  return state;
};

/** Parameters `block_i/…` stacked as `block/…`. */
const stackBlocks = (params: Tree<Tensor>): Params => {
  const flat = toFlat<Tensor>(params);
  const first = Object.keys(flat).filter((name) => name.startsWith("block_0/"));
  return fromFlat(
    Object.fromEntries(
      first.map((name) => [
        name.replace("block_0", "block"),
        stack(Array.from({ length: DEPTH }, (_, i) => flat[name.replace("block_0", `block_${i}`)])),
      ]),
    ),
  );
};

test("parameters are named by their scopes and counted", () => {
  const { params } = modelSpecs(mlp, image);
  expect(Object.keys(toFlat(params))).toEqual([
    "Dense_0/bias",
    "Dense_0/kernel",
    "Dense_1/bias",
    "Dense_1/kernel",
  ]);
  expect(countParameters(mlp, image)).toBe(3 * 4 + 4 + 4 * 3 + 3);
});

test("a parameter draws the same whatever else the model owns", async () => {
  const key = randomKey(1);
  const small = initialise((scope, input: Tensor) => dense(scope.at("Dense_1"), input, 3), key, {
    shape: [2, 4],
    dtype: "float32",
  });
  const large = initialise(mlp, key, image);
  const kernel = (params: Params): Promise<number[]> =>
    read(toFlat<Tensor>(params)["Dense_1/kernel"]);
  expect(await kernel(small.params)).toEqual(await kernel(large.params));
  expect(new Set(await kernel(large.params)).size).toBe(12);
});

test("apply computes over the given parameters", async () => {
  const params = fromFlat({ "Dense_0/kernel": full([3, 2], 2), "Dense_0/bias": full([2], 1) });
  const fn = (scope: Scope, input: Tensor) => dense(scope.at("Dense_0"), input, 2);
  const { result } = apply(fn, { params }, x);
  expect(await read(result)).toEqual([4, 4, 4, 4]);
});

test("one error lists all that does not fit, on both sides", () => {
  const params = fromFlat({
    "Dense_0/kernel": full([3, 5], 1),
    "Dense_0/bias": full([4], 1),
    "Dense_1/kernal": full([4, 3], 1),
    "Dense_1/bias": full([3], 1),
  });
  expect(() => apply(mlp, { params }, x)).toThrow(
    "Dense_0/kernel is float32[3,4] in the model but float32[3,5] is given; " +
      "missing: Dense_1/kernel; not in the model: Dense_1/kernal.",
  );
});

test("equations carry the name of their scope", () => {
  const { params } = modelSpecs(mlp, image);
  const { program } = trace(
    (p: Params, input: Tensor) => apply(mlp, { params: p }, input).result,
    params,
    image,
  );
  expect(new Set(program.equations.map(({ scope }) => scope))).toEqual(
    new Set(["Dense_0", "Dense_1"]),
  );
});

test("a name used with two shapes is an error", () => {
  const twice = (scope: Scope, input: Tensor) => {
    dense(scope.at("Dense_0"), input, 2);
    return dense(scope.at("Dense_0"), input, 3);
  };
  expect(() => modelSpecs(twice, image)).toThrow(
    "Dense_0/kernel is used twice, as [3,2] and as [3,3].",
  );
});

test("a scanned stack draws and computes what its layers do one by one, dropout included", async () => {
  const key = randomKey(3);
  const stacked = initialise(scanned, key, image).params;
  const separate = initialise(unrolled, key, image).params;
  const expected = toFlat<Tensor>(stackBlocks(separate));
  for (const [name, value] of Object.entries(toFlat<Tensor>(stacked))) {
    expect(await read(value)).toEqual(await read(expected[name]));
  }
  expect(modelSpecs(scanned, image).stacked).toEqual(["block"]);
  const options = { key: randomKey(4), train: true };
  const a = apply(scanned, { params: stacked, ...options }, x).result;
  const b = apply(unrolled, { params: separate, ...options }, x).result;
  expect(await read(a)).toEqual(await read(b));
  expect(await read(a)).not.toEqual(await read(apply(scanned, { params: stacked }, x).result));
});

test("a stack of another depth is told by name", () => {
  const params = fromFlat({
    "block/Dense_0/kernel": full([2, 3, 3], 1),
    "block/Dense_0/bias": full([3, 3], 1),
  });
  expect(() => apply(scanned, { params }, x)).toThrow(
    "block/Dense_0/kernel is float32[3,3,3] in the model but float32[2,3,3] is given",
  );
});

test("a recomputed layer computes the same, intermediates included", async () => {
  const fn = (body: LayerBody) => (scope: Scope, z: Tensor) => body(scope.at("block", 0), z);
  const { params } = initialise(fn(block), randomKey(5), image);
  const plain = apply(fn(block), { params }, x).result;
  const again = apply(fn(rematLayer(block, saveNothing)), { params }, x).result;
  expect(await read(again[0])).toEqual(await read(plain[0]));
  const inner = ({ 1: out }: typeof plain): Tensor => toFlat<Tensor>(out).inner;
  expect(await read(inner(again))).toEqual(await read(inner(plain)));
});

const counter = (scope: Scope, z: Tensor): Tensor => {
  const count = scope.variable("count", zerosInit, [], "int32");
  count.set(add(count.value, scope.train ? 1 : 0));
  return mul(z, 1);
};

test("variables begin by their initialiser and come back changed", async () => {
  const { params, variables } = initialise(counter, randomKey(0), image);
  const once = apply(counter, { params, variables, train: true }, x);
  const twice = apply(counter, { params, variables: once.variables, train: true }, x);
  expect(await read(twice.variables.count as Tensor)).toEqual([2]);
  expect(twice.variables.count).toMatchObject({ dtype: "int32" });
});

test("variables of a scanned stack lie stacked", async () => {
  const fn = (scope: Scope, z: Tensor) =>
    scope.scan("block", DEPTH, (inner, state) => [counter(inner, state), {}], z)[0];
  const { variables } = initialise(fn, randomKey(0), image);
  const after = apply(fn, { params: {}, variables, train: true }, x).variables;
  expect(await read(toFlat<Tensor>(after)["block/count"])).toEqual([1, 1, 1]);
});

test("randomness without a key is an error that names the layer", () => {
  const run = () =>
    apply(
      (scope, z: Tensor) => dropout(scope.at("Dropout_0"), z, 0.1),
      { params: {}, train: true },
      x,
    );
  expect(run).toThrow("Dropout_0/dropout needs randomness");
});

test("dropout keeps the mean, drops its share and is off in evaluation", async () => {
  const wide = full([100, 100], 1);
  const fn = (scope: Scope, z: Tensor) => dropout(scope, z, 0.25);
  const dropped = await read(
    apply(fn, { params: {}, key: randomKey(9), train: true }, wide).result,
  );
  const zeros = dropped.filter((value) => value === 0).length;
  expect(Math.abs(zeros / 10_000 - 0.25)).toBeLessThan(0.02); // 4.6 standard deviations
  expect(new Set(dropped)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  expect(apply(fn, { params: {} }, wide).result).toBe(wide);
  expect(() => apply(fn, { params: {} }, wide)).not.toThrow();
  expect(() => apply((s, z: Tensor) => dropout(s, z, 1), { params: {} }, wide)).toThrow(
    "a dropout rate lies in [0, 1), not 1.",
  );
});

test("layers of a stack have keys of their own", async () => {
  const keys = (scope: Scope): Tensor =>
    stack([0, 1, 2].map((i) => scope.at("block", i).key("noise")));
  const { result } = apply(keys, { params: {}, key: randomKey(0) });
  const rows = await read(result);
  expect(new Set(rows).size).toBe(6);
  expect(await read(indexAxis(result, 0, 1))).toEqual(rows.slice(2, 4));
});

test("mismatches carry a code by which commands exit", () => {
  const error = (() => {
    try {
      return apply(mlp, { params: {} }, x);
    } catch (caught) {
      return caught as OcelliError;
    }
  })();
  expect(error).toMatchObject({ code: "name" });
});
