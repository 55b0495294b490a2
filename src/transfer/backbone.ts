/** @file Backbones: trained models without their classifier, from published weights, files or runs. */

import { use } from "../config/use.ts";
import { featuresAt } from "../evaluate/features.ts";
import { type HostArray, type Spec, type Tensor, trace } from "../graph/index.ts";
import { type ImageModel, type ModelCard, createModel, positionGrid } from "../models/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { hashArrays } from "../served/arrays-hash.ts";
import { useRunFiles } from "../served/modules.ts";
import { type PublishedOptions, imageShapeOf, readPublished } from "../served/published.ts";
import { findOwn } from "../served/own.ts";
import type { ModelTensors } from "../served/outputs.ts";
import { arraysOf, imageSpec, openTrained } from "../served/trained.ts";
import { type Task, taskOf } from "../tasks/index.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import { describePublishedTowers, describeSpec, fitWeights } from "../weights/index.ts";
import { matchArrays } from "../weights/match.ts";

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
  const own =
    architecture === undefined
      ? ((await findOwn(spec, report)) ?? (await openTowers(spec, { preprocessing, report })))
      : undefined;
  const task = own && taskOf(own.card);
  if (own && task?.whole) return embeddingPart(spec, own, task, preprocessing);
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

/** Published two towers of which no image tower alone is described, such as CLIP; undefined for other weights. */
async function openTowers(
  spec: string,
  options: PublishedOptions,
): Promise<Checkpoint | undefined> {
  if (await describeSpec(spec, options)) return undefined;
  return (await describePublishedTowers(spec, options)) && openTrained(spec, options);
}

/** What of a model of several fields embeds images: its features are those of the task's head `embed`. */
function embeddingPart(
  spec: string,
  own: Checkpoint,
  task: Task,
  text = own.card.preprocessing,
): Backbone {
  const net: ImageModel = (scope, image) => {
    const [output, out] = task.model(scope, image);
    const features = task.heads.embed({ output, out: toFlat<Tensor>(out) });
    return [features, { pre_logits: features }];
  };
  const preprocessing = parsePreprocessing(text);
  const imageShape = imageShapeOf(preprocessing);
  const image = imageSpec({ imageShape });
  const specs = modelSpecs(net, image);
  const read = (some: Tree<Spec>, all: Tree<HostArray>) => {
    const flat = toFlat<HostArray>(all);
    const wanted = toFlat<Spec>(some);
    const given = Object.keys(wanted).flatMap((name) => (name in flat ? [[name, flat[name]]] : []));
    return fromFlat<HostArray>(matchArrays(spec, wanted, Object.fromEntries(given)));
  };
  const params = read(specs.params, own.params);
  const arrays = { params, variables: read(specs.variables, own.variables) } as Arrays;
  const { model } = own.card;
  const common = { spec, model, preprocessing: preprocessing.text, imageShape, net, ...arrays };
  return {
    ...common,
    sha256: hashArrays(model, { ...arrays }),
    features: widthOf(net, arrays, image),
  };
}

/** How many numbers a network gives of an image. */
function widthOf(net: ImageModel, arrays: Arrays, image: Spec): number {
  const features = (weights: ModelTensors, x: Tensor): Tensor => featuresOf(net, weights, x);
  return trace(features, arrays, image).program.outputs[0].shape[1];
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
  return {
    spec,
    model: described,
    preprocessing: preprocessing.text,
    imageShape,
    net,
    ...arrays,
    sha256: hashArrays(described, { ...arrays }),
    features: widthOf(net, arrays, image),
  };
}

/** What a backbone says of images [batch, height, width, channels]: `pre_logits`, [batch, features]. */
export function featuresOf(net: ImageModel, weights: ModelTensors, image: Tensor): Tensor {
  const [, out] = apply(net, weights, image).result;
  return featuresAt(toFlat<Tensor>(out));
}
