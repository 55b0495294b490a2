import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createModel } from "../models/index.ts";
import { countParameters } from "../nn/index.ts";
import { describeSpec, describeWeights } from "./index.ts";

const half = [0.5, 0.5, 0.5];
const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const IMAGENET = "vgg_value_range([123.675,116.28,103.53],[58.395,57.12,57.375])";

// As transformers and timm write them for well-known models; the parameters are the published ones.
const CASES: readonly {
  readonly name: string;
  readonly config: object;
  readonly preprocessor?: object;
  readonly model: object;
  readonly preprocessing: string | undefined;
  readonly part?: string;
  readonly parameters: number;
}[] = [
  {
    name: "google/vit-base-patch16-224",
    config: {
      ...{ model_type: "vit", architectures: ["ViTForImageClassification"], image_size: 224 },
      ...{ hidden_act: "gelu", hidden_size: 768, intermediate_size: 3072, layer_norm_eps: 1e-12 },
      ...{ num_attention_heads: 12, num_hidden_layers: 12, patch_size: 16, qkv_bias: true },
    },
    preprocessor: {
      ...{ image_processor_type: "ViTImageProcessor", do_rescale: true, rescale_factor: 1 / 255 },
      ...{ do_normalize: true, do_resize: true, size: { height: 224, width: 224 }, resample: 2 },
      ...{ image_mean: half, image_std: half },
    },
    model: {
      ...{ name: "vit", patchSize: [16, 16], width: 768, depth: 12, mlpDim: 3072, numHeads: 12 },
      ...{ poolType: "tok", activation: "gelu", epsilon: 1e-12, qkvBias: true },
    },
    preprocessing: 'decode(alpha="drop")|resize(224,method="pil_bilinear")|value_range(-1,1)',
    parameters: 86_567_656 - 768, // the class token has no position of its own here
  },
  {
    name: "google/siglip-base-patch16-224",
    config: {
      ...{ model_type: "siglip", text_config: { model_type: "siglip_text_model" } },
      vision_config: { model_type: "siglip_vision_model" },
    },
    preprocessor: {
      ...{ image_processor_type: "SiglipImageProcessor", do_rescale: true },
      ...{ do_normalize: true, do_resize: true, size: { height: 224, width: 224 }, resample: 3 },
      ...{ image_mean: half, image_std: half },
    },
    part: "vision_model",
    model: {
      ...{ name: "vit", patchSize: [16, 16], width: 768, depth: 12, mlpDim: 3072, numHeads: 12 },
      ...{ poolType: "map", activation: "gelu-tanh", epsilon: 1e-6 },
    },
    preprocessing: 'decode(alpha="drop")|resize(224,method="pil_bicubic")|value_range(-1,1)',
    parameters: 92_884_224 + 769_000, // the tower, and a classifier of ours
  },
  {
    name: "microsoft/resnet-50",
    config: {
      ...{ model_type: "resnet", depths: [3, 4, 6, 3], hidden_sizes: [256, 512, 1024, 2048] },
      ...{ embedding_size: 64, layer_type: "bottleneck", downsample_in_first_stage: false },
    },
    preprocessor: {
      ...{ feature_extractor_type: "ConvNextFeatureExtractor", crop_pct: null },
      ...{ do_normalize: true, do_resize: true, size: 224, resample: 3, ...imagenet },
    },
    model: { name: "resnet", depth: [3, 4, 6, 3], width: 1 },
    preprocessing: `decode(alpha="drop")|resize_small(256,method="pil_bicubic")|central_crop(224)|${IMAGENET}`,
    parameters: 25_557_032,
  },
  {
    name: "google/bit-50",
    config: {
      ...{ model_type: "bit", depths: [3, 4, 6, 3], hidden_sizes: [256, 512, 1024, 2048] },
      ...{ embedding_size: 64, layer_type: "preactivation", global_padding: null, width_factor: 1 },
    },
    preprocessor: {
      ...{ image_processor_type: "BitImageProcessor", do_convert_rgb: true },
      ...{ do_normalize: true, do_resize: true, size: { shortest_edge: 448 }, resample: 3 },
      ...{ do_center_crop: true, crop_size: { height: 448, width: 448 } },
      ...{ image_mean: half, image_std: half },
    },
    model: { name: "bit-paper", depth: [3, 4, 6, 3], width: 1, zeroPool: true },
    preprocessing:
      'decode(alpha="drop")|resize_small(448,method="pil_bicubic")|central_crop(448)|value_range(-1,1)',
    parameters: 25_549_352,
  },
  {
    name: "facebook/convnext-tiny-224, as it was first",
    config: {
      ...{ model_type: "convnext", depths: [3, 3, 9, 3], hidden_sizes: [96, 192, 384, 768] },
      ...{ patch_size: 4, hidden_act: "gelu", layer_norm_eps: 1e-12 },
    },
    preprocessor: {
      ...{ feature_extractor_type: "ConvNextFeatureExtractor", crop_pct: 0.875 },
      ...{ do_normalize: true, do_resize: true, size: 224, resample: 3, ...imagenet },
    },
    model: { name: "convnext", depths: [3, 3, 9, 3], widths: [96, 192, 384, 768] },
    preprocessing: `decode(alpha="drop")|resize_small(256,method="pil_bicubic")|central_crop(224)|${IMAGENET}`,
    parameters: 28_589_128,
  },
  {
    name: "a ConvNeXt at 384",
    config: { model_type: "convnext", depths: [3, 3, 27, 3], hidden_sizes: [96, 192, 384, 768] },
    preprocessor: {
      ...{ image_processor_type: "ConvNextImageProcessorFast", size: { shortest_edge: 384 } },
      ...{ do_normalize: true, do_resize: true, resample: 3, ...imagenet },
    },
    model: { name: "convnext", depths: [3, 3, 27, 3], widths: [96, 192, 384, 768] },
    preprocessing: `decode(alpha="drop")|resize(384,method="pil_bicubic")|${IMAGENET}`,
    parameters: 50_223_688,
  },
  {
    name: "timm/vit_small_patch16_224.augreg_in21k_ft_in1k",
    config: {
      ...{ architecture: "vit_small_patch16_224", num_classes: 1000, num_features: 384 },
      pretrained_cfg: {
        ...{ input_size: [3, 224, 224], interpolation: "bicubic", crop_pct: 0.9 },
        ...{ crop_mode: "center", mean: half, std: half, fixed_input_size: true },
      },
    },
    model: { name: "vit", variant: "S/16", poolType: "tok", activation: "gelu" },
    preprocessing:
      'decode(alpha="drop")|resize_small(248,method="pil_bicubic")|central_crop(224)|value_range(-1,1)',
    parameters: 22_050_664 - 384,
  },
  {
    name: "timm/resnetv2_101x3_bit.goog_in21k_ft_in1k",
    config: {
      architecture: "resnetv2_101x3_bit",
      pretrained_cfg: {
        ...{ input_size: [3, 448, 448], interpolation: "bilinear", crop_pct: 1 },
        ...{ mean: half, std: half },
      },
    },
    model: { name: "bit-paper", variant: "R101x3", zeroPool: true },
    preprocessing:
      'decode(alpha="drop")|resize_small(448,method="pil_bilinear")|central_crop(448)|value_range(-1,1)',
    parameters: 387_934_888,
  },
  {
    name: "timm/vit_so400m_patch14_siglip_224.webli",
    config: {
      architecture: "vit_so400m_patch14_siglip_224",
      pretrained_cfg: {
        ...{ input_size: [3, 224, 224], interpolation: "bicubic", crop_pct: 0.9 },
        ...{ crop_mode: "squash", mean: half, std: half },
      },
    },
    model: { name: "vit", variant: "So400m/14", poolType: "map", activation: "gelu" },
    preprocessing:
      'decode(alpha="drop")|resize(248,method="pil_bicubic")|central_crop(224)|value_range(-1,1)',
    parameters: 427_680_704 + 1_153_000,
  },
];

