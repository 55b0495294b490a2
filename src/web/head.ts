/** @file A classifier's head taught on features: the whole training as one program. */

import {
  type Tensor,
  add,
  arange,
  constant,
  div,
  fromNumbers,
  matmul,
  mul,
  reduceSum,
  reshape,
  scan,
  softmax,
  specOf,
  sqrt,
  square,
  sub,
} from "../graph/index.ts";
import { dense, zerosInit } from "../nn/index.ts";
import { classification } from "../objectives/index.ts";
import { makeOptimizer } from "../optim/index.ts";
import { type TrainState, makeInit, makeTrainStep } from "../train/step.ts";
import { flatten, unflatten } from "../tree.ts";

/** A head's parameters: kernel [features, classes] and bias [classes]. */
export type HeadTensors = { readonly kernel: Tensor; readonly bias: Tensor };

/** Steps of gradient descent over all examples. */
export const HEAD_STEPS = 300;
/** Half of this times the squared weights of standardised features is added to the mean cross-entropy. */
const L2 = 1;
/** Examples have length one on average, under which softmax regression is stable at this rate. */
const RATE = 2;
const MOMENTUM = 0.9;

/**
 * The program that teaches a head: softmax regression on standardised features, as `ocelli transfer --method linear`
 * has it at its usual strength, by {@link HEAD_STEPS} steps of gradient descent with momentum.
 *
 * @returns the head for features as they are, and `losses` [HEAD_STEPS], each before its step
 */
export const makeTeach = (classes: number) => {
  const objective = classification((scope, x) => [
    dense(scope.at("head"), x, classes, { kernelInit: zerosInit }),
    {},
  ]);
  /** features [n, features], label int32 [n], mask [n]: 0 for rows that do not count. */
  return function teach(features: Tensor, label: Tensor, mask: Tensor) {
    const [rows, width] = features.shape;
    const weights = reshape(div(mask, reduceSum(mask)), [rows, 1]);
    const mean = reduceSum(mul(features, weights), 0); // [features]
    const centred = sub(features, mean);
    const deviation = add(sqrt(reduceSum(mul(square(centred), weights), 0)), 1e-5);
    const scale = mul(deviation, Math.sqrt(width)); // [features]
    const image = div(centred, scale);
    const optimizer = makeOptimizer(
      {
        name: "momentum",
        momentum: MOMENTUM,
        lr: RATE,
        // where the decay and the steady momentum balance, the penalty of these scaled features has strength L2
        wd: ((L2 / width) * RATE) / (1 - MOMENTUM),
      },
      { totalSteps: HEAD_STEPS, batchSize: rows },
    );
    const batch = { image, label, mask };
    const key = constant(fromNumbers([0, 0], [2], "uint32")); // nothing is drawn: heads begin at zero
    const init = makeInit(objective, optimizer, { image: specOf(image) });
    const step = makeTrainStep(objective, optimizer);
    const { leaves, structure } = flatten<Tensor>(init(key));
    const { carry, ys } = scan(
      (state) => {
        const next = step(unflatten(structure, state) as TrainState, batch);
        return { carry: flatten<Tensor>(next.state).leaves, ys: [next.metrics.loss] };
      },
      leaves,
      [arange(HEAD_STEPS)], // a scan that slices nothing is unrolled: 300 times the nodes to open
    );
    const { params } = unflatten(structure, carry) as TrainState;
    const head = params.head as HeadTensors;
    const kernel = div(head.kernel, reshape(scale, [width, 1]));
    const shift = reshape(matmul(reshape(mean, [1, width]), kernel), [classes]);
    return { kernel, bias: sub(head.bias, shift), losses: ys[0] };
  };
};

/** Probabilities [n, classes] that a head gives features [n, features]. */
export function classify({ kernel, bias }: HeadTensors, features: Tensor): Tensor {
  return softmax(add(matmul(features, kernel), bias));
}
