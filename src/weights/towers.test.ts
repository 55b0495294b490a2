import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readSafetensors } from "../formats/safetensors.ts";
import { type HostArray, type Spec, hostArray, toNumbers } from "../graph/index.ts";
import { createFieldModel } from "../models/index.ts";
import { modelSpecs } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { describeTowers, fitWeights, unfitWeights } from "./index.ts";

const golden = (path: string) =>
  fileURLToPath(new URL(`../../tests/golden/${path}`, import.meta.url));

const spec = (shape: readonly number[], dtype: Spec["dtype"]): Spec => ({ shape, dtype });
const text = spec([1, 8], "int32");
const square = { text, image: spec([1, 32, 32, 3], "float32") };
const place = spec([1, 6], "int32");
const patches = { text, image: spec([1, 6, 48], "float32"), type: place, yidx: place, xidx: place };

/** Tensors as their library saved them, and the two towers they are of. */
async function published(path: string, fields: Readonly<Record<string, Spec>>) {
  const config: unknown = JSON.parse(await readFile(golden(`${path}/model/config.json`), "utf8"));
  const { model, layout } = describeTowers(config)!;
  const { name, ...options } = model;
  const { tensors } = readSafetensors(await readFile(golden(`${path}/model/model.safetensors`)));
  return { layout, tensors, options, specs: modelSpecs(createFieldModel(name, options), fields) };
}

const bytes = (arrays: Readonly<Record<string, HostArray>>) =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, dtype, data }]) => [
      name,
      `${dtype}[${shape}] ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64")}`,
    ]),
  );

test.each([
  ["hf_siglip/model", square],
  ["hf_siglip2/naflex", patches],
])("%s comes out of our arrays as it went in", async (path, fields) => {
  const { layout, tensors, specs } = await published(path, fields);
  const { params } = fitWeights(path, tensors, specs);
  expect(bytes(unfitWeights(layout, params))).toEqual(bytes(tensors));
});

test("CLIP comes out with the class token's position in the token", async () => {
  const { layout, tensors, specs } = await published("hf_clip/model", square);
  const { params } = fitWeights("clip", tensors, specs);
  const theirs = unfitWeights(layout, params);
  expect(Object.keys(theirs).sort()).toEqual(Object.keys(tensors).sort());
  for (const [name, { shape }] of Object.entries(tensors))
    expect(theirs[name].shape).toEqual(shape);
  expect(bytes(fitWeights("clip", theirs, specs).params)).toEqual(bytes(params));
});

describe("big_vision's files", () => {
  const options = { width: 8, depth: 1, numHeads: 2, mlpDim: 8 };
  const towers = {
    image: { ...options, patchSize: [4, 4] },
    text: { ...options, vocabSize: 5, scan: true },
    outDim: [null, 8],
  };
  const specs = modelSpecs(createFieldModel("two-towers", towers), {
    image: spec([1, 8, 8, 3], "float32"),
    text: spec([1, 3], "int32"),
  });
  const filled = Object.fromEntries(
    Object.entries(toFlat<Spec>(specs.params)).map(([name, { shape }], at) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [
        name,
        hostArray(
          shape,
          "float32",
          Float32Array.from({ length: size }, (_, i) => at + i),
        ),
      ];
    }),
  );

  test("second positions inside the text encoder are added to the outer ones", () => {
    const second = hostArray([1, 3, 8], "float32", new Float32Array(24).fill(100));
    const { params } = fitWeights("x", { ...filled, "txt/Encoder_0/pos_embedding": second }, specs);
    const want = toNumbers(filled["txt/pos_embedding"]).map((x) => x + 100);
    expect(toNumbers(params["txt/pos_embedding"])).toEqual(want);
  });

  test("an image tower's positions are resized to the model's grid, and a line says so", () => {
    const large = hostArray([1, 16, 8], "float32", new Float32Array(128).fill(3));
    const { params, resized } = fitWeights("x", { ...filled, "img/pos_embedding": large }, specs, {
      grid: [2, 2],
    });
    expect(new Set(toNumbers(params["img/pos_embedding"]))).toEqual(new Set([3]));
    expect(resized).toEqual(["img/pos_embedding from [1,16,8] to [1,4,8]"]);
  });

  test("a fixed-size tower is read by a NaFlex one", () => {
    const naflex = { image: { name: "naflex-vit", ...options, nposemb: 2 }, text: towers.text };
    const flexible = modelSpecs(createFieldModel("two-towers", { ...naflex, outDim: [null, 8] }), {
      ...patches,
      text: spec([1, 3], "int32"),
    });
    const { params } = fitWeights("x", filled, flexible);
    expect(params["img/embedding/kernel"].shape).toEqual([48, 8]);
    expect(params["img/embedding/kernel"].data).toEqual(filled["img/embedding/kernel"].data);
    expect(params["img/pos_embedding"].shape).toEqual([2, 2, 8]);
    expect(params["img/pos_embedding"].data).toEqual(filled["img/pos_embedding"].data);
  });
});

test("what a layout has no place for is named", () => {
  const array = hostArray([1], "float32", new Float32Array(1));
  expect(() => unfitWeights("transformers CLIP", { t: array, b: array })).toThrow(
    "the layout transformers CLIP has no place for b.",
  );
  expect(() => unfitWeights("transformers", { t: array })).toThrow('unknown layout "transformers"');
});

test("the published configurations are described whole", () => {
  // google/siglip-base-patch16-224 and openai/clip-vit-base-patch32, as their files have it
  const siglip = describeTowers({
    model_type: "siglip",
    text_config: { model_type: "siglip_text_model" },
    vision_config: { model_type: "siglip_vision_model" },
  })!;
  expect(siglip.model).toMatchObject({
    name: "two-towers",
    image: { name: "vit", width: 768, depth: 12, patchSize: [16, 16], poolType: "map" },
    text: { width: 768, vocabSize: 32_000, maxLength: 64, poolType: "last" },
    outDim: [null, 768],
  });
  const clip = describeTowers({ model_type: "clip", text_config: { eos_token_id: 2 } })!;
  expect(clip.model.text).not.toHaveProperty("eosId");
  expect(clip.model).toMatchObject({
    image: { width: 768, patchSize: [32, 32], preNorm: true, patchBias: false },
    text: { width: 512, causal: true, poolType: "eos", vocabSize: 49_408, maxLength: 77 },
    outDim: 512,
  });
  expect(describeTowers({ model_type: "blip" })).toBeUndefined();
});
