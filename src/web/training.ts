/** @file A small classifier trained from scratch in a tab: the steps, what they have come to as bytes, and the model as a file. */

import { createModel } from "../models/index.ts";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { OrtEngine } from "../engines/ort/engine.ts";
import type { OrtModule } from "../engines/ort/runtime/js-api.ts";
import { type WebRuntimeOptions, createWebRuntime } from "../engines/ort/runtime/web.ts";
import { type Position, BEGINNING, trainingOrder } from "../data/stream/order.ts";
import { OcelliError } from "../errors.ts";
import { parseJson } from "../formats/budget.ts";
import { concatBytes, formatError } from "../formats/bytes.ts";
import { readSafetensors, safetensorsChunks } from "../formats/safetensors.ts";
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

/** What is trained, and how. */
export interface TrainingOptions {
  /** The classes, at least two; a picture's label is a place in this list. */
  readonly classes: readonly string[];
  /** Updates in all; the learning rate falls along a cosine to 0 at the last. */
  readonly steps: number;
  /** Width and height that the model sees, in pixels, a multiple of 8. Default: 32. */
  readonly size?: number;
  /** Pictures of one update. Default: 32. */
  readonly batchSize?: number;
  /** The peak learning rate of AdamW. Default: 1e-3. */
  readonly lr?: number;
  /** Decides weights, order and augmentation. Default: 0. */
  readonly seed?: number;
}

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

/** A training in a tab. It owns memory until it is disposed. */
export interface TabTraining {
  /** What computes, in one line. */
  readonly engine: string;
  /** Updates made so far. */
  readonly step: number;
  /** What becomes of transparent parts of a picture; see `picturePixels`. */
  readonly alpha: AlphaRule;
  /** A picture of any size, uint8 [height, width, 3 or 4], as small as training needs it. */
  prepare(picture: HostArray): HostArray;
  /** One update on the next batch of these pictures, the same list in the same order at every call. */
  update(pictures: readonly TrainingPicture[]): Promise<StepMeasures>;
  /** The probability of each class for a picture of any size. */
  classify(picture: HostArray): Promise<number[]>;
  /** All that a training needs to go on bit for bit, on the same machine: for {@link openTraining}. */
  state(): Promise<Uint8Array>;
  /** The model as a checkpoint, which `ocelli predict`, `eval` and `export` take. */
  save(): Promise<Uint8Array[]>;
  dispose(): Promise<void>;
}

const STATE_FORMAT = "ocelli-tab-training-1";

const defaults = { size: 32, batchSize: 32, lr: 1e-3, seed: 0 };

/** A ViT of 0.4 million parameters. */
const modelOf = (classes: number) => ({
  name: "vit" as const,
  ...{ patchSize: [8, 8] as [number, number], width: 96, depth: 4, mlpDim: 384, numHeads: 3 },
  poolType: "gap" as const,
  numClasses: classes,
});

/**
 * A training over the `onnxruntime-web` module that the page has imported: a new one, or one that goes on from its state.
 *
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
  const options = checked({ ...defaults, ...given });
  const { classes, steps, size, batchSize, lr, seed } = options;
  const model = modelOf(classes.length);
  const { name, ...modelOptions } = model;
  const net = createModel(name, modelOptions);
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

  const before = state && readState(state, options);
  const init = jit(
    engine,
    makeInit(objective, optimizer, {
      image: { shape: [batchSize, size, size, 3], dtype: "float32" },
      label: { shape: [batchSize], dtype: "int32" },
    }),
  );
  const start = await init(hostArray([2], "uint32", Uint32Array.of(0, seed)));
  let now = start as Tree<DeviceArray> & Pick<DeviceState, "params" | "variables">;
  if (before) now = await replaceTree(engine, "the training's state", now, before.arrays);
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
      const visits = trainingOrder(pictures, seed, position);
      const batch = Array.from({ length: batchSize }, () => {
        const { index, epoch, next } = visits.next().value;
        position = next;
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
        state: typeof now;
        metrics: Record<"loss" | "accuracy", DeviceArray>;
      };
      now = result.state;
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
      const about = { format: STATE_FORMAT, options: JSON.stringify(options), step: String(done) };
      return concatBytes(
        safetensorsChunks(arrays, { ...about, position: JSON.stringify(position) }),
      );
    },
    async save() {
      const { params, variables } = now;
      const arrays = (await readTree({ params, variables })) as Pick<
        Parameters<typeof checkpointChunks>[0],
        "params" | "variables"
      >;
      const { numClasses: _, ...described } = model;
      const card: ModelCard = {
        model: described,
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

type DeviceState = Readonly<Record<keyof TrainState, Tree<DeviceArray>>>;

function checked(options: Required<TrainingOptions>): Required<TrainingOptions> {
  const wrong = (what: string, hint: string): OcelliError =>
    new OcelliError("config", `${what}.`, { hint });
  const { classes, size } = options;
  if (classes.length < 2) throw wrong(`there are ${classes.length} classes`, "Two are the least.");
  if (!Number.isInteger(size / 8) || size < 8 || size > 256) {
    throw wrong(`size is ${size}`, "It is a multiple of 8, up to 256.");
  }
  for (const key of ["steps", "batchSize"] as const) {
    if (Number.isInteger(options[key]) && options[key] > 0) continue;
    throw wrong(`${key} is ${options[key]}`, "It is a whole number above 0.");
  }
  return options;
}

/** What {@link TabTraining.state} wrote, which must be of the same options. */
function readState(bytes: Uint8Array, options: Required<TrainingOptions>) {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata.format !== STATE_FORMAT) throw formatError("these bytes are no training's state.");
  const parse = (field: string): unknown =>
    parseJson(metadata[field] ?? "", `the training's ${field}`, { depth: 4 });
  const then = parse("options") as Record<string, unknown>;
  const other = Object.entries(options).find(
    ([key, value]) => JSON.stringify(then[key]) !== JSON.stringify(value),
  );
  if (other) {
    const [key, value] = other;
    throw new OcelliError(
      "config",
      `the training began with ${key} ${JSON.stringify(then[key])}, not ${JSON.stringify(value)}.`,
      { hint: "Begin a new one, or take the options that it began with." },
    );
  }
  return {
    arrays: Object.fromEntries(
      Object.entries(tensors).map(([name, array]) => [
        name,
        { ...array, read: () => Promise.resolve(array) },
      ]),
    ),
    step: Number(metadata.step),
    position: parse("position") as Position,
  };
}

/** Images of one shape and dtype as a batch. */
const stacked = (images: readonly HostArray[]): HostArray =>
  collate(
    images.map((image) => ({ image })),
    images.length,
  ).image;
