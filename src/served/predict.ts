/** @file Prediction with a trained model. */

import { collate, evaluationBatches } from "../data/stream/batches.ts";
import type { BadImagePolicy, DataProblems } from "../data/problems.ts";
import type { Source } from "../data/source.ts";
import type { WorkerPool } from "../data/stream/workers.ts";
import type { DeviceArray } from "../engines/engine.ts";
import { OcelliError } from "../errors.ts";
import { type HostArray, toNumbers } from "../graph/index.ts";
import { CLASS_LOSSES } from "../losses/index.ts";
import type { AlphaRule } from "../preprocess/alpha.ts";
import { seededRandom } from "../preprocess/random.ts";
import { openServed } from "./open.ts";

/** How sure a model is of a class. */
export interface Ranked {
  readonly class: string;
  readonly probability: number;
}

/** What a model sees in an image. */
export interface Prediction {
  /** The example's id, such as a file's path. */
  readonly id: string;
  /** Classes, the surest first. */
  readonly ranked: readonly Ranked[];
}

/** Options of {@link Predictor.stream}. */
export interface StreamOptions {
  readonly workers?: WorkerPool;
  /** Whether an image that cannot be decoded is an error, which it is unless given, or left out. */
  readonly onBadImage?: BadImagePolicy;
  /** Collects what was left out. */
  readonly problems?: DataProblems;
}

/** A trained model on a device, ready to classify. It owns memory until it is disposed. */
export interface Predictor {
  readonly classes: readonly string[];
  /** What becomes of transparent parts where the model's images are decoded: `decodeImageFile(path, { alpha })`. */
  readonly alpha: AlphaRule;
  /**
   * Classifies up to `batchSize` images, uint8 of [height, width, channels]; they may differ in size.
   *
   * @returns every class for each image, the surest first
   */
  predict(images: readonly HostArray[]): Promise<Ranked[][]>;
  /** Classifies a source's images one after the other; however many there are, a few batches are in memory. */
  stream(source: Source, options?: StreamOptions): AsyncGenerator<Prediction, void>;
  dispose(): Promise<void>;
}

/** Options of {@link loadPredictor}. */
export interface PredictorOptions {
  /** `auto` unless given. */
  readonly engine?: string;
  /** Images computed together; 1 unless given. */
  readonly batchSize?: number;
}

/**
 * Loads the model of a run, of a checkpoint or of an exported `.onnx` file for prediction.
 *
 * @example
 * const predictor = await loadPredictor("runs/quickstart");
 * const [[best]] = await predictor.predict([image]); // { class: "7", probability: 0.99 }
 * await predictor.dispose();
 */
export async function loadPredictor(
  path: string,
  { engine, batchSize = 1 }: PredictorOptions = {},
): Promise<Predictor> {
  const model = await openServed(path, engine);
  const { card, preprocessing } = model;
  const { probabilities } = CLASS_LOSSES[card.loss];
  const classify = model.compile(({ output }) => probabilities(output));
  const rank = async (image: HostArray): Promise<Ranked[][]> => {
    const rows = (await classify({ image })) as DeviceArray; // [batch, classes]
    const ranked = rankRows(path, await rows.read(), card.classes);
    rows.dispose();
    return ranked;
  };
  return {
    classes: card.classes,
    alpha: preprocessing.alpha,
    async predict(images) {
      const random = () => seededRandom("prediction");
      const examples = images.map((image) => preprocessing.onHost({ image }, random()));
      const rows = await rank(collate(examples, batchSize).image);
      return rows.slice(0, images.length);
    },
    async *stream(source, options = {}) {
      const batching = { batchSize, preprocessing, seed: 0, ...options };
      for await (const { features, indices } of evaluationBatches(source, batching)) {
        const rows = await rank(features.image);
        for (const [row, index] of indices.entries()) {
          if (index >= 0) yield { id: source.id(index), ranked: rows[row] };
        }
      }
    },
    dispose: () => model.dispose(),
  };
}

/**
 * Every class of each row of probabilities [batch, classes], the surest first.
 *
 * @throws an error where one is no number
 */
function rankRows(path: string, probabilities: HostArray, classes: readonly string[]): Ranked[][] {
  const values = toNumbers(probabilities);
  if (values.some((value) => Number.isNaN(value))) {
    throw new OcelliError("diverged", `${path} gives NaN for an image.`, {
      hint: "Its weights are too large for its dtype, or damaged; take another checkpoint.",
    });
  }
  return Array.from({ length: probabilities.shape[0] }, (_, row) =>
    classes
      .map((name, k) => ({ class: name, probability: values[row * classes.length + k] }))
      .sort((a, b) => b.probability - a.probability),
  );
}
