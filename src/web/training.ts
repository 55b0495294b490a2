/** @file A small classifier trained from scratch in a tab: the steps, their state as bytes, and the model as a file. */

import { createModel } from "../models/index.ts";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { OrtEngine } from "../engines/ort/engine.ts";
import type { OrtModule } from "../engines/ort/runtime/js-api.ts";
import { type WebRuntimeOptions, createWebRuntime } from "../engines/ort/runtime/web.ts";
import { BEGINNING, trainingOrder } from "../data/stream/order.ts";
import { OcelliError } from "../errors.ts";
import { type HostArray, type Tensor, hostArray, softmax, toNumbers } from "../graph/index.ts";
import type { ModelCard } from "../models/card.ts";
import { apply } from "../nn/index.ts";
import { classification } from "../objectives/index.ts";
import { makeOptimizer } from "../optim/index.ts";
import { type AlphaRule, opaque } from "../preprocess/alpha.ts";
import { collate } from "../preprocess/collate.ts";
import { imageOf } from "../preprocess/image.ts";
import { parsePreprocessing } from "../preprocess/pipeline.ts";
import { seededRandom } from "../random.ts";
import { disposeTree, readScalars, readTree, replaceTree } from "../served/device-trees.ts";
import { type TrainState, makeInit, makeTrainStep } from "../train/step.ts";
import { type Tree, toFlat } from "../tree.ts";
import { checkpointChunks } from "../weights/checkpoint.ts";
import { type TrainingOptions, readState, wholeOptions, writeState } from "./training-state.ts";

export type { TrainingOptions };

/** A picture made ready for training, and its class by number. */
export interface TrainingPicture {
  /** Decides its augmentation, with the seed. */
  readonly id: string;
  /** uint8 [height, width, 3], of {@link TabTraining.prepare}. */
  readonly image: HostArray;
  readonly label: number;
}

/** One update's measures. */
export interface StepMeasures {
  /** Updates made, this one included. */
  readonly step: number;
  readonly loss: number;
  /** The part of the batch that the model had right before the update. */
  readonly accuracy: number;
}

/** A training in a tab. It owns memory until it is disposed; await each call before the next one. */
export interface TabTraining {
  /** What computes, in one line. */
  readonly engine: string;
  /** Updates made so far. */
  readonly step: number;
  /** What becomes of transparent parts of a picture: the second argument of `picturePixels`. */
  readonly alpha: AlphaRule;
  /** A picture of any size, uint8 [height, width, 3 or 4], as small as training needs it. */
  prepare(picture: HostArray): HostArray;
  /**
   * One update on the next batch of these pictures, the same list in the same order at every call.
   *
   * @throws a configuration error where all steps are done; a data error without pictures, or where a label is no class
   */
  update(pictures: readonly TrainingPicture[]): Promise<StepMeasures>;
  /** The probability of each class for a picture of any size. */
  classify(picture: HostArray): Promise<number[]>;
  /** All that {@link openTraining} needs to resume bit for bit, on the same machine. */
  state(): Promise<Uint8Array>;
  /** The model as a checkpoint, which `ocelli predict`, `eval` and `export` take. */
  save(): Promise<Uint8Array[]>;
  dispose(): Promise<void>;
}

/** A ViT of 0.5 million parameters. */
const MODEL = {
  ...{ patchSize: [8, 8] as [number, number], width: 96, depth: 4, mlpDim: 384, numHeads: 3 },
  poolType: "gap" as const,
};

/**
 * A training over the `onnxruntime-web` module that the page has imported: a new one, or one that resumes from its state.
 *
 * @param web how the engine is opened, as `createWebEngine` takes it
 * @param state of {@link TabTraining.state}
 * @throws a configuration error where options are not valid, or where the state is of a training with others
 * @example
 * import * as ort from "onnxruntime-web/webgpu";
 * const training = await openTraining(ort, { classes: ["cat", "dog"], steps: 300 }, { threads: 4 });
 * const pictures = [{ id: "a.jpg", image: training.prepare(pixels), label: 0 }];
 * while (training.step < 300) console.log((await training.update(pictures)).loss);
 */
