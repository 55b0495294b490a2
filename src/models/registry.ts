/** @file Models by name, made from plain options. */

import { z } from "zod";
import { OcelliError, unknownName } from "../errors.ts";
import { type LoraOptions, NORM_NAMES, withLora } from "../nn/index.ts";
import { bitPaper } from "./bit-paper.ts";
import { bit } from "./bit.ts";
import { CONVNEXT_VARIANTS, convnext } from "./convnext.ts";
import { type EfficientnetLiteOptions, efficientnetLite } from "./efficientnet-lite.ts";
import { type FlexivitOptions, POSEMB_SIZE, flexivit } from "./flexivit.ts";
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

const vitSchema = z.strictObject({ name: z.literal("vit"), ...vitFields });

const flexivitSchema = z.strictObject({
  name: z.literal("flexivit"),
  ...vitFields,
  posembSize: patch.optional(),
  seqhw: whole.optional(),
});

const mlpMixerSchema = z.strictObject({
  name: z.literal("mlp-mixer"),
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

const bitSchema = z.strictObject({ name: z.literal("bit"), ...bitFields });
const bitPaperSchema = z.strictObject({
  name: z.literal("bit-paper"),
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

const lite0Schema = z.strictObject({ name: z.literal("efficientnet-lite0"), ...liteFields });
const lite1Schema = z.strictObject({ name: z.literal("efficientnet-lite1"), ...liteFields });
const lite2Schema = z.strictObject({ name: z.literal("efficientnet-lite2"), ...liteFields });

const lite =
  (variant: string) =>
  (options: EfficientnetLiteOptions): ImageModel =>
    efficientnetLite({ ...options, variant });

const resnetSchema = z.strictObject({
  name: z.literal("resnet"),
  ...classes,
  depth: bitFields.depth,
  width: bitFields.width,
  ...batchNormFields,
  zeroInitLast: z.boolean().optional(),
});

const convnextSchema = z.strictObject({
  name: z.literal("convnext"),
  ...classes,
  variant: z.enum(Object.keys(CONVNEXT_VARIANTS)).optional(),
  depths: units.optional(),
  widths: z.array(whole).min(1).max(16).readonly().optional(),
  stochDepth: rate,
  epsilon: z.number().positive().optional(),
});

/** A model by name with its options, as in a configuration. */
export const modelSchema = z.discriminatedUnion("name", [
  vitSchema,
  flexivitSchema,
  mlpMixerSchema,
  bitSchema,
  bitPaperSchema,
  lite0Schema,
  lite1Schema,
  lite2Schema,
  resnetSchema,
  convnextSchema,
]);

/** A model's configuration. */
export type ModelConfig = z.infer<typeof modelSchema>;

interface Family {
  readonly schema: z.ZodObject;
  readonly create: (options: never) => ImageModel;
}

const FAMILIES: Readonly<Record<ModelConfig["name"], Family>> = {
  vit: { schema: vitSchema, create: vit },
  flexivit: { schema: flexivitSchema, create: flexivit },
  "mlp-mixer": { schema: mlpMixerSchema, create: mlpMixer },
  bit: { schema: bitSchema, create: bit },
  "bit-paper": { schema: bitPaperSchema, create: bitPaper },
  "efficientnet-lite0": { schema: lite0Schema, create: lite("lite0") },
  "efficientnet-lite1": { schema: lite1Schema, create: lite("lite1") },
  "efficientnet-lite2": { schema: lite2Schema, create: lite("lite2") },
  resnet: { schema: resnetSchema, create: resnet },
  convnext: { schema: convnextSchema, create: convnext },
};

/** The names that {@link createModel} takes. */
export const modelNames: readonly string[] = Object.keys(FAMILIES);

/** Whether a model by name may be told an option. */
export const modelTakes = (name: string, option: string): boolean =>
  Object.hasOwn(FAMILIES, name) &&
  Object.hasOwn(FAMILIES[name as ModelConfig["name"]].schema.shape, option);

/**
 * Rows and columns of the positions that a model learns on images [height, width, channels]; undefined where it learns
 * none.
 */
export function positionGrid(
  { name, ...options }: { readonly name: string },
  [height, width]: readonly number[],
): readonly [rows: number, columns: number] | undefined {
  if (name === "flexivit") return (options as FlexivitOptions).posembSize ?? POSEMB_SIZE;
  if (name !== "vit") return undefined;
  const { patchSize: patch } = settleVit(options);
  return [Math.floor(height / patch[0]), Math.floor(width / patch[1])];
}

/**
 * A model by name.
 *
 * @throws a configuration error with the nearest valid names where the name or an option is unknown
 * @example
 * const model = createModel("vit", { variant: "S/16", numClasses: 1000 });
 */
export function createModel(
  name: string,
  options: Readonly<Record<string, unknown>> = {},
): ImageModel {
  if (!Object.hasOwn(FAMILIES, name)) throw unknownName("model", name, modelNames, "config");
  const { schema, create } = FAMILIES[name as ModelConfig["name"]];
  const { success, error } = schema.safeParse({ ...options, name });
  if (!success) throw optionError(name, schema, error.issues[0]);
  const { lora, ...own } = options;
  const model = create(own as never);
  return lora ? withLora(model, lora as LoraOptions) : model;
}

function optionError(name: string, schema: z.ZodObject, issue: z.core.$ZodIssue): OcelliError {
  if (issue.code === "unrecognized_keys") {
    const valid = Object.keys(schema.shape).filter((key) => key !== "name");
    return unknownName(`option of ${name}`, issue.keys[0], valid, "config");
  }
  return new OcelliError("config", `${name}: ${issue.path.join(".")}: ${issue.message}.`);
}
