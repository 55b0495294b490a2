/** @file The work that is measured: a model's training step or forward pass, as Ocelli's own users would run it. */

import { OcelliError, unknownName } from "../src/errors.ts";
import { type Tensor, randomKey, uniform } from "../src/graph/index.ts";
import { type ImageModel, VIT_VARIANTS, createModel } from "../src/models/index.ts";
import { apply } from "../src/nn/index.ts";
import { classification } from "../src/objectives/index.ts";
import { makeOptimizer } from "../src/optim/index.ts";
import { type TrainState, makeInit, makeTrainStep } from "../src/train/step.ts";

const CLASSES = 1000;
/** AdamW as the peers do it: decay of kernels, multiplied by the learning rate. */
const LEARNING_RATE = 1e-3;
const WEIGHT_DECAY = 1e-4;

/** Names of models with a number or a variant in them, and what they make. */
const FAMILIES: readonly {
  readonly form: RegExp;
  readonly make: (match: RegExpExecArray, size: number) => ImageModel | undefined;
}[] = [
  {
    form: /^vit-([a-z0-9-]*[a-z])(\d+)$/i,
    make: ([, name, patch], size) => makeVit(name, patch, size),
  },
  {
    form: /^(bit|bit-paper)-(r\d+x\d+)$/i,
    make: ([, family, variant]) =>
      createModel(family, {
        variant: variant.replace("r", "R"),
        numClasses: CLASSES,
        headZeroinit: false,
      }),
  },
  {
    form: /^resnet-(\d+)$/,
    make: ([, depth]) => createModel("resnet", { depth: Number(depth), numClasses: CLASSES }),
  },
  {
    form: /^(efficientnet-lite[0-2])$/,
    make: ([, name]) => createModel(name, { numClasses: CLASSES }),
  },
];

/** `vit-s16` is `S/16`; undefined where there is no such variant. */
function makeVit(name: string, patch: string, size: number): ImageModel | undefined {
  const names = Object.keys(VIT_VARIANTS);
  const variant =
    names.find((known) => known === name) ??
    names.find((known) => known.toLowerCase() === name.toLowerCase());
  if (variant === undefined) return undefined;
  if (size % Number(patch) !== 0) {
    throw new OcelliError("argument", `--size ${size} is no multiple of the patch size ${patch}.`);
  }
  return createModel("vit", {
    variant: `${variant}/${patch}`,
    numClasses: CLASSES,
    headZeroinit: false,
  });
}

function makeNetwork(model: string, size: number): ImageModel {
  for (const { form, make } of FAMILIES) {
    const match = form.exec(model);
    const network = match && make(match, size);
    if (network) return network;
  }
  const vits = Object.keys(VIT_VARIANTS).map((name) => `vit-${name.toLowerCase()}16`);
  const others = ["bit-r50x1", "bit-paper-r50x1", "resnet-50", "efficientnet-lite0"];
  throw unknownName("model", model, [...vits, ...others], "argument");
}

/** The programs of a workload, as functions to be traced, and the specs of their batch. */
export function makeWorkload(model: string, size: number, batch: number) {
  const network = makeNetwork(model, size);
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
    forward: ({ params, variables }: Pick<TrainState, "params" | "variables">, image: Tensor) =>
      apply(network, { params, variables }, image).result[0],
  };
}

/** A key for everything random in a benchmark. */
export const benchKey = (): Tensor => randomKey(0);
