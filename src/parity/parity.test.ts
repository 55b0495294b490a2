import { expect, test } from "vitest";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { fromNumbers } from "../graph/index.ts";
import { type JsonObject, compareArray, familyOf, makeCase } from "./index.ts";

const array = (...values: number[]) => fromNumbers(values, [values.length], "float32");
const tolerance = { rtol: 1e-2, atol: 0 };

test.each([
  ["equal", [1, 2], [1, 2], true],
  ["near, relative to the largest", [0, 100], [0.9, 100], true],
  ["too far", [0, 100], [1.1, 100], false],
  ["NaN where a number was", [1, 2], [NaN, 2], false],
  ["a number where NaN was", [NaN, 2], [1, 2], false],
  ["the same NaN and infinities", [NaN, -Infinity], [NaN, -Infinity], true],
  ["an infinity of the other sign", [Infinity, 2], [-Infinity, 2], false],
])("%s", (_name, want, got, ok) => {
  expect(compareArray("x", array(...want), array(...got), tolerance).ok).toBe(ok);
});

test("missing and misshapen arrays fail and say why", () => {
  const want = array(1, 2);
  expect(compareArray("x", want, undefined, tolerance)).toMatchObject({
    ok: false,
    note: "not computed",
  });
  expect(compareArray("x", want, array(1), tolerance)).toMatchObject({
    ok: false,
    note: "shape [1], recorded [2]",
  });
});

test("a narrow accumulator may differ in few elements only", () => {
  const want = array(...Array.from({ length: 100 }, () => 1));
  const off = (n: number, by: number) =>
    array(...Array.from({ length: 100 }, (_, i) => (i < n ? 1 + by : 1)));
  const check = (n: number, by: number) =>
    compareArray("x", want, off(n, by), { rtol: 1e-5, atol: 0 }, { rtol: 1e-2, share: 0.02 }).ok;
  expect([check(2, 5e-3), check(3, 5e-3), check(2, 2e-2)]).toEqual([true, false, false]);
});

test("a case without a family is known by its model", () => {
  const name = (description: JsonObject) => familyOf(description)?.name;
  expect(name({ model: "big_vision/models/vit" })).toBe("vit");
  expect(name({ model: "big_vision/utils: get_mixup" })).toBe("losses");
  expect(name({ model: "big_vision/utils: create_learning_rate_schedule" })).toBe("optim");
  expect(name({ model: "big_vision/models/proj/flexi/vit" })).toBe("flexi");
  expect(name({ family: "unknown", model: "big_vision/models/vit" })).toBeUndefined();
});

test("parameters by formula are a hash of name, index and seed", () => {
  const description = {
    seed: 1,
    parameters_by_formula: { parameters: { w: { shape: [2], mean: 1, std: 0.5, crc32: 7 } } },
  };
  const { params } = makeCase({ description, io: {}, params: undefined, grads: {} });
  // by Python: x = i + crc32 + seed through fmix32, then 1 + 0.5 * sqrt(12) * (x / 2**32 - 0.5)
  expect(Array.from(params.w.data as Float32Array)).toEqual([
    0.6293966174125671, 1.4498257637023926,
  ]);
});

const losses = async (outputs: readonly string[]) => {
  const description = { family: "losses", model: "" };
  const given = makeCase({
    description,
    io: Object.fromEntries([
      ["in/logits", fromNumbers([1, 2], [1, 2], "float32")],
      ["in/kl_labels", fromNumbers([0, 1], [1, 2], "float32")],
      ...outputs.map((name) => [`out/${name}`, fromNumbers([0], [], "float32")] as const),
    ]),
    params: undefined,
    grads: {},
  });
  return familyOf(description)!.compute(given, createInterpreter());
};

test("a loss takes the input that its name ends in, whatever that is called", async () => {
  const { outputs } = await losses(["softmax_xent_kl_labels/value"]);
  expect(Number(outputs["softmax_xent_kl_labels/value"].data[0])).toBeCloseTo(
    Math.log(1 + Math.exp(-1)),
    6,
  );
});

test("a loss that is not known is an error", async () => {
  await expect(losses(["focal_labels/value"])).rejects.toThrow(
    "the loss focal_labels is not known.",
  );
});

const optim = (config: JsonObject) =>
  familyOf({ family: "optim" })!.compute(
    makeCase({
      description: { config, schedule_arguments: { total_steps: 2 } },
      io: { "in/grads/0/w": array(1) },
      params: { w: array(1) },
      grads: {},
    }),
    createInterpreter(),
  );

test("unknown optimisers and options in a case are errors", async () => {
  await expect(optim({ lr: 1, optax_name: "scale_by_adan" })).rejects.toThrow(
    'unknown optimiser "scale_by_adan"; valid: scale_by_adam,',
  );
  await expect(optim({ lr: 1, optax_name: "trace", optax: { beta: 1 } })).rejects.toThrow(
    "case.json: config",
  );
});
