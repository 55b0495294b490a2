/**
 * @file What the files beside published weights say of them: configurations of transformers and of timm as our models,
 * preprocessing and classes. Whatever they do not say clearly is left to the caller.
 *
 * @see https://huggingface.co/docs/transformers/main_classes/configuration (config.json, preprocessor_config.json)
 * @see https://huggingface.co/docs/timm (config.json with its pretrained_cfg)
 */

import { z } from "zod";

/** A model with its options, as `createModel` takes them. */
export type DescribedModel = { readonly name: string } & Readonly<Record<string, unknown>>;

/** What is known of published weights. */
export interface Description {
  readonly model: DescribedModel;
  /** The part of a file's arrays that is the model; all of them unless there is one. */
  readonly part?: string;
  /** In the preprocessing language; undefined where no file says it. */
  readonly preprocessing?: string;
  /** Names of the classifier's classes in its order. */
  readonly classes?: readonly string[];
}

/** Sizes of layers and pictures; what is larger is of no model that is known here. */
const whole = z.int().min(1).max(65_536);
const layers = z.int().min(1).max(1024);
const ACTIVATIONS = {
  gelu: "gelu",
  gelu_pytorch_tanh: "gelu-tanh",
  gelu_new: "gelu-tanh",
} as const;
const activation = z.enum(Object.keys(ACTIVATIONS) as (keyof typeof ACTIVATIONS)[]);

/** Sizes of an encoder; missing ones are the library's own. */
const encoder = {
  hidden_size: whole.default(768),
  num_hidden_layers: layers.default(12),
  num_attention_heads: whole.default(12),
  intermediate_size: whole.default(3072),
  patch_size: whole.default(16),
};

const encoderOptions = (one: z.infer<z.ZodObject<typeof encoder>>) => ({
  name: "vit",
  patchSize: [one.patch_size, one.patch_size],
  width: one.hidden_size,
  depth: one.num_hidden_layers,
  mlpDim: one.intermediate_size,
  numHeads: one.num_attention_heads,
});

const hfTransformer = z.object({
  ...encoder,
  hidden_act: activation.default("gelu"),
  layer_norm_eps: z.number().default(1e-12),
  qkv_bias: z.boolean().default(true),
  architectures: z.array(z.string()).default([]),
});

const transformerOptions = (one: z.infer<typeof hfTransformer>) => ({
  ...encoderOptions(one),
  poolType: "tok",
  activation: ACTIVATIONS[one.hidden_act],
  epsilon: one.layer_norm_eps,
  qkvBias: one.qkv_bias,
});

const isFor = ({ architectures }: z.infer<typeof hfTransformer>, what: RegExp): boolean =>
  architectures.some((name) => what.test(name));

// of a masked autoencoder the encoder alone: its decoder is left out
const hfVit = hfTransformer
  .extend({ model_type: z.literal(["vit", "vit_mae"]) })
  .transform((one) => ({ model: transformerOptions(one) }));

const hfDeit = hfTransformer.extend({ model_type: z.literal("deit") }).transform((one) => ({
  model: { ...transformerOptions(one), distilled: isFor(one, /WithTeacher$/) ? true : "token" },
}));

/** DINOv2's width within a gated feed-forward block: two thirds, to a multiple of 8. */
const gatedWidth = (hidden: number): number => Math.ceil(Math.floor((hidden * 2) / 3) / 8) * 8;

const hfDinov2 = hfTransformer
  .extend({
    model_type: z.literal(["dinov2", "dinov2_with_registers"]),
    layer_norm_eps: z.number().default(1e-6),
    mlp_ratio: z.number().positive().default(4),
    use_swiglu_ffn: z.boolean().default(false),
    layerscale_value: z.number().default(1),
    num_register_tokens: whole.default(4),
  })
  .transform((one) => {
    const hidden = Math.floor(one.hidden_size * one.mlp_ratio);
    const gated = one.use_swiglu_ffn;
    return {
      model: {
        ...transformerOptions(one),
        mlpDim: gated ? gatedWidth(hidden) : hidden,
        ...(gated && { feedForward: "swiglu" }),
        layerScale: one.layerscale_value,
        ...(one.model_type === "dinov2_with_registers" && { registers: one.num_register_tokens }),
        ...(isFor(one, /ForImageClassification$/) && { poolType: "tok+gap" }),
      },
    };
  });

