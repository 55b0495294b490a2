/** @file Prediction with a trained model. */

import { type DeviceArray, jit } from "../engines/engine.ts";
import { openEngine } from "../engines/select.ts";
import { collate } from "../data/batches.ts";
import { type HostArray, type Tensor, logistic, softmax } from "../graph/index.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { seededRandom } from "../preprocess/random.ts";
import { disposeTree, uploadTree } from "./device.ts";
import { type ModelTensors, evaluateModel, loadTrained } from "./trained.ts";

/** How sure a model is of a class. */
export interface Ranked {
  readonly class: string;
  readonly probability: number;
}

/** A trained model on a device, ready to classify. It owns memory until it is disposed. */
export interface Predictor {
  readonly classes: readonly string[];
  /**
   * Classifies up to `batchSize` images, uint8 of [height, width, channels]; they may differ in size.
   *
   * @returns every class for each image, the surest first
   */
  predict(images: readonly HostArray[]): Promise<Ranked[][]>;
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
 * Loads a run's model for prediction.
 *
 * @example
 * const predictor = await loadPredictor("runs/quickstart");
 * const [[best]] = await predictor.predict([image]); // { class: "7", probability: 0.99 }
 * await predictor.dispose();
 */
export async function loadPredictor(
  run: string,
  { engine: engineName, batchSize = 1 }: PredictorOptions = {},
): Promise<Predictor> {
  const { card, model, params, variables } = await loadTrained(run);
  const { onHost, onDevice } = parsePreprocessing(card.preprocessing);
  const engine = await openEngine(engineName);
  const arrays = await uploadTree(engine, { params, variables });
  const activate = card.loss === "softmax" ? softmax : logistic;
  const forward = jit(engine, function predict(weights: ModelTensors, image: Tensor) {
    return activate(evaluateModel(model, weights, onDevice({ image }).image)); // [batch, classes]
  });
  return {
    classes: card.classes,
    async predict(images) {
      const examples = images.map((image) => onHost({ image }, seededRandom("prediction")));
      const { image } = collate(examples, batchSize);
      const output = (await forward(arrays, image)) as DeviceArray;
      const probabilities = (await output.read()).data;
      output.dispose();
      return images.map((_, row) =>
        card.classes
          .map((name, k) => ({
            class: name,
            probability: Number(probabilities[row * card.classes.length + k]),
          }))
          .sort((a, b) => b.probability - a.probability),
      );
    },
    async dispose() {
      disposeTree(arrays);
      await engine.dispose();
    },
  };
}
