/** @file An exported model in a browser: fetched, and asked about picture files as `ocelli predict` is. */

import { unknownName } from "../errors.ts";
import type { HostArray } from "../graph/index.ts";
import type { ModelCard } from "../models/index.ts";
import { type Answerer, answerer, prepareImages } from "../served/answering.ts";
import type { ServedModel } from "../served/model.ts";
import type { Answer } from "../tasks/index.ts";
import { type PictureInput, readPicture } from "./decode.ts";
import { type LoadOptions, addressOf, bytesAt, describedFolder, openTabEngine } from "./loading.ts";

/** A model in a browser tab. It owns memory until it is disposed. */
export interface Classifier {
  readonly card: ModelCard;
  /** What computes, in one line. */
  readonly engine: string;
  /** The answer for a picture: a file, its bytes, or pixels, uint8 [height, width, channels]. */
  predict(picture: PictureInput): Promise<Answer>;
  /** Answers for several pictures, computed together. */
  predictAll(pictures: readonly PictureInput[]): Promise<Answer[]>;
  dispose(): Promise<void>;
}

/**
 * Loads a model that `ocelli export` wrote: the folder of `--to web`, or an `.onnx` file. Everything that `ocelli predict`
 * does to a picture is done to it here; the model may be of any task.
 *
 * @param url of the folder or the file, relative to the page
 * @throws a data error where it cannot be fetched; a format error where the file does not say how to use it
 * @example
 * const classifier = await loadClassifier("/digits/");
 * const answer = await classifier.predict(input.files[0]); // { kind: "ranked", ranked: [{ name: "7", score: 0.99 }, …] }
 */
export async function loadClassifier(
  url: string | URL,
  { weights = "float32", decode = "exact", ...options }: LoadOptions = {},
): Promise<Classifier> {
  const file = await modelAt(url, weights);
  const bytes = await bytesAt(file);
  const engine = await openTabEngine(options);
  const opened = async (): Promise<readonly [ServedModel, Answerer]> => {
    const model = await engine.open(bytes, file.href);
    return [model, answerer(model, file.href)];
  };
  const [model, answer] = await opened().catch(async (error: unknown) => {
    await engine.dispose();
    throw error;
  });
  const predictAll = async (pictures: readonly PictureInput[]): Promise<Answer[]> => {
    const { alpha } = model.preprocessing;
    const images: HostArray[] = [];
    for (const picture of pictures) images.push(await readPicture(picture, { alpha, decode }));
    return answer(prepareImages(model, images));
  };
  return {
    card: model.card,
    engine: engine.description,
    predict: async (picture) => (await predictAll([picture]))[0],
    predictAll,
    dispose: () => engine.dispose(),
  };
}

/** Where the model's file lies: an `.onnx` file itself, or the one that a folder names; of two towers that of images. */
async function modelAt(url: string | URL, weights: string): Promise<URL> {
  const base = addressOf(url);
  if (!base.pathname.endsWith("/")) return base;
  const { files, towers } = await describedFolder(base);
  const named = files ?? towers?.image?.files ?? {};
  if (Object.hasOwn(named, weights)) return new URL(named[weights], base);
  throw unknownName(`file of ${base.href}`, weights, Object.keys(named), "argument");
}