test.each(CASES)("$name", ({ config, preprocessor, ...wanted }) => {
  const found = describeWeights(config, preprocessor)!;
  expect(found.model).toEqual(wanted.model);
  expect(found.preprocessing).toBe(wanted.preprocessing);
  expect(found.part).toBe(wanted.part);
  const { name, ...options } = found.model;
  const model = createModel(name, { ...options, numClasses: 1000 });
  const image = { shape: [1, 224, 224, 3], dtype: "float32" } as const;
  expect(countParameters(model, image)).toBe(wanted.parameters);
});

test.each([
  ["another model", { model_type: "swin" }],
  ["an activation that ours is not", { model_type: "vit", hidden_act: "relu" }],
  [
    "a narrower width between the stages",
    { model_type: "resnet", depths: [1], hidden_sizes: [64] },
  ],
  ["a variant of timm's", { architecture: "vit_base_patch16_clip_224" }],
  [
    "an architecture with arguments",
    { architecture: "resnet50", model_args: { output_stride: 8 } },
  ],
  [
    "a classifier on averaged tokens of SigLIP",
    { model_type: "siglip", vision_config: {}, architectures: ["SiglipForImageClassification"] },
  ],
  ["a run of Ocelli", { name: "quickstart", model: { name: "vit" } }],
  ["no object", null],
])("says nothing of %s", (_, config) => {
  expect(describeWeights(config)).toBeUndefined();
});

test("what is not said stays open", () => {
  const config = { architecture: "resnet50", pretrained_cfg: { input_size: [3, 224, 224] } };
  expect(describeWeights(config)).toEqual({ model: { name: "resnet", depth: 50 } });
  const vit = { image_processor_type: "ViTImageProcessor", do_resize: true, do_normalize: true };
  const known = { ...vit, size: 224, resample: 2, ...imagenet };
  const preprocessing = (preprocessor: object) =>
    describeWeights({ model_type: "vit" }, preprocessor)!.preprocessing;
  expect(preprocessing(known)).toBe(
    `decode(alpha="drop")|resize(224,method="pil_bilinear")|${IMAGENET}`,
  );
  for (const other of [
    { image_processor_type: "AnotherImageProcessor" },
    { size: { shortest_edge: 224 } }, // pictures of several sizes
    { do_rescale: false },
    { rescale_factor: 1 / 127.5 },
    { resample: 0 },
  ]) {
    expect(preprocessing({ ...known, ...other })).toBeUndefined();
  }
});

const dir = await mkdtemp(join(tmpdir(), "ocelli-describe-"));
afterAll(() => rm(dir, { recursive: true }));

test("a folder's files are read; damaged ones are an error", async () => {
  const file = join(dir, "model.safetensors");
  await copyFile("tests/golden/weights/hf-vit/model.safetensors", file);
  expect(await describeSpec(dir)).toBeUndefined();
  const labels = { id2label: { "0": "cat", "1": "dog" } };
  await writeFile(join(dir, "config.json"), JSON.stringify({ model_type: "vit", ...labels }));
  expect(await describeSpec(file)).toMatchObject({ classes: ["cat", "dog"], weights: file });
  await writeFile(join(dir, "config.json"), "{");
  await expect(describeSpec(dir)).rejects.toThrow("config.json is no JSON, or damaged.");
});
