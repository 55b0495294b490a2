import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import {
  type HostArray,
  type Tensor,
  constant,
  fromNumbers,
  hostArray,
  isNaN,
  randomKey,
  reduceOr,
  stack,
  tensor,
  toNumbers,
} from "../graph/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import { fromFlat, toFlat } from "../tree.ts";
import { noise, randomised } from "./contract-fixtures.ts";
import { createFieldModel, createModel, fieldsTaken, shiftRight } from "./index.ts";

const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const ids = (...rows: number[][]): Tensor => tensor(rows, "int32");

type Fields = Readonly<Record<string, Tensor>>;
type Options = Readonly<Record<string, unknown>>;

/** A model with random parameters, of the shapes that some fields give it. */
function drawn(name: string, options: Options, fields: Fields) {
  const model = createFieldModel(name, options);
  const leaves = Object.entries(randomised(modelSpecs(model, fields).params));
  const params = fromFlat<Tensor>(
    Object.fromEntries(leaves.map(([leaf, array]) => [leaf, constant(array)])),
  );
  return (given: Fields, key?: Tensor) => {
    const { result } = apply(model, { params, train: key !== undefined, key }, given);
    return { output: result[0], ...toFlat<Tensor>(result[1]) } as Readonly<Record<string, Tensor>>;
  };
}

const text = { width: 8, depth: 2, numHeads: 2, mlpDim: 12, vocabSize: 10, maxLength: 6 };

test("under a causal mask a token reads none that comes after it", async () => {
  const [early, late] = [ids([1, 2, 3, 4]), ids([1, 2, 3, 9])];
  const of = async (causal: boolean) => {
    const run = drawn("text-transformer", { ...text, causal }, { text: early });
    const rows = async (x: Tensor) => (await read(run({ text: x }).transformed)).slice(0, 24);
    return [await rows(early), await rows(late)];
  };
  const [a, b] = await of(true);
  expect(a).toEqual(b);
  const [c, d] = await of(false);
  expect(c).not.toEqual(d);
});

test("padding that no token attends to changes nothing, however much there is", async () => {
  const options = { ...text, poolType: "first", padId: 0 };
  const run = drawn("text-transformer", options, { text: ids([5, 6, 0, 0]) });
  const [short, long] = [ids([5, 6, 0]), ids([5, 6, 0, 0, 0, 0])];
  const [a, b] = [await read(run({ text: short }).output), await read(run({ text: long }).output)];
  expect(Math.max(...a.map((x, i) => Math.abs(x - b[i])))).toBeLessThan(1e-6);
  const masked = drawn("text-transformer", { ...text, poolType: "first" }, { text: short });
  const c = await read(masked({ text: ids([5, 6, 4]), textMask: ids([1, 1, 0]) }).output);
  expect(Math.max(...a.map((x, i) => Math.abs(x - c[i])))).toBeLessThan(1e-6);
});

test("a text is read at its end: the first end, or the largest id", async () => {
  const given = ids([3, 9, 4, 9], [3, 1, 9, 4]);
  const at = async (options: Options) => {
    const run = drawn(
      "text-transformer",
      { ...text, poolType: "eos", ...options },
      { text: given },
    );
    const { output, transformed } = run({ text: given });
    const [pooled, all] = [await read(output), await read(transformed)];
    return [0, 1].map((row) => {
      const own = pooled.slice(8 * row, 8 * row + 8);
      return [0, 1, 2, 3].find((i) => {
        const from = 32 * row + 8 * i;
        return String(all.slice(from, from + 8)) === String(own);
      });
    });
  };
  expect(await at({})).toEqual([1, 2]);
  expect(await at({ eosId: 4 })).toEqual([2, 3]);
});

const host = (values: readonly number[], shape: readonly number[]): Tensor =>
  constant(fromNumbers(values, shape, "int32"));

/** Two rows of three patches, then places that are padding. */
function patches(padding: number): Fields {
  const n = 6 + padding;
  const pixels = noise("patches", { shape: [1, 6, 12], dtype: "float32" }).data as Float32Array;
  const filled = Float32Array.from({ length: 12 * n }, (_, i) => pixels[i] ?? 7);
  const place = (at: (i: number) => number): Tensor =>
    host(
      Array.from({ length: n }, (_, i) => (i < 6 ? at(i) : 0)),
      [1, n],
    );
  return {
    image: constant(hostArray([1, n, 12], "float32", filled)),
    type: place(() => 1),
    yidx: place((i) => Math.floor(i / 3)),
    xidx: place((i) => i % 3),
  };
}

