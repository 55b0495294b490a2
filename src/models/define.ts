/** @file How a model family is defined: its name, its options, and what makes a model of them. */

import type { z } from "zod";
import { OcelliError } from "../errors.ts";
import type { Tensor } from "../graph/index.ts";
import type { Writer } from "./generation/index.ts";
import type { FieldArrays, FieldModel, ImageModel } from "./model.ts";

/** A model's options. */
export type ModelOptions = Readonly<Record<string, unknown>>;

/** Makes another registered model by name, for a family that is built around one. */
export type MakeModel = (name: string, options?: ModelOptions) => ImageModel;

/** Makes a registered model by name as one of fields; that of a model of images takes `image`. */
export type MakeFieldModel = (name: string, options?: ModelOptions) => FieldModel;

/** What a model that takes other fields than an image alone is made by. */
export interface FieldsDefinition<Schema extends z.ZodObject> {
  /** The fields that it may take. */
  readonly takes: readonly string[];
  /** @param make makes another registered model, for a family that is built around others */
  readonly create: (options: z.output<Schema>, make: MakeFieldModel) => FieldModel;
  /** How it writes texts, where it does. */
  readonly writer?: (options: z.output<Schema>) => Writer;
}

/** Forms of a model with the same parameters, one of which is trained at each step. */
export interface ModelForms {
  /** Options in which a form differs from what the configuration says. */
  readonly forms: readonly ModelOptions[];
  /** The place of a step's form; steps are counted from 0. */
  at(step: number): number;
}

/** A model family's definition. */
export interface ModelDefinition<
  Name extends string = string,
  Schema extends z.ZodObject = z.ZodObject,
> {
  readonly kind: "model";
  /** Its `name` in a configuration. */
  readonly name: Name;
  /** Its options, beside `name`; with `numClasses` the model ends with a classifier, without it with features. */
  readonly schema: Schema;
  /** @param make makes another registered model, for a family that is built around one */
  readonly create: (options: z.output<Schema>, make: MakeModel) => ImageModel;
  /** Of a model that takes other fields than an image alone; `create` then refuses. */
  readonly fields?: FieldsDefinition<Schema>;
  /** Its named sizes: what `variant` may be, with what is to be put in in capitals, such as `S/PATCH`. */
  readonly sizes?: readonly string[];
  /** The libraries whose weights it reads, beside Ocelli's own and big_vision's. */
  readonly weightsOf?: readonly string[];
  /** Options with the family's defaults filled in, for comparing two models. */
  readonly settle?: (options: z.output<Schema>) => object;
  /** Rows and columns of the positions learned on images [height, width, channels]; none where absent. */
  readonly positions?: (
    options: z.output<Schema>,
    imageShape: readonly number[],
  ) => readonly [rows: number, columns: number];
  /** The model that this one is built around, whose parameters keep their names and positions; none where absent. */
  readonly around?: (options: z.output<Schema>) => { readonly name: string } & ModelOptions;
  /** Its parts that are models of their own, by how names of their parameters begin; none where absent. */
  readonly parts?: (
    options: z.output<Schema>,
  ) => Readonly<Record<string, { readonly name: string } & ModelOptions>>;
  /** Whether published weights of another patch size are resized to the model's. */
  readonly resizesPatches?: boolean;
  /** The forms that one set of weights is trained in; undefined where options ask for one alone. */
  readonly forms?: (options: z.output<Schema>, seed: number) => ModelForms | undefined;
}

/**
 * Defines a model family.
 *
 * @example
 * export const linear = defineModel({
 *   name: "linear",
 *   schema: z.strictObject({ numClasses: z.int().optional() }),
 *   create: ({ numClasses }) => (scope, image) => {
 *     const flat = reshape(image, [image.shape[0], -1]);
 *     return [numClasses ? dense(scope.at("head"), flat, numClasses) : flat, { pre_logits: flat }];
 *   },
 * });
 */
export const defineModel = <Name extends string, Schema extends z.ZodObject>(
  definition: Omit<ModelDefinition<Name, Schema>, "kind">,
): ModelDefinition<Name, Schema> => ({ kind: "model", ...definition });

/**
 * Defines a model family that takes other fields than an image alone: texts, both, or patches with their places.
 *
 * @example
 * export const bagOfWords = defineFieldModel({
 *   name: "bag-of-words",
 *   schema: z.strictObject({ vocabSize: z.int(), width: z.int() }),
 *   takes: ["text"],
 *   create: ({ vocabSize: vocabulary, width }) => (scope, { text }) => [
 *     mean(embed(scope.at("words"), text, { vocabulary, width }), 1),
 *     {},
 *   ],
 * });
 */
export function defineFieldModel<Name extends string, Schema extends z.ZodObject>({
  takes,
  create,
  writer,
  ...rest
}: Omit<ModelDefinition<Name, Schema>, "kind" | "create" | "fields"> &
  FieldsDefinition<Schema>): ModelDefinition<Name, Schema> {
  const refuse = (): never => {
    throw new OcelliError(
      "config",
      `the model ${rest.name} takes ${takes.join(", ")}, not an image alone.`,
      { given: rest.name },
    );
  };
  return defineModel({ ...rest, create: refuse, fields: { takes, create, writer } });
}

/** A field that a model cannot do without; an error that names it where it is missing. */
export function fieldOf(model: string, fields: FieldArrays, name: string): Tensor {
  if (Object.hasOwn(fields, name)) return fields[name];
  const given = Object.keys(fields);
  throw new OcelliError(
    "argument",
    `the model ${model} needs the field ${name}, but is given ${given.join(", ") || "none"}.`,
    { given },
  );
}
