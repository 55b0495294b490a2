/** @file Backbones: trained models without their classifier, from published weights, files or runs. */

import { createHash } from "node:crypto";
import { use } from "../config/use.ts";
import { featuresAt } from "../evaluate/features.ts";
import { bytesOf } from "../formats/bytes.ts";
import { type HostArray, type Tensor, trace } from "../graph/index.ts";
import { type ImageModel, type ModelCard, createModel, positionGrid } from "../models/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { useRunFiles } from "../served/modules.ts";
import { type PublishedOptions, imageShapeOf, readPublished } from "../served/published.ts";
import { findOwn } from "../served/own.ts";
import type { ModelTensors } from "../served/outputs.ts";
import { arraysOf, imageSpec } from "../served/trained.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import { fitWeights } from "../weights/index.ts";

/** A frozen model that gives features. */
export interface Backbone extends Pick<ModelCard, "model" | "preprocessing" | "imageShape"> {
  /** The weights as they were named. */
  readonly spec: string;
  /** The same model with its parameters, without a classifier. */
  readonly net: ImageModel;
  readonly params: { readonly [name: string]: Tree<HostArray> };
  readonly variables: { readonly [name: string]: Tree<HostArray> };
  /** Of the model's options and all its arrays. */
  readonly sha256: string;
  /** How many numbers describe an image. */
  readonly features: number;
}

/**
 * The backbone that a name means: a model with published weights, a run or its checkpoint, or whatever `loadWeights`
 * takes.
 *
 * @throws an argument error where the weights do not say which model they are of
 */
export async function openBackbone(
  spec: string,
  { architecture, preprocessing, use: definitions, report }: PublishedOptions = {},
): Promise<Backbone> {
  use(definitions ?? []);
  await useRunFiles(spec);
  const own = architecture === undefined ? await findOwn(spec, report) : undefined;
  const { model, text, weights, arrays, givenGrid } = own
    ? {
        model: own.card.model,
        text: preprocessing ?? own.card.preprocessing,
        weights: spec,
        ...arraysOf(own),
      }
    : {
        ...(await readPublished(spec, { architecture, preprocessing, report })),
        givenGrid: undefined,
      };
  return assemble(spec, model, text, (specs, imageShape) => {
    const grid = positionGrid(model, imageShape);
    const { params, variables, resized } = fitWeights(weights, arrays, specs, { grid, givenGrid });
    for (const line of resized) report?.(`resized ${line}`);
    return { params: fromFlat(params), variables: fromFlat(variables) };
  });
}

type Arrays = Pick<Backbone, "params" | "variables">;

function assemble(
  spec: string,
  model: ModelCard["model"],
  text: string,
  arraysFor: (
    specs: ReturnType<typeof modelSpecs>,
    imageShape: readonly number[],
  ) => {
    params: Tree<HostArray>;
    variables: Tree<HostArray>;
  },
): Backbone {
  const {
    name,
    numClasses: _,
    ...options
  } = model as ModelCard["model"] & { numClasses?: unknown };
  const net = createModel(name, options);
  const preprocessing = parsePreprocessing(text);
  const imageShape = imageShapeOf(preprocessing);
  const image = imageSpec({ imageShape });
  const { params, variables } = arraysFor(modelSpecs(net, image), imageShape) as Arrays;
  const { head: __, ...kept } = params;
  const arrays = { params: kept, variables };
  const described = { name, ...options };
  const { outputs } = trace(
    (weights: ModelTensors, x: Tensor) => featuresOf(net, weights, x),
    arrays,
    image,
  ).program;
  return {
    spec,
    model: described,
    preprocessing: preprocessing.text,
    imageShape,
    net,
    ...arrays,
    sha256: hashOf(described, arrays),
    features: outputs[0].shape[1],
  };
}

/** What a backbone says of images [batch, height, width, channels]: `pre_logits`, [batch, features]. */
export function featuresOf(net: ImageModel, weights: ModelTensors, image: Tensor): Tensor {
  const [, out] = apply(net, weights, image).result;
  return featuresAt(toFlat<Tensor>(out));
}

function hashOf(model: ModelCard["model"], arrays: Arrays): string {
  const hash = createHash("sha256").update(JSON.stringify(model));
  for (const [name, array] of Object.entries(toFlat<HostArray>({ ...arrays }))) {
    hash.update(`\0${name}[${array.shape.join()}]`).update(bytesOf(array));
  }
  return hash.digest("hex");
}