const hfBeit = hfTransformer
  .extend({
    model_type: z.literal(["beit", "data2vec-vision"]),
    layer_scale_init_value: z.number().default(0.1),
    use_absolute_position_embeddings: z.boolean().default(false),
    use_relative_position_bias: z.boolean().default(false),
    use_shared_relative_position_bias: z.boolean().default(false),
    use_mean_pooling: z.boolean().default(true),
  })
  .transform((one) => {
    const { qkvBias: _, ...options } = transformerOptions(one);
    const relativePositions = one.use_relative_position_bias
      ? "each"
      : one.use_shared_relative_position_bias
        ? "shared"
        : "none";
    // of masked image modelling the last normalisation is that of all tokens
    const averages = one.use_mean_pooling && !isFor(one, /ForMaskedImageModeling$/);
    return {
      model: {
        ...options,
        name: "beit",
        posemb: one.use_absolute_position_embeddings ? "learn" : "none",
        relativePositions,
        layerScale: one.layer_scale_init_value > 0 ? one.layer_scale_init_value : null,
        poolType: averages ? "gap" : "tok",
        poolNorm: averages,
      },
    };
  });

const siglipTower = z.object({
  ...encoder,
  hidden_act: activation.default("gelu_pytorch_tanh"),
  layer_norm_eps: z.number().default(1e-6),
});

const siglipOptions = (one: z.infer<typeof siglipTower>) => ({
  ...encoderOptions(one),
  poolType: "map",
  activation: ACTIVATIONS[one.hidden_act],
  epsilon: one.layer_norm_eps,
});

const hfSiglipTower = siglipTower
  .extend({ model_type: z.literal("siglip_vision_model") })
  .transform((one) => ({ model: siglipOptions(one) }));

// SiglipForImageClassification averages tokens and leaves its pooling head unused
const hfSiglip = z
  .object({
    model_type: z.literal("siglip"),
    vision_config: siglipTower,
    architectures: z.array(z.literal(["SiglipModel", "SiglipVisionModel"])).optional(),
  })
  .transform(({ vision_config: tower }) => ({ model: siglipOptions(tower), part: "vision_model" }));

/** Channels of the root and after each stage must be those of our family. */
const doubles = (first: number, sizes: readonly number[]): boolean =>
  sizes.every((size, i) => size === first * 4 * 2 ** i);

const stages = {
  depths: z.array(layers).min(1).max(16),
  hidden_sizes: z.array(whole).min(1).max(16),
  embedding_size: whole.default(64),
};

const hfBit = z
  .object({
    model_type: z.literal("bit"),
    ...stages,
    layer_type: z.literal("preactivation").default("preactivation"),
    width_factor: z.literal(1).default(1),
    global_padding: z.null().optional(),
  })
  .refine(({ embedding_size: first, hidden_sizes: sizes }) => doubles(first, sizes))
  .transform(({ depths: depth, embedding_size: first }) => ({
    model: { name: "bit-paper", depth, width: first / 64, zeroPool: true },
  }));

const hfResnet = z
  .object({
    model_type: z.literal("resnet"),
    ...stages,
    layer_type: z.literal("bottleneck").default("bottleneck"),
    downsample_in_first_stage: z.literal(false).default(false),
    downsample_in_bottleneck: z.literal(false).default(false),
  })
  .refine(({ embedding_size: first, hidden_sizes: sizes }) => doubles(first, sizes))
  .transform(({ depths: depth, embedding_size: first }) => ({
    model: { name: "resnet", depth, width: first / 64 },
  }));

