/** @file Cases of published models: their weights are loaded as a user's are, and gradients go back to the file's names. */

import { OcelliError } from "../errors.ts";
import { parseJson } from "../formats/budget.ts";
import { readSafetensors } from "../formats/safetensors.ts";
import { type HostArray, type Tensor, hostArray, toNumbers } from "../graph/index.ts";
import { type ImageModel, createModel } from "../models/index.ts";
import { type Scope, modelSpecs } from "../nn/index.ts";
import { type Description, describeWeights } from "../weights/describe.ts";
import { fitWeights } from "../weights/fit.ts";
import { type Arrays, type Case, type Json, type JsonObject, fileOf, inputOf } from "./case.ts";

/** A model of a case's files. */
export interface LoadedModel {
  readonly config: JsonObject;
  readonly described: Description;
  readonly model: ImageModel;
  /** The file's arrays by its own names. */
  readonly tensors: Arrays;
  /** The model's parameters by flat name. */
  readonly params: Arrays;
  /** Image batches [batch, height, width, channels]. */
  readonly image: HostArray;
  /** The gradients of the file's arrays, from those of the model's. */
  readonly gradientsOf: (own: Arrays) => Arrays;
}

const CONFIG = "model/config.json";
const PREPROCESSOR = "model/preprocessor_config.json";

const jsonOf = (given: Case, name: string): JsonObject =>
  parseJson(new TextDecoder().decode(fileOf(given, name)), name) as JsonObject;

/** How many classes the file's classifier has; none where it has no classifier. */
function classesOf(tensors: Arrays): number | undefined {
  const name = Object.keys(tensors).find((one) => /^(cls_)?classifier\.weight$/.test(one));
  return name === undefined ? undefined : tensors[name].shape[0];
}

/**
 * The model that a case's files describe, with their weights.
 *
 * @param around what is made of the model and has further parameters, such as a decoder
 */
export function loadModel(
  given: Case,
  around: (model: ImageModel, config: JsonObject) => (scope: Scope, image: Tensor) => unknown = (
    model,
  ) => model,
): LoadedModel {
  const config = jsonOf(given, CONFIG);
  const preprocessor = Object.hasOwn(given.files, PREPROCESSOR)
    ? jsonOf(given, PREPROCESSOR)
    : undefined;
  const described = describeWeights(config, preprocessor);
  if (!described) {
    throw new OcelliError("unsupported", `${CONFIG} is of no model that is known here.`, {
      given: String(config.model_type),
    });
  }
  const tensors: Arrays = readSafetensors(fileOf(given, "model/model.safetensors")).tensors;
  const { name, ...options } = described.model;
  const pools = Object.keys(tensors).some((one) => one.endsWith("pooler.dense.weight"));
  const model = createModel(name, {
    ...{ ...options, numClasses: classesOf(tensors) ?? null },
    ...(pools && { repSize: true }),
  });
  const image = lastChannels(inputOf(given.inputs, "pixel_values"));
  const specs = modelSpecs(around(model, config), image);
  const fit = (arrays: Arrays): Arrays => fitWeights("model.safetensors", arrays, specs).params;
  return {
    config,
    described,
    model,
    tensors,
    params: fit(tensors),
    image,
    gradientsOf: (own) => gradientsThrough(fit, tensors, own),
  };
}

/**
 * Gradients of a file's arrays: loading only moves and adds numbers, so that each array of the file, filled with the numbers of
 * its elements while all others are zero, says where they go.
 */
function gradientsThrough(fit: (arrays: Arrays) => Arrays, tensors: Arrays, own: Arrays): Arrays {
  const filled = (array: HostArray, value: (i: number) => number): HostArray =>
    hostArray(
      array.shape,
      "float32",
      Float32Array.from(array.data as ArrayLike<number>, (_, i) => value(i)),
    );
  const zeros = Object.fromEntries(
    Object.entries(tensors).map(([name, array]) => [name, filled(array, () => 0)]),
  );
  return Object.fromEntries(
    Object.entries(tensors).map(([name, array]) => {
      const placed = fit({ ...zeros, [name]: filled(array, (i) => i + 1) });
      const sums = new Float64Array(array.data.length);
      for (const [to, places] of Object.entries(placed)) {
        const values = toNumbers(own[to]);
        toNumbers(places).forEach((place, i) => {
          if (place > 0) sums[place - 1] += values[i];
        });
      }
      return [name, hostArray(array.shape, "float32", Float32Array.from(sums))];
    }),
  );
}

/** Images [batch, channels, height, width] as [batch, height, width, channels]. */
function lastChannels({ shape, data }: HostArray): HostArray {
  const [batch, channels, height, width] = shape;
  const out = new Float32Array(data.length);
  const plane = height * width;
  for (let i = 0; i < data.length; i++) {
    const [b, c, at] = [
      Math.floor(i / (channels * plane)),
      Math.floor(i / plane) % channels,
      i % plane,
    ];
    out[(b * plane + at) * channels + c] = Number(data[i]);
  }
  return hostArray([batch, height, width, channels], "float32", out);
}

/** Images [batch, height, width, channels] as [batch, channels, height, width]. */
export function firstChannels({ shape, data }: HostArray): HostArray {
  const [batch, height, width, channels] = shape;
  const out = new Float32Array(data.length);
  const plane = height * width;
  for (let i = 0; i < data.length; i++) {
    const [b, at, c] = [
      Math.floor(i / (channels * plane)),
      Math.floor(i / channels) % plane,
      i % channels,
    ];
    out[(b * channels + c) * plane + at] = Number(data[i]);
  }
  return hostArray([batch, channels, height, width], "float32", out);
}

/** A value of a configuration, or the library's own where it says none. */
export const configured = <T extends Json>(config: JsonObject, key: string, otherwise: T): T =>
  (Object.hasOwn(config, key) && config[key] !== null ? config[key] : otherwise) as T;
