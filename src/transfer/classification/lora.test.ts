import { transfer } from "./transfer.ts";
import { expect, test } from "vitest";
import { evaluate, jit } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { type Tensor, fromNumbers, randomKey, toNumbers, uniform } from "../../graph/index.ts";
import { createModel } from "../../models/index.ts";
import { apply, initialise, isAdapter, mergeLora, modelSpecs } from "../../nn/index.ts";
import { classification } from "../../objectives/index.ts";
import { makeOptimizer } from "../../optim/index.ts";
import { fromFlat, toFlat } from "../../tree.ts";
import { readTree } from "../../served/device-trees.ts";
import { makeInit, makeTrainStep } from "../../train/step.ts";

const engine = createInterpreter();
const shape = { width: 8, depth: 2, mlpDim: 12, numHeads: 2, patchSize: [4, 4] };
const tiny = { ...shape, headZeroinit: false, numClasses: 3 };
const lora = { rank: 2, alpha: 3, targets: ".*/(query|out|Dense_0)/kernel" };
const image = { shape: [2, 8, 8, 3], dtype: "float32" } as const;
type Model = ReturnType<typeof createModel>;
type Flat = Record<string, Tensor>;

/** Initial parameters of a model; those of the adapters' second matrices drawn too, where asked. */
function draw(model: Model, filled: boolean): Flat {
  const { params } = initialise(model, randomKey(1), image);
  const entries = Object.entries(toFlat<Tensor>(params)).map(([name, value], i) => {
    const fill = filled && name.endsWith("lora_b");
    return [name, fill ? uniform(randomKey(i), value.shape, -1, 1) : value] as const;
  });
  return Object.fromEntries(entries);
}

const logitsOf = async (model: Model, params: Flat): Promise<number[]> => {
  const x = uniform(randomKey(7), image.shape, -1, 1);
  return toNumbers(await evaluate(engine, apply(model, { params: fromFlat(params) }, x).result[0]));
};

const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i])));

test.each([false, true])("a model begins as it was, and merges (scan %s)", async (scan) => {
  const base = createModel("vit", { ...tiny, scan });
  const adapted = createModel("vit", { ...tiny, scan, lora });
  const first = draw(adapted, false);
  const plain = Object.fromEntries(Object.entries(first).filter(([name]) => !isAdapter(name)));
  expect(Object.keys(first).filter(isAdapter)).toHaveLength(scan ? 6 : 12);
  const names = Object.keys(toFlat(modelSpecs(base, image).params as never));
  expect(Object.keys(plain).sort()).toEqual(names.sort());
  expect(await logitsOf(adapted, first)).toEqual(await logitsOf(base, plain));

  const moved = draw(adapted, true);
  const unmerged = await logitsOf(adapted, moved);
  expect(apart(unmerged, await logitsOf(base, plain))).toBeGreaterThan(0.1);
  expect(apart(unmerged, await logitsOf(base, mergeLora(moved, lora)))).toBeLessThan(1e-5);
});

test("only adapters train, and only they have state in the optimiser", async () => {
  const objective = classification(createModel("vit", { ...tiny, lora }));
  const optimizer = makeOptimizer(
    {
      name: "adamw",
      lr: 0.1,
      weightDecay: 0.1,
      schedule: [
        [".*/lora_[ab]", {}],
        [".*", null],
      ],
    },
    { totalSteps: 2 },
  );
  const pixels = Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => ((i * 7919) % 256) / 127.5 - 1);
  const batch = {
    image: fromNumbers(pixels, image.shape, "float32"),
    label: fromNumbers([0, 2], [2], "int32"),
  };
  const first = await jit(
    engine,
    makeInit(objective, optimizer, batch),
  )(fromNumbers([0, 42], [2], "uint32"));
  const step = jit(engine, makeTrainStep(objective, optimizer));
  const once = (await step(first, batch)) as unknown as { state: typeof first };
  const twice = (await step(once.state, batch)) as unknown as { state: typeof first };
  const read = async (state: typeof first) => {
    const arrays = toFlat((await readTree(state as never)) as never) as Record<string, never>;
    return Object.fromEntries(
      Object.entries(arrays).map(([name, array]) => [name, toNumbers(array)]),
    );
  };
  const [before, after] = [await read(first), await read(twice.state)];
  const params = Object.keys(before).filter((name) => name.startsWith("params/"));
  const changed = params.filter((name) => String(before[name]) !== String(after[name]));
  expect(changed).toEqual(params.filter(isAdapter));
  const kept = Object.keys(before).filter((name) => /^optimizer\/.*\/(kernel|bias)$/.test(name));
  expect(kept).toEqual([]);
});

test("a model that adapters do not suit is refused by its name, before its weights are fetched", async () => {
  const options = { method: "lora", model: "efficientnet-lite0" } as const;
  await expect(transfer({ name: "folder", dir: "nowhere" }, options)).rejects.toMatchObject({
    code: "argument",
    message: expect.stringMatching(
      /^--method lora does not suit efficientnet-lite0: .* could adapt\. Take --method full, or a vit\.$/,
    ) as string,
  });
  const vit = {
    method: "lora",
    model: "hf:a/b",
    architecture: { name: "vit", variant: "Ti/16" },
  } as const;
  await expect(transfer({ name: "folder", dir: "nowhere" }, vit)).rejects.toThrow("nowhere");
});

test("where nothing matches, what could is told", () => {
  const lite = createModel("efficientnet-lite0", { numClasses: 2, lora: { rank: 2 } });
  const specs = { shape: [1, 32, 32, 3], dtype: "float32" } as const;
  expect(() => modelSpecs(lite, specs)).toThrow(/no dense layer beside its classifier/);
  const named = (targets: string) => ({ numClasses: 2, lora: { rank: 2, targets } });
  const other = createModel("efficientnet-lite0", named(".*/query/kernel"));
  expect(() => modelSpecs(other, specs)).toThrow(
    /no dense layer to adapt that matches .*query.kernel. Its dense layers: head\/kernel/,
  );
  const none = createModel("resnet", { depth: [1], lora: { rank: 2, targets: ".*" } });
  expect(() => modelSpecs(none, specs)).toThrow(/no dense layer at all/);
  const wrong = () => createModel("vit", { ...tiny, lora: { rank: 2, targets: "(" } });
  expect(wrong).toThrow(/"\(" is not a regular expression/);
});