const hfConvnext = z
  .object({
    model_type: z.literal("convnext"),
    depths: z.array(layers).max(16).default([3, 3, 9, 3]),
    hidden_sizes: z.array(whole).max(16).default([96, 192, 384, 768]),
    patch_size: z.literal(4).default(4),
    hidden_act: z.literal("gelu").default("gelu"),
  })
  .transform(({ depths, hidden_sizes: widths }) => ({
    model: { name: "convnext", depths, widths },
  }));

const TRANSFORMERS = z.union([
  hfVit,
  hfDeit,
  hfDinov2,
  hfBeit,
  hfSiglipTower,
  hfSiglip,
  hfBit,
  hfResnet,
  hfConvnext,
]);

const VIT_SIZES: Readonly<Record<string, string>> = {
  tiny: "Ti",
  small: "S",
  base: "B",
  large: "L",
  huge: "H",
  so400m: "So400m",
};
const CONVNEXT_SIZES: Readonly<Record<string, string>> = {
  tiny: "T",
  small: "S",
  base: "B",
  large: "L",
};

/** SigLIP's towers in timm that have GELU's tanh form; the others have the exact one, though they were trained with tanh. */
const TANH = /^vit_(base_patch32|large_patch16_siglip_512|so400m_patch16)/;

/** Architectures of timm whose arrays and numbers are our models'. */
function timmModel(architecture: string): DescribedModel | undefined {
  const match = (pattern: RegExp) => pattern.exec(architecture)?.slice(1);
  const [dino, dinoPatch, registers] = match(/^vit_([a-z0-9]+)_patch(\d+)(_reg4)?_dinov2$/) ?? [];
  if (Object.hasOwn(VIT_SIZES, dino ?? "")) {
    return {
      ...{ name: "vit", variant: `${VIT_SIZES[dino]}/${dinoPatch}`, poolType: "tok" },
      ...{ activation: "gelu", layerScale: 1e-5, ...(registers && { registers: 4 }) },
    };
  }
  const [size, patch] = match(/^vit_([a-z0-9]+)_patch(\d+)_\d+$/) ?? [];
  if (Object.hasOwn(VIT_SIZES, size ?? "")) {
    return {
      ...{ name: "vit", variant: `${VIT_SIZES[size]}/${patch}` },
      ...{ poolType: "tok", activation: "gelu" },
    };
  }
  const [tower, towerPatch] = match(/^vit_([a-z0-9]+)_patch(\d+)_siglip_\d+$/) ?? [];
  if (Object.hasOwn(VIT_SIZES, tower ?? "")) {
    const form = TANH.test(architecture) ? "gelu-tanh" : "gelu";
    const variant = `${VIT_SIZES[tower]}/${towerPatch}`;
    return { name: "vit", variant, poolType: "map", activation: form };
  }
  const [depth, width] = match(/^resnetv2_(50|101|152)x([1-4])_bit$/) ?? [];
  if (depth) return { name: "bit-paper", variant: `R${depth}x${width}`, zeroPool: true };
  const [layers] = match(/^resnet(26|50|101|152)$/) ?? [];
  if (layers) return { name: "resnet", depth: Number(layers) };
  const [convnext] = match(/^convnext_([a-z]+)$/) ?? [];
  return Object.hasOwn(CONVNEXT_SIZES, convnext ?? "")
    ? { name: "convnext", variant: CONVNEXT_SIZES[convnext] }
    : undefined;
}

const three = z.array(z.number()).length(3);
/** timm's and torchvision's names of filters, all of them with antialiasing. */
const filter = z.enum(["bilinear", "bicubic"]);

const timmPictures = z.object({
  input_size: z.tuple([z.literal(3), whole, whole]),
  interpolation: filter,
  crop_pct: z.number().positive().max(1),
  crop_mode: z.enum(["center", "squash"]).default("center"),
  mean: three,
  std: three,
});

