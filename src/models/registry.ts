/** @file Models by name, made from plain options. */

import { z } from "zod";
import { type ChoiceAmong, choiceOf, findDefinition } from "../define.ts";
import { OcelliError, unknownName } from "../errors.ts";
import type { Tensor } from "../graph/index.ts";
import { type Scope, withLora } from "../nn/index.ts";
import { beitModel } from "./beit.ts";
import { bitPaperModel } from "./bit-paper.ts";
import { bitModel } from "./bit.ts";
import { convnextModel } from "./convnext.ts";
import { cappaModel } from "./cappa.ts";
import { type ModelDefinition, type ModelOptions, fieldOf } from "./define.ts";
import { efficientnetLite0, efficientnetLite1, efficientnetLite2 } from "./efficientnet-lite.ts";
import { flexivitModel } from "./flexivit.ts";
import { type GenerationOptions, type TextMarks, writeTexts } from "./generation/index.ts";
import { MODELS } from "./list.ts";
import { mlpMixerModel } from "./mlp-mixer.ts";
import type { FieldArrays, FieldModel, ImageModel } from "./model.ts";
import { naflexVitModel } from "./naflex-vit.ts";
import { whole } from "./option-kinds.ts";
import { resnetModel } from "./resnet.ts";
import { segmenterModel } from "./segmenter.ts";
import { textTransformerModel } from "./text-transformer.ts";
import { twoTowersModel } from "./two-towers.ts";
import { vitModel } from "./vit.ts";

const BUILT_IN = [
  vitModel,
  beitModel,
  flexivitModel,
  mlpMixerModel,
  bitModel,
  bitPaperModel,
  efficientnetLite0,
  efficientnetLite1,
  efficientnetLite2,
  resnetModel,
  convnextModel,
  segmenterModel,
  textTransformerModel,
  naflexVitModel,
  twoTowersModel,
  cappaModel,
] as const;

/** What every model takes beside its own options. */
const commonKeys = {
  /** Low-rank adapters of its dense layers. Default: none. */
  lora: z
    .strictObject({
      /** The inner extent of the product of two matrices beside each kernel. */
      rank: whole,
      /** The product counts alpha / rank times. Default: the rank. */
      alpha: z.number().positive().optional(),
      /** A regular expression for the whole names of the kernels. Default: all but the head's. */
      targets: z.string().optional(),
    })
    .optional(),
};

MODELS.push(...(BUILT_IN as unknown as ModelDefinition[]));
export { MODELS };

/** What every model takes beside its own options. */
export type ModelKeys = z.output<z.ZodObject<typeof commonKeys>>;

/** A model by name with its options. */
export type ModelConfig = ChoiceAmong<"name", (typeof BUILT_IN)[number], ModelKeys>;

/** The schema of a model by name with its options. */
export const modelChoice = (): z.ZodType<ModelConfig, ModelConfig> =>
  choiceOf("name", MODELS, { keys: commonKeys });

/** The definition of a model family, with the nearest names where there is none. */
export const modelDefinition = (name: string): ModelDefinition =>
  findDefinition("model", MODELS, name);

/** All that a model takes beside its name. */
const optionsOf = ({ schema }: ModelDefinition): z.ZodObject =>
  z.strictObject({ ...schema.shape, ...commonKeys });

/** Whether a model takes an option. */
export const modelTakes = (name: string, option: string): boolean =>
  Object.hasOwn(optionsOf(modelDefinition(name)).shape, option);

/**
 * Rows and columns of the positions that a model learns on images [height, width, channels]; undefined where it learns
 * none.
 */
export const positionGrid = (
  { name, ...options }: ModelChoice,
  imageShape: readonly number[],
): readonly [rows: number, columns: number] | undefined => {
  const { positions, around } = modelDefinition(name);
  return around ? positionGrid(around(options), imageShape) : positions?.(options, imageShape);
};

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
  const { definition, own, lora } = settle(name, options);
  const model = definition.create(own, createModel);
  return lora ? withLora(model, lora) : model;
}

/**
 * A model by name as one of fields: a model of texts, of images and texts, or, of `image`, any other.
 *
 * @throws a configuration error with the nearest valid names where the name or an option is unknown
 * @example
 * const model = createFieldModel("two-towers", { image: { name: "vit", variant: "B/16", poolType: "map" } });
 */
export function createFieldModel(name: string, options: ModelOptions = {}): FieldModel {
  const { definition, own, lora } = settle(name, options);
  if (!definition.fields) {
    const model = createModel(name, options);
    return (scope, fields) => model(scope, fieldOf(name, fields, "image"));
  }
  const model = definition.fields.create(own, createFieldModel);
  return lora ? withLora(model, lora) : model;
}

/** Texts written by a model from its fields, int32 [batch, length]; see `writeTexts`. */
export type Generator = (
  scope: Scope,
  fields: FieldArrays,
  marks: TextMarks,
  options?: GenerationOptions,
) => Tensor;

/** What writes texts with the arrays of {@link createFieldModel}'s model; undefined where a model writes none. */
export function createGenerator(name: string, options: ModelOptions = {}): Generator | undefined {
  const { definition, own, lora } = settle(name, options);
  const writer = definition.fields?.writer?.(own);
  if (!writer) return undefined;
  const generate: Generator = (scope, ...given) => writeTexts(writer, scope, ...given);
  return lora ? withLora(generate, lora) : generate;
}

/** The fields that a model may take. */
export const fieldsTaken = (name: string): readonly string[] =>
  modelDefinition(name).fields?.takes ?? ["image"];

/** A definition with its checked options. */
function settle(name: string, options: ModelOptions) {
  const definition = modelDefinition(name);
  const schema = optionsOf(definition);
  const { success, error, data } = schema.safeParse(options);
  if (!success) throw optionError(name, schema, error.issues[0]);
  const { lora, ...own } = data as ModelOptions & ModelKeys;
  return { definition, own, lora };
}

function optionError(name: string, schema: z.ZodObject, issue: z.core.$ZodIssue): OcelliError {
  if (issue.code === "unrecognized_keys") {
    return unknownName(`option of ${name}`, issue.keys[0], Object.keys(schema.shape), "config");
  }
  return new OcelliError("config", `${name}: ${issue.path.join(".")}: ${issue.message}.`);
}