test.each(["gap", "map", "max"])(
  "padding of patches changes nothing under %s",
  async (poolType) => {
    const options = { width: 8, depth: 2, numHeads: 2, mlpDim: 12, nposemb: 3, poolType };
    const run = drawn("naflex-vit", options, patches(0));
    const [a, b] = [await read(run(patches(0)).output), await read(run(patches(3)).output)];
    expect(Math.max(...a.map((x, i) => Math.abs(x - b[i])))).toBeLessThan(1e-6);
  },
);

test("positions of a grid of the learned size are the learned ones", async () => {
  const options = { width: 8, depth: 1, numHeads: 2, mlpDim: 12, nposemb: 3 };
  const grid = patches(0);
  const nine = Array.from({ length: 9 }, (_, i) => i);
  const fields: Fields = {
    image: constant(noise("nine", { shape: [1, 9, 12], dtype: "float32" })),
    type: host(
      nine.map(() => 1),
      [1, 9],
    ),
    yidx: host(
      nine.map((i) => Math.floor(i / 3)),
      [1, 9],
    ),
    xidx: host(
      nine.map((i) => i % 3),
      [1, 9],
    ),
  };
  const run = drawn("naflex-vit", options, grid);
  const { stem, with_posemb: placed } = run(fields);
  const table = Array.from(
    (noise("pos_embedding", { shape: [3, 3, 8], dtype: "float32" }) as HostArray).data,
    Number,
  );
  const [before, after] = [await read(stem), await read(placed)];
  const apart = after.map((x, i) => Math.abs(x - before[i] - table[i]));
  expect(Math.max(...apart)).toBeLessThan(1e-6);
});

test("a side of more patches than the canvas has no number, and without a canvas it has", async () => {
  const options = { width: 8, depth: 1, numHeads: 2, mlpDim: 12, nposemb: 3 };
  const isBroken = async (posemb: string) => {
    const run = drawn("naflex-vit", { ...options, posemb }, patches(0));
    return (await read(reduceOr(isNaN(run(patches(0)).output))))[0];
  };
  expect([await isBroken("learn_2d(2)"), await isBroken("learn_2d(3)")]).toEqual([1, 0]);
  expect(await isBroken("learn_2d")).toBe(0);
});

const image = (): Tensor => constant(noise("image", { shape: [2, 8, 8, 3], dtype: "float32" }));
const tower = { width: 8, depth: 1, numHeads: 2, mlpDim: 12, patchSize: [4, 4] };

test("two towers take either input alone, and give what they give of both", async () => {
  const both = { image: image(), text: ids([1, 2, 3], [4, 5, 6]) };
  const options = { image: tower, text, outDim: 4, biasInit: -10, temperatureInit: 10 };
  const model = createFieldModel("two-towers", options);
  const params = fromFlat<Tensor>(
    Object.fromEntries(
      Object.entries(randomised(modelSpecs(model, both).params)).map(([name, array]) => [
        name,
        constant(array),
      ]),
    ),
  );
  const half = (tree: typeof params, without: string) =>
    Object.fromEntries(Object.entries(tree).filter(([name]) => name !== without)) as typeof params;
  const all = toFlat<Tensor>(apply(model, { params }, both).result[1]);
  const onlyImage = apply(model, { params: half(params, "txt") }, { image: both.image }).result;
  const onlyText = apply(model, { params: half(params, "img") }, { text: both.text }).result;
  expect(await read(onlyImage[0])).toEqual(await read(all.zimg));
  expect(await read(onlyText[0])).toEqual(await read(all.ztxt));
  const lengths = await read(all.zimg);
  const square = lengths.slice(0, 4).reduce((sum, x) => sum + x * x, 0);
  expect(Math.abs(square - 1)).toBeLessThan(1e-6);
});

test("towers that do not go together are one error each", () => {
  const fields = { image: image(), text: ids([1, 2, 3], [4, 5, 6]) };
  const build = (options: Options) => () =>
    modelSpecs(createFieldModel("two-towers", options), fields);
  expect(build({ image: tower, text: { ...text, width: 12 }, outDim: [null, null] })).toThrow(
    "the image tower gives vectors of 8, the text tower of 12",
  );
  expect(build({ image: { ...tower, poolType: "none" }, text, outDim: [null, 8] })).toThrow(
    "the image tower must give a vector for each example",
  );
  expect(build({ image: { name: "vti" }, text })).toThrow('unknown model "vti"; valid: vit');
  expect(build({ image: tower, text: { ...text, widht: 8 } })).toThrow(
    'unknown option of text-transformer "widht"; valid: width',
  );
  expect(() => modelSpecs(createFieldModel("two-towers", { image: tower, text }), {})).toThrow(
    "two towers need image or text, but are given none.",
  );
});