/** Arguments beside the architecture's own would make another model of it. */
const timmConfig = z
  .object({ architecture: z.string(), model_args: z.strictObject({}).nullish() })
  .loose();

/** Pillow's numbers of filters. */
const resample = z
  .union([z.literal(2), z.literal(3)])
  .transform((number) => (number === 2 ? "bilinear" : "bicubic"));
const sides = z.object({ height: whole, width: whole });
const square = whole.transform((height) => ({ height, width: height }));
const shortest = z.object({ shortest_edge: whole });
const edge = whole.transform((shortest_edge) => ({ shortest_edge }));

const hfPictures = z.object({
  do_resize: z.literal(true),
  resample,
  crop_size: z.union([square, sides]).nullish(),
  do_rescale: z.literal(true).optional(),
  rescale_factor: z
    .number()
    .refine((factor) => Math.abs(factor * 255 - 1) < 1e-6)
    .optional(),
  do_normalize: z.literal(true),
  image_mean: three,
  image_std: three,
});

/** Processors of pictures by what they do with a size; an older one is a feature extractor. */
const PROCESSORS = [
  {
    // the whole picture becomes a square, of which the middle may be cut out
    types: /^(ViT|DeiT|Siglip|Beit)(ImageProcessor|FeatureExtractor)/,
    pictures: hfPictures.extend({
      size: z.union([square, sides]),
      do_center_crop: z.boolean().nullish(),
    }),
  },
  {
    // below 384 pixels the smaller side becomes size / crop_pct, and the middle is cut out
    types: /^ConvNext(ImageProcessor|FeatureExtractor)/,
    pictures: hfPictures.extend({
      size: z.union([edge, shortest]),
      crop_pct: z
        .number()
        .positive()
        .max(1)
        .nullish()
        .transform((part) => part ?? 224 / 256),
    }),
  },
  {
    // the smaller side becomes the size, and the middle is cut out
    types: /^(Bit|CLIP)(ImageProcessor|FeatureExtractor)/,
    pictures: hfPictures.extend({
      size: z.union([edge, shortest]),
      do_center_crop: z.literal(true).optional(),
      crop_size: z.union([square, sides]),
    }),
  },
] as const;

const list = (values: readonly number[]): string =>
  `[${values.map((value) => Number((value * 255).toPrecision(9))).join(",")}]`;

/** Pixels by mean and deviation of their parts of 255. */
const normalised = (mean: readonly number[], std: readonly number[]): string =>
  [...mean, ...std].every((value) => value === 0.5)
    ? "value_range(-1,1)"
    : `vgg_value_range(${list(mean)},${list(std)})`;

const extent = ({ height, width }: { height: number; width: number }): string =>
  height === width ? String(height) : `(${height},${width})`;
/** Both libraries resize by Pillow, 8-bit channels to 8-bit channels. */
const how = (method: string): string => `method="pil_${method}"`;

/** Both libraries read pictures by Pillow's `convert("RGB")`, which leaves alpha out. */
const DECODE = 'decode(alpha="drop")';

/** The whole picture at a size, then the rest of a text. */
const squeezed = (size: string, method: string, ...rest: readonly string[]): string =>
  [DECODE, `resize(${size},${how(method)})`, ...rest].join("|");

/** The middle of a picture whose smaller side was scaled, then the rest of a text. */
const middle = (smaller: number, size: string, method: string, ...rest: readonly string[]) =>
  [
    DECODE,
    `resize_small(${smaller},${how(method)},round="down")`,
    `central_crop(${size})`,
    ...rest,
  ].join("|");

