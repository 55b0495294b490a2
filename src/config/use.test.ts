/** @file Definitions of a user: in configurations, by type and in fact. */

import { expect, test } from "vitest";
import { z } from "zod";
import { defineSource } from "../data/define.ts";
import { defineEvaluator } from "../evaluate/index.ts";
import { hostArray, reshape } from "../graph/index.ts";
import { defineModel } from "../models/index.ts";
import { dense } from "../nn/index.ts";
import { defineOptimizer } from "../optim/index.ts";
import { sgd } from "../optim/index.ts";
import { defineConfig } from "./define-config.ts";
import { configSchema } from "./config.ts";
import { added, use } from "./use.ts";

const flat = defineModel({
  name: "flat",
  schema: z.strictObject({ numClasses: z.int().optional(), gain: z.number().default(2) }),
  create:
    ({ numClasses = 2 }) =>
    (scope, image) => {
      const pixels = reshape(image, [image.shape[0], -1]);
      return [dense(scope.at("head"), pixels, numClasses), { pre_logits: pixels }];
    },
});

const plain = defineOptimizer({
  name: "plain",
  schema: z.strictObject({ damping: z.number().optional() }),
  create: () => sgd(),
});

const squares = defineSource({
  name: "squares",
  schema: z.strictObject({ side: z.int() }),
  open: ({ side }) => ({
    name: "squares",
    splits: ["train"],
    open: () =>
      Promise.resolve({
        length: 4,
        fields: { image: "image", label: "class" },
        names: { label: ["dark", "light"] },
        id: String,
        read: (index) => ({
          image: hostArray([side, side, 3], "uint8", new Uint8Array(3 * side * side).fill(index)),
          label: hostArray([], "int32", Int32Array.of(index % 2)),
        }),
      }),
  }),
});

const count = defineEvaluator({
  name: "count",
  schema: z.strictObject({ least: z.int().optional() }),
  create: () => ({
    head: "logits",
    measure: ({ batch: { mask } }) => ({ rows: { mask } }),
    summarise: ({ judged }) => [["count", judged.rows.mask.shape[0]]],
  }),
});

const rest = {
  name: "own",
  preprocess: { train: "value_range(-1, 1)", eval: "value_range(-1, 1)" },
  batchSize: 2,
  duration: { steps: 1 },
  objective: { name: "classification" },
} as const;

test("a configuration takes definitions of its user, with their options checked", () => {
  const config = defineConfig(
    {
      ...rest,
      data: { name: "squares", side: 4 },
      model: { name: "flat", gain: 3, lora: { rank: 2 } },
      optimizer: { name: "plain", lr: 0.1, damping: 0.5 },
      evals: { all: { type: "count", split: "train", least: 1 }, test: { split: "train" } },
    },
    { use: [flat, plain, squares, count] },
  );
  expect(configSchema().parse(config).model).toEqual({ name: "flat", gain: 3, lora: { rank: 2 } });
  expect(added().map(({ name }) => name)).toEqual(["flat", "count", "squares", "plain"]);
});

test("a teacher may be of a model that was added after the first configuration", () => {
  const distilled = (model: string) => ({
    ...rest,
    data: { name: "mnist" },
    model: { name: "vit" },
    optimizer: { name: "sgd", lr: 0.1 },
    objective: { name: "distillation", teacher: { model: { name: model }, weights: "a.npz" } },
  });
  const known = () => configSchema().parse(distilled("late")).objective;
  expect(known).toThrow("objective");
  use([{ ...flat, name: "late" }]);
  expect(known()).toMatchObject({ teacher: { model: { name: "late", gain: 2 } } });
});

test("types know their options", () => {
  const wrong = () =>
    defineConfig(
      {
        ...rest,
        data: { name: "squares", side: 4 },
        // @ts-expect-error an option that the model does not have
        model: { name: "flat", gian: 3 },
        optimizer: { name: "plain", lr: 0.1 },
      },
      { use: [flat, plain, squares] },
    );
  expect(wrong).toThrow('unknown key "model.gian"');
  const unknown = () =>
    defineConfig({
      ...rest,
      data: { name: "mnist" },
      // @ts-expect-error no such model without `use`
      model: { name: "falt" },
      optimizer: { name: "sgd", lr: 0.1 },
    });
  expect(unknown).toThrow("model.name must be one of flat, ");
  const part = () =>
    defineConfig(
      {
        ...rest,
        data: { name: "mixture", parts: [{ data: { name: "squares", side: 4 }, weight: 1 }] },
        model: { name: "vit" },
        // @ts-expect-error an option of another optimiser
        optimizer: { name: "plain", lr: 0.1, b1: 0.9 },
      },
      { use: [plain, squares] },
    );
  expect(part).toThrow('unknown key "optimizer.b1"');
});

test("a name stands for one definition", () => {
  use([flat]); // the same again
  const other = { ...flat };
  expect(() => use([other])).toThrow('there is already another model named "flat"');
  // @ts-expect-error what is no definition
  expect(() => use([{ name: "what" }])).toThrow("use takes what defineModel and its like give");
});
