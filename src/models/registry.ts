/** @file Models by name, made from plain options. */

import { z } from "zod";
import { type OptionsOf, choiceOf, findDefinition } from "../define.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { type LoraOptions, NORM_NAMES, withLora } from "../nn/index.ts";
import { bitPaper } from "./bit-paper.ts";
import { BIT_UNITS } from "./bit-options.ts";
import { bit } from "./bit.ts";
import { CONVNEXT_VARIANTS, convnext } from "./convnext.ts";
import { type EfficientnetLiteOptions, efficientnetLite } from "./efficientnet-lite.ts";
import { type ModelDefinition, type ModelOptions, defineModel } from "./define.ts";
import { drawnSizes, flexiSchema } from "./flexi.ts";
import { POSEMB_SIZE, flexivit } from "./flexivit.ts";
import { MIXER_VARIANTS, mlpMixer } from "./mlp-mixer.ts";
import type { ImageModel } from "./model.ts";
import { resnet } from "./resnet.ts";
import { VIT_VARIANTS } from "./vit-variants.ts";
import { settleVit, vit } from "./vit.ts";

/** Sizes of layers, and the number of layers: no model has more, and a file may claim anything. */
const whole = z.int().min(1).max(65_536);
const layers = z.int().min(1).max(1024);
const units = z.array(layers).min(1).max(16).readonly();
const multiplier = z.number().positive().max(64);
const patch = z.tuple([whole, whole]).readonly();

const sizes = (table: Readonly<Record<string, unknown>>): string => Object.keys(table).join("|");

/** A string of a form, and how to say the form. */
const variant = (form: RegExp, message: string) => z.string().regex(form, { message }).optional();

/** What every model may be told. */
const classes = {
  numClasses: z.int().min(1).max(1_000_000).nullable().optional(),
  headZeroinit: z.boolean().optional(),
  headBiasInit: z.number().optional(),
  /** Low-rank adapters of its dense layers. */
  lora: z
    .strictObject({
      rank: whole,
      alpha: z.number().positive().optional(),
      targets: z.string().optional(),
    })
    .optional(),
};

const vitFields = {
  ...classes,
  variant: variant(
    new RegExp(`^(${sizes(VIT_VARIANTS)})(/[1-9][0-9]{0,3})?$`),
    `one of ${Object.keys(VIT_VARIANTS).join(", ")}, then /PATCH, as in "S/16"`,
  ),
  patchSize: patch.optional(),
  width: whole.optional(),
  depth: layers.optional(),
  mlpDim: whole.nullable().optional(),
  numHeads: whole.optional(),
  posemb: z.enum(["learn", "sincos2d"]).optional(),
  repSize: z.union([z.boolean(), whole]).optional(),
  dropout: z.number().min(0).lt(1).optional(),
  parallel: z.boolean().optional(),
  qkNorm: z.boolean().optional(),
  norm: z.enum(NORM_NAMES).optional(),
  qkvBias: z.boolean().optional(),
  poolType: z.enum(["gap", "map", "tok", "0", "none"]).optional(),
  activation: z.enum(["gelu-tanh", "gelu"]).optional(),
  epsilon: z.number().positive().optional(),
  scan: z.boolean().optional(),
  rematPolicy: z.enum(["everything", "dots", "nothing"]).optional(),
  dtypeMm: z.enum(["float32", "bfloat16", "float16"]).optional(),
};

const vitSchema = z.strictObject(vitFields);

const flexivitSchema = z.strictObject({
  ...vitFields,
  posembSize: patch.optional(),
  seqhw: whole.optional(),
  flexi: flexiSchema.optional(),
});

const mlpMixerSchema = z.strictObject({
  ...classes,
  variant: variant(
    new RegExp(`^(${sizes(MIXER_VARIANTS)})/[1-9][0-9]{0,3}$`),
    `one of ${Object.keys(MIXER_VARIANTS).join(", ")}, then /PATCH, as in "B/16"`,
  ),
  patchSize: patch.optional(),
  numBlocks: layers.optional(),
  hiddenDim: whole.optional(),
  tokensMlpDim: whole.optional(),
  channelsMlpDim: whole.optional(),
  stochDepth: z.number().min(0).lt(1).optional(),
});

const bitFields = {
  ...classes,
  variant: variant(/^R[1-9][0-9]{0,3}x[1-9][0-9]?$/, 'RDEPTHxWIDTH, as in "R50x1"'),
  width: multiplier.optional(),
  depth: z.union([layers, units]).optional(),
};

const bitSchema = z.strictObject({ ...bitFields });
const bitPaperSchema = z.strictObject({
  ...bitFields,
  zeroPool: z.boolean().optional(),
});

const rate = z.number().min(0).lt(1).optional();

/** What models with batch normalisation may be told. */
const batchNormFields = {
  normMomentum: rate,
  frozenNorm: z.boolean().optional(),
};

const liteFields = {
  ...classes,
  width: multiplier.optional(),
  depth: multiplier.optional(),
  dropout: rate,
  stochDepth: rate,
  ...batchNormFields,
};

const liteSchema = z.strictObject(liteFields);

const lite =
  (variant: string) =>
  (options: EfficientnetLiteOptions): ImageModel =>
    efficientnetLite({ ...options, variant });

const resnetSchema = z.strictObject({
  ...classes,
  depth: bitFields.depth,
  width: bitFields.width,
  ...batchNormFields,
  zeroInitLast: z.boolean().optional(),
});

