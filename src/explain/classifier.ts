/** @file Classifiers whose answers can be explained: a run's, or published weights with their own classes. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/index.ts";
import { createModel, positionGrid } from "../models/index.ts";
import { modelSpecs } from "../nn/index.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { fromFlat, toFlat } from "../tree.ts";
import type { ModelCard } from "../weights/model-card.ts";
import { fitWeights, readNames } from "../weights/index.ts";
import { restack } from "../weights/stack.ts";
import { type TrainedModel, loadTrained, modelOf, readOwn } from "../served/checkpoint-model.ts";
import { type BackboneOptions, imageShapeOf, readPublished } from "../transfer/backbone.ts";

/** Options of {@link openClassifier}. */
export interface ClassifierOptions extends BackboneOptions {
  /** A file with the names of the classes, for weights that do not hold them: one a line, or JSON. */
  readonly classes?: string;
}

/**
 * The classifier that a name means: a run or its checkpoint, a model with published weights, or whatever `loadWeights`
 * takes. Its layers are apart and keep every intermediate, however it was trained.
 *
 * @throws an argument error where the weights do not say which model they are of
 */
export async function openClassifier(
  spec: string,
  { architecture, preprocessing, report, classes }: ClassifierOptions = {},
): Promise<TrainedModel> {
  if (/\.onnx$/i.test(spec)) {
    throw new OcelliError("argument", `${spec} holds only the way to its answers.`, {
      hint: "Give the run that it was exported from.",
    });
  }
  if (architecture === undefined && readOwn(spec)) {
    const trained = await loadTrained(spec);
    const text = preprocessing ?? trained.card.preprocessing;
    return unrolled({ ...trained, card: { ...trained.card, preprocessing: text } });
  }
  if (/^[^:]*[\\/.][^:]*$/.test(spec) && !existsSync(spec)) {
    throw new OcelliError("data", `there is no run and no file at ${spec}.`);
  }
  const { model, text, weights, arrays, ...known } = await readPublished(spec, {
    architecture,
    preprocessing,
    report,
  });
  const count = headSize(arrays);
  if (count === undefined) {
    throw new OcelliError("argument", `${spec} has no classifier to be explained.`, {
      hint: "Teach it classes with ocelli transfer, and give that run.",
    });
  }
  const prepared = parsePreprocessing(text);
  const imageShape = imageShapeOf(prepared);
  const own = known.classes?.length === count ? known.classes : undefined;
  const names = classes === undefined ? own : await readClasses(classes, count);
  const card: ModelCard = {
    model,
    classes: names ?? Array.from({ length: count }, (_, k) => String(k)),
    preprocessing: prepared.text,
    loss: "softmax",
    imageShape,
    step: 0,
  };
  const { name, ...options } = model;
  const net = createModel(name, { ...options, numClasses: count });
  const specs = modelSpecs(net, { shape: [1, ...imageShape], dtype: "float32" });
  const grid = positionGrid(model, imageShape);
  const { params, variables, resized } = fitWeights(weights, arrays, specs, { grid });
  for (const line of resized) report?.(`resized ${line}`);
  return unrolled({
    card,
    model: net,
    params: fromFlat(params),
    variables: fromFlat(variables),
  });
}

/** The same model with its layers apart: what a scan or a recomputation hides is then an intermediate like others. */
function unrolled(trained: TrainedModel): TrainedModel {
  const { scan, rematPolicy, ...options } = trained.card.model as Record<string, unknown>;
  if (scan === undefined && rematPolicy === undefined) return trained;
  const card = { ...trained.card, model: options as ModelCard["model"] };
  const model = modelOf(card);
  const image = { shape: [1, ...card.imageShape], dtype: "float32" } as const;
  const specs = toFlat(modelSpecs(model, image).params) as Parameters<typeof restack>[1];
  const params = fromFlat(restack(toFlat<HostArray>(trained.params), specs));
  return { ...trained, card, model, params };
}

/** How many classes the file's own classifier has. */
function headSize(arrays: Readonly<Record<string, HostArray>>): number | undefined {
  const { arrays: named, namesOf } = readNames(arrays);
  return named.find(([name]) => namesOf(name)?.[0] === "head/bias")?.[1].shape[0];
}

/** Names of classes: a line each, a list as JSON, or a record from numbers to names. */
async function readClasses(file: string, count: number): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((cause) => {
    throw new OcelliError("data", `${file} cannot be read.`, { cause });
  });
  const names = /^\s*[[{]/.test(text) ? fromJson(file, text) : text.trim().split(/\r?\n/);
  if (names.length === count && names.every((name) => typeof name === "string")) return names;
  throw new OcelliError("data", `${file} names ${names.length} classes; the model has ${count}.`);
}

function fromJson(file: string, text: string): string[] {
  try {
    return Object.values(JSON.parse(text) as Record<string, string>);
  } catch (cause) {
    throw new OcelliError("data", `${file} is not JSON.`, { cause });
  }
}
