/** @file The work that is measured: a ViT's training step or forward pass, as Ocelli's own users would run it. */

import { OcelliError, unknownName } from "../src/errors.ts";
import { type Tensor, randomKey, uniform } from "../src/graph/index.ts";
import { VIT_VARIANTS, vit } from "../src/models/index.ts";
import { apply } from "../src/nn/index.ts";
import { classification } from "../src/objectives/index.ts";
import { makeOptimizer } from "../src/optim/index.ts";
import { type TrainState, makeInit, makeTrainStep } from "../src/train/step.ts";

const CLASSES = 1000;
/** AdamW as the peers do it: decay of kernels, multiplied by the learning rate. */
const LEARNING_RATE = 1e-3;
const WEIGHT_DECAY = 1e-4;

/** `vit-s16` → `S/16`. */
function variantOf(model: string): string {
  const match = /^vit-([a-z0-9-]*[a-z])(\d+)$/i.exec(model);
  const names = Object.keys(VIT_VARIANTS);
  const named =
    match &&
    (names.find((name) => name === match[1]) ??
      names.find((name) => name.toLowerCase() === match[1].toLowerCase()));
  if (!match || !named) {
    throw unknownName(
      "model",
      model,
      names.map((name) => `vit-${name.toLowerCase()}16`),
      "argument",
    );
  }
  return `${named}/${match[2]}`;
}

/** The programs of a workload, as functions to be traced, and the specs of their batch. */
export function makeWorkload(model: string, size: number, batch: number) {
  const variant = variantOf(model);
  const patch = Number(variant.split("/")[1]);
  if (size % patch !== 0) {
    throw new OcelliError("argument", `--size ${size} is no multiple of the patch size ${patch}.`);
  }
  const network = vit({ variant, numClasses: CLASSES, headZeroinit: false });
  const objective = classification(network);
  const length = { totalSteps: 1000, batchSize: batch };
  const optimizer = makeOptimizer(
    { name: "adamw", lr: LEARNING_RATE, weightDecay: WEIGHT_DECAY },
    length,
  );
  const specs = {
    image: { shape: [batch, size, size, 3], dtype: "float32" },
    label: { shape: [batch], dtype: "int32" },
  } as const;
  return {
    specs,
    init: makeInit(objective, optimizer, specs),
    /** The batch's images, from a key. */
    images: (key: Tensor) => uniform(key, specs.image.shape, -1, 1),
    step: makeTrainStep(objective, optimizer),
    forward: ({ params }: Pick<TrainState, "params">, image: Tensor) =>
      apply(network, { params }, image).result[0],
  };
}

/** A key for everything random in a benchmark. */
export const benchKey = (): Tensor => randomKey(0);