test("a model of other fields is no model of images, and says what it takes", () => {
  expect(() => createModel("cappa")).toThrow(
    "the model cappa takes image, text, not an image alone.",
  );
  expect(fieldsTaken("vit")).toEqual(["image"]);
  expect(fieldsTaken("text-transformer")).toEqual(["text", "textMask"]);
  const given = { image: image() };
  expect(() => modelSpecs(createFieldModel("text-transformer", text), given)).toThrow(
    "the model text-transformer needs the field text, but is given image.",
  );
  const long = { text: ids([1, 1, 1, 1, 1, 1, 1]) };
  expect(() => modelSpecs(createFieldModel("text-transformer", text), long)).toThrow(
    "texts of 7 tokens are longer than the 6 positions of the model.",
  );
});

const words = ids([3, 1, 4, 2], [2, 5, 5, 1]);
const caption = { encoder: tower, vocabSize: 9, seqLen: 5 };

test("a caption's tokens are read one behind", async () => {
  expect(await read(shiftRight(words))).toEqual([0, 3, 1, 4, 0, 2, 5, 5]);
});

test("all captions are predicted at once where every example is masked, and none in evaluation", async () => {
  const fields = { image: image(), text: words };
  const options = { ...caption, maskedPredProb: 1 };
  const run = drawn("cappa", options, fields);
  const other = { ...fields, text: ids([1, 1, 1, 1], [1, 1, 1, 1]) };
  const key = randomKey(3);
  expect(await read(run(fields, key).output)).toEqual(await read(run(other, key).output));
  expect(await read(run(fields).output)).not.toEqual(await read(run(other).output));
});

test("half of the tokens are masked where half should be", async () => {
  const fields = { image: image(), text: words };
  const run = drawn("cappa", { ...caption, maskedPredProb: 1, maskingRatio: 0.5 }, fields);
  const changed = async (at: number) => {
    const rows = [
      [3, 1, 4, 2],
      [2, 5, 5, 1],
    ].map((row) => row.map((x, i) => (i === at ? 8 : x)));
    const key = randomKey(5);
    const [a, b] = [run(fields, key).output, run({ ...fields, text: ids(...rows) }, key).output];
    const values = await read(stack([a, b]));
    const size = values.length / 2;
    return [0, 1].map((row) => {
      const part = (from: number) =>
        values.slice(from + (row * size) / 2, from + ((row + 1) * size) / 2);
      return String(part(0)) !== String(part(size));
    });
  };
  const seen = await Promise.all([0, 1, 2, 3].map(changed));
  expect([0, 1].map((row) => seen.filter((one) => one[row]).length)).toEqual([2, 2]);
});

test("a scanned decoder computes what separate blocks do", async () => {
  const fields = { image: image(), text: words };
  const options = { ...caption, decoder: { depth: 3 } };
  const apart = createFieldModel("cappa", options);
  const named = randomised(modelSpecs(apart, fields).params);
  const joined = new Map<string, HostArray[]>();
  for (const [name, array] of Object.entries(named)) {
    const to = name.replace(/EncDecBlock\d/, "EncDecBlock");
    joined.set(to, [...(joined.get(to) ?? []), array]);
  }
  const stacked = [...joined].map(([name, list]) => {
    const one = list.length === 1 ? constant(list[0]) : stack(list.map((x) => constant(x)));
    return [name, one] as const;
  });
  const plain = Object.entries(named).map(([name, array]) => [name, constant(array)] as const);
  const scanned = createFieldModel("cappa", { ...options, decoder: { depth: 3, scan: true } });
  const run = (model: typeof apart, leaves: readonly (readonly [string, Tensor])[]) =>
    read(apply(model, { params: fromFlat<Tensor>(Object.fromEntries(leaves)) }, fields).result[0]);
  const [a, b] = [await run(apart, plain), await run(scanned, stacked)];
  expect(Math.max(...a.map((x, i) => Math.abs(x - b[i])))).toBeLessThan(1e-5);
});