function timmPreprocessing(value: unknown): string | undefined {
  const { data } = timmPictures.safeParse(value);
  if (!data) return undefined;
  const { crop_pct: part, crop_mode: mode, interpolation, mean, std } = data;
  const [, height, width] = data.input_size;
  const [tall, wide] = [height, width].map((side) => Math.floor(side / part));
  const size = extent({ height, width });
  const end = normalised(mean, std);
  if (mode === "squash") {
    const larger = extent({ height: tall, width: wide });
    return squeezed(larger, interpolation, `central_crop(${size})`, end);
  }
  return height === width ? middle(tall, size, interpolation, end) : undefined;
}

const naflexPictures = hfPictures.extend({ patch_size: whole, max_num_patches: whole });

/** The preprocessing that a `preprocessor_config.json` of transformers describes; undefined where it is none known here. */
export function describeProcessor(value: unknown): string | undefined {
  const named = z
    .object({
      image_processor_type: z.string().nullish(),
      feature_extractor_type: z.string().nullish(),
    })
    .safeParse(value).data;
  const type = named?.image_processor_type ?? named?.feature_extractor_type ?? "";
  if (/^Siglip2ImageProcessor/.test(type)) return naflexProcessor(value);
  const processor = PROCESSORS.find(({ types }) => types.test(type));
  const data = processor?.pictures.safeParse(value).data;
  if (!data) return undefined;
  const { size, resample: method, image_mean: mean, image_std: std } = data;
  const end = normalised(mean, std);
  if (!("shortest_edge" in size)) {
    const cuts = "do_center_crop" in data && (data.do_center_crop ?? /^DeiT/.test(type));
    if (!cuts) return squeezed(extent(size), method, end);
    return data.crop_size
      ? squeezed(extent(size), method, `central_crop(${extent(data.crop_size)})`, end)
      : undefined;
  }
  const { shortest_edge: smaller } = size;
  if (!("crop_pct" in data)) return middle(smaller, extent(data.crop_size!), method, end);
  return smaller < 384
    ? middle(Math.floor(smaller / data.crop_pct), String(smaller), method, end)
    : squeezed(String(smaller), method, end);
}

/** Pictures as patches in their own aspect ratio. */
function naflexProcessor(value: unknown): string | undefined {
  const { data } = naflexPictures.safeParse(value);
  if (!data) return undefined;
  const { patch_size: patch, max_num_patches: most, resample: method } = data;
  if (method !== "bilinear") return undefined;
  const sized = `resize_to_sequence(${patch},${most},${how(method)})`;
  const end = normalised(data.image_mean, data.image_std);
  return [DECODE, sized, end, `patchify(${patch},${most})`].join("|");
}

/** Names by number, all of them from 0 on. */
function classNames(config: unknown): string[] | undefined {
  const labels = z.object({ id2label: z.record(z.string(), z.string()) }).safeParse(config).data;
  if (labels) {
    const names = Object.keys(labels.id2label).map((_, i) => labels.id2label[String(i)]);
    return names.every((name) => typeof name === "string") ? names : undefined;
  }
  return z.object({ label_names: z.array(z.string()) }).safeParse(config).data?.label_names;
}

/**
 * What the configurations beside weights say of them.
 *
 * @param config the content of `config.json`
 * @param preprocessor that of `preprocessor_config.json`, where there is one
 * @returns undefined where the configuration is of no model that is known here
 * @example
 * describeWeights({ architecture: "resnet50", pretrained_cfg: {} })?.model; // { name: "resnet", depth: 50 }
 */
export function describeWeights(config: unknown, preprocessor?: unknown): Description | undefined {
  const classes = classNames(config);
  const named = classes && { classes };
  const timm = timmConfig.safeParse(config).data;
  if (timm) {
    const model = timmModel(timm.architecture);
    const preprocessing = timmPreprocessing(timm["pretrained_cfg"] ?? timm);
    return model && { model, preprocessing, ...named };
  }
  const known = TRANSFORMERS.safeParse(config).data;
  return known && { ...known, preprocessing: describeProcessor(preprocessor), ...named };
}