export async function openTraining(
  ort: OrtModule,
  given: TrainingOptions,
  web: WebRuntimeOptions,
  state?: Uint8Array,
): Promise<TabTraining> {
  const options = wholeOptions(given);
  const { classes, steps, size, batchSize, lr, seed } = options;
  const before = state && readState(state, options);
  const net = createModel("vit", { ...MODEL, numClasses: classes.length });
  const evaluation = parsePreprocessing(
    `decode|resize_small(${(size * 9) / 8})|central_crop(${size})|value_range(-1,1)`,
  );
  const reduction = parsePreprocessing(`resize_small(${size * 2})`);
  const augmentation = parsePreprocessing(`inception_crop(${size}, 30)|flip_lr|value_range(-1,1)`);
  const objective = classification(net, { labelSmoothing: 0.1 });
  const schedule = { decayType: "cosine", warmup: { percent: 10 } } as const;
  const optimizer = makeOptimizer(
    { name: "adamw", lr, weightDecay: 0.05, gradClipNorm: 1, schedule },
    { totalSteps: steps, batchSize },
  );

  const engine = new OrtEngine({ runtime: await createWebRuntime(ort, web) });
  const step = makeTrainStep(objective, optimizer);
  const run = jit(
    engine,
    (now: TrainState, image: Tensor, label: Tensor) =>
      step(now, { image: augmentation.onDevice({ image }).image, label }),
    { donate: [0], name: "train" },
  );
  const answer = jit(engine, ({ params, variables }: TrainState, image: Tensor) =>
    softmax(apply(net, { params, variables }, evaluation.onDevice({ image }).image).result[0]),
  );

  const init = jit(
    engine,
    makeInit(objective, optimizer, {
      image: { shape: [batchSize, size, size, 3], dtype: "float32" },
      label: { shape: [batchSize], dtype: "int32" },
    }),
  );
  let now: DeviceState;
  try {
    now = (await init(hostArray([2], "uint32", Uint32Array.of(0, seed)))) as DeviceState;
    if (before) {
      const arrays = Object.fromEntries(
        Object.entries(before.arrays).map(([name, array]) => [
          name,
          { ...array, read: () => Promise.resolve(array) },
        ]),
      );
      now = await replaceTree(engine, "the training's state", now, arrays);
    }
  } catch (error) {
    await engine.dispose();
    throw error;
  }
  let done = before?.step ?? 0;
  let position = before?.position ?? BEGINNING;

  return {
    engine: engine.description,
    alpha: evaluation.alpha,
    get step() {
      return done;
    },
    prepare(picture) {
      const pixels = opaque(imageOf("prepare", picture), evaluation.alpha);
      return reduction.onHost({ image: pixels }, seededRandom("prepare")).image;
    },
    async update(pictures) {
      if (done >= steps) throw new OcelliError("config", `all ${steps} steps are done.`);
      if (pictures.length === 0) throw new OcelliError("data", "there are no pictures.");
      const odd = pictures.find(({ label }) => !Object.hasOwn(classes, label));
      if (odd) {
        throw new OcelliError("data", `the label of ${odd.id} is ${odd.label}.`, {
          hint: `Labels are places in the list of classes: 0 to ${classes.length - 1}.`,
        });
      }
      const visits = trainingOrder(pictures, seed, position);
      let after = position;
      const batch = Array.from({ length: batchSize }, () => {
        const { index, epoch, next } = visits.next().value;
        after = next;
        const { id, image, label } = pictures[index];
        const random = seededRandom(seed, epoch, id);
        return { image: augmentation.onHost({ image }, random).image, label };
      });
      const label = hostArray(
        [batchSize],
        "int32",
        Int32Array.from(batch, (one) => one.label),
      );
      const result = (await run(now, stacked(batch.map(({ image }) => image)), label)) as {
        state: DeviceState;
        metrics: Record<"loss" | "accuracy", DeviceArray>;
      };
      now = result.state;
      position = after;
      done++;
      const { loss, accuracy } = await readScalars(result.metrics);
      return { step: done, loss, accuracy };
    },
    async classify(picture) {
      const pixels = opaque(imageOf("classify", picture), evaluation.alpha);
      const { image } = evaluation.onHost({ image: pixels }, seededRandom("prediction"));
      const probabilities = (await answer(now, stacked([image]))) as DeviceArray;
      const numbers = toNumbers(await probabilities.read());
      probabilities.dispose();
      return numbers;
    },
    async state() {
      const arrays = toFlat<HostArray>(await readTree(now));
      return writeState({ arrays, step: done, position }, options);
    },
    async save() {
      const { params, variables } = now;
      const arrays = (await readTree({ params, variables })) as Pick<
        Parameters<typeof checkpointChunks>[0],
        "params" | "variables"
      >;
      const card: ModelCard = {
        model: { name: "vit", ...MODEL },
        task: { name: "classification", loss: "softmax" },
        names: { label: classes },
        preprocessing: evaluation.text,
        imageShape: [size, size, 3],
        step: done,
      };
      return checkpointChunks({ card, ...arrays });
    },
    async dispose() {
      disposeTree(now);
      await engine.dispose();
    },
  };
}

/** A training's state on the device. */
type DeviceState = Tree<DeviceArray> & Readonly<Record<keyof TrainState, Tree<DeviceArray>>>;

/** Images of one shape and dtype as a batch. */
const stacked = (images: readonly HostArray[]): HostArray =>
  collate(
    images.map((image) => ({ image })),
    images.length,
  ).image;