const convnextSchema = z.strictObject({
  ...classes,
  variant: z.enum(Object.keys(CONVNEXT_VARIANTS)).optional(),
  depths: units.optional(),
  widths: z.array(whole).min(1).max(16).readonly().optional(),
  stochDepth: rate,
  epsilon: z.number().positive().optional(),
});

const vitPositions = (
  options: z.output<typeof vitSchema>,
  [height, width]: readonly number[],
): readonly [number, number] => {
  const { patchSize: patch } = settleVit(options);
  return [Math.floor(height / patch[0]), Math.floor(width / patch[1])];
};

/** Sizes of models of patches, whose side is to be put in. */
const patched = (table: Readonly<Record<string, unknown>>): string[] =>
  Object.keys(table).map((size) => `${size}/PATCH`);

const VIT_WEIGHTS = ["vision_transformer", "timm", "transformers", "SigLIP"];
const LITE_WEIGHTS = ["efficientnet-lite-pytorch"];

const bitSizes = Object.keys(BIT_UNITS).map((depth) => `R${depth}xWIDTH`);

const BUILT_IN = [
  defineModel({
    name: "vit",
    schema: vitSchema,
    sizes: patched(VIT_VARIANTS),
    weightsOf: VIT_WEIGHTS,
    create: vit,
    settle: settleVit,
    positions: vitPositions,
  }),
  defineModel({
    name: "flexivit",
    schema: flexivitSchema,
    sizes: patched(VIT_VARIANTS),
    weightsOf: VIT_WEIGHTS,
    create: ({ flexi: _, ...options }) => flexivit(options),
    settle: settleVit,
    positions: ({ posembSize }) => posembSize ?? POSEMB_SIZE,
    resizesPatches: true,
    forms: ({ flexi }, seed) => flexi && drawnSizes(flexi, seed),
  }),
  defineModel({
    name: "mlp-mixer",
    schema: mlpMixerSchema,
    sizes: patched(MIXER_VARIANTS),
    create: mlpMixer,
  }),
  defineModel({ name: "bit", schema: bitSchema, sizes: bitSizes, create: bit }),
  defineModel({
    name: "bit-paper",
    schema: bitPaperSchema,
    sizes: bitSizes,
    weightsOf: ["the paper's TensorFlow", "timm", "transformers"],
    create: bitPaper,
  }),
  defineModel({
    name: "efficientnet-lite0",
    schema: liteSchema,
    weightsOf: LITE_WEIGHTS,
    create: lite("lite0"),
  }),
  defineModel({
    name: "efficientnet-lite1",
    schema: liteSchema,
    weightsOf: LITE_WEIGHTS,
    create: lite("lite1"),
  }),
  defineModel({
    name: "efficientnet-lite2",
    schema: liteSchema,
    weightsOf: LITE_WEIGHTS,
    create: lite("lite2"),
  }),
  defineModel({
    name: "resnet",
    schema: resnetSchema,
    weightsOf: ["timm", "torchvision", "transformers"],
    create: resnet,
  }),
  defineModel({
    name: "convnext",
    schema: convnextSchema,
    sizes: Object.keys(CONVNEXT_VARIANTS),
    weightsOf: ["timm", "transformers"],
    create: convnext,
  }),
] as const;

/** The model families that a configuration may name. */
export const MODELS: ModelDefinition[] = [...BUILT_IN] as unknown as ModelDefinition[];

type Choice<D> =
  D extends ModelDefinition<infer Name, infer Schema>
    ? { readonly name: Name } & OptionsOf<Schema>
    : never;

/** A model by name with its options. */
export type ModelConfig = Choice<(typeof BUILT_IN)[number]>;

/** The schema of a model by name with its options. */
export const modelChoice = (): z.ZodType<ModelConfig, ModelConfig> => choiceOf("name", MODELS);

/** The definition of a model family, with the nearest names where there is none. */
export const modelDefinition = (name: string): ModelDefinition =>
  findDefinition("model", MODELS, name);

/** Whether a model takes an option. */
export const modelTakes = (name: string, option: string): boolean =>
  Object.hasOwn(modelDefinition(name).schema.shape, option);

/**
 * Rows and columns of the positions that a model learns on images [height, width, channels]; undefined where it learns
 * none.
 */
export const positionGrid = (
  { name, ...options }: ModelChoice,
  imageShape: readonly number[],
): readonly [rows: number, columns: number] | undefined =>
  modelDefinition(name).positions?.(options, imageShape);

/** A model's name with its options. */
export type ModelChoice = { readonly name: string } & ModelOptions;

/**
 * A model by name.
 *
 * @throws a configuration error with the nearest valid names where the name or an option is unknown
 * @example
 * const model = createModel("vit", { variant: "S/16", numClasses: 1000 });
 */
export function createModel(name: string, options: ModelOptions = {}): ImageModel {
  const { schema, create } = modelDefinition(name);
  const { success, error } = schema.safeParse(options);
  if (!success) throw optionError(name, schema, error.issues[0]);
  const { lora, ...own } = options;
  const model = create(own);
  return lora ? withLora(model, lora as LoraOptions) : model;
}

function optionError(name: string, schema: z.ZodObject, issue: z.core.$ZodIssue): OcelliError {
  if (issue.code === "unrecognized_keys") {
    return unknownName(`option of ${name}`, issue.keys[0], Object.keys(schema.shape), "config");
  }
  return new OcelliError("config", `${name}: ${issue.path.join(".")}: ${issue.message}.`);
}
