/** @file Prediction with a trained model. */

import { evaluationBatches } from "../data/stream/batches.ts";
import type { BadImagePolicy, DataProblems } from "../data/problems.ts";
import type { Source } from "../data/source.ts";
import type { WorkerPool } from "../data/stream/workers.ts";
import type { HostArray } from "../graph/index.ts";
import type { GenerationOptions, ModelCard } from "../models/index.ts";
import type { AlphaRule } from "../preprocess/alpha.ts";
import type { Answer } from "../tasks/index.ts";
import { answerer, prepareImages } from "./answering.ts";
import type { ServedModel } from "./model.ts";
import { type OpenModelOptions, openModel } from "./open.ts";

/** What a model answers for an image. */
export interface Prediction {
  /** The example's id, such as a file's path. */
  readonly id: string;
  readonly answer: Answer;
}

/** Options of {@link Predictor.stream}. */
export interface StreamOptions {
  readonly workers?: WorkerPool;
  /** Whether an image that cannot be decoded is an error, which it is unless given, or left out. */
  readonly onBadImage?: BadImagePolicy;
  /** Collects what was left out. */
  readonly problems?: DataProblems;
}

/** A trained model on a device, ready to answer. It owns memory until it is disposed. */
export interface Predictor {
  readonly card: ModelCard;
  /** What becomes of transparent parts where the model's images are decoded: `decodeImageFile(path, { alpha })`. */
  readonly alpha: AlphaRule;
  /**
   * Answers for images, uint8 of [height, width, channels], `batchSize` at a time; they may differ in size.
   *
   * @returns an answer for each image
   */
  predict(images: readonly HostArray[]): Promise<Answer[]>;
  /** Answers for a source's images one after the other; however many there are, a few batches are in memory. */
  stream(source: Source, options?: StreamOptions): AsyncGenerator<Prediction, void>;
  dispose(): Promise<void>;
}

/** Options of {@link loadPredictor}. */
export interface PredictorOptions extends OpenModelOptions {
  /** Images computed together. Default: 1. */
  readonly batchSize?: number;
  /** How texts are written; an error for a model that writes none. Default: greedily. */
  readonly generation?: GenerationOptions;
}

/**
 * Loads a model for prediction; see {@link openModel} for what `spec` may be.
 *
 * @example
 * const predictor = await loadPredictor("runs/quickstart");
 * const [answer] = await predictor.predict([image]); // { kind: "ranked", ranked: [{ name: "7", score: 0.99 }, …] }
 * await predictor.dispose();
 */
export async function loadPredictor(
  spec: string,
  { batchSize = 1, generation, ...options }: PredictorOptions = {},
): Promise<Predictor> {
  return predictorOf(await openModel(spec, options), spec, { batchSize, generation });
}

/**
 * A model as a predictor, which disposes it.
 *
 * @param spec names the model in errors
 */
export async function predictorOf(
  model: ServedModel,
  spec: string,
  { batchSize, generation }: { readonly batchSize: number } & Pick<PredictorOptions, "generation">,
): Promise<Predictor> {
  const { card, preprocessing } = model;
  const answer = await ready(model, () => answerer(model, spec, generation));
  return {
    card,
    alpha: preprocessing.alpha,
    async predict(images) {
      const answers: Answer[] = [];
      for (let at = 0; at < images.length; at += batchSize) {
        const part = images.slice(at, at + batchSize);
        const batch = await answer(prepareImages(model, part, batchSize));
        answers.push(...batch.slice(0, part.length));
      }
      return answers;
    },
    async *stream(source, streaming = {}) {
      const batching = { batchSize, preprocessing, seed: 0, ...streaming };
      for await (const { features, indices } of evaluationBatches(source, batching)) {
        const answers = await answer(features.image);
        for (const [row, index] of indices.entries()) {
          if (index >= 0) yield { id: source.id(index), answer: answers[row] };
        }
      }
    },
    dispose: () => model.dispose(),
  };
}

/** What is made of a model; where it cannot be, the model is given up. */
async function ready<T>(model: ServedModel, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    await model.dispose();
    throw error;
  }
}
