/** @file Classifiers on frozen features: softmax regression with an L2 sweep, and the ridge probe of few-shot evaluation. */

import { type DeviceArray, type Engine, jit } from "../../engines/engine.ts";
import { fitRidge } from "../../evaluate/classification/few-shot.ts";
import { matrixOf } from "../../evaluate/matrix.ts";
import {
  type HostArray,
  type Tensor,
  add,
  broadcastTo,
  hostArray,
  matmul,
  mean,
  mul,
  oneHot,
  reduceSum,
  square,
  toNumbers,
  valueAndGrad,
} from "../../graph/index.ts";
import { softmaxXent } from "../../losses/index.ts";
import { disposeTree } from "../../served/device-trees.ts";
import { minimise } from "./lbfgs.ts";
import { qualityOf } from "./quality.ts";
import type { Head, Labelled } from "./labelled.ts";

/** One strength of the L2 penalty and how it did. */
export interface Tried {
  readonly l2: number;
  /** Steps of the solver. */
  readonly steps: number;
  /** Of the training examples, without the penalty. */
  readonly trainLoss: number;
  /** On the examples that choose. */
  readonly accuracy: number;
  readonly loss: number;
}

/** Strengths of the L2 penalty that are tried, the strongest first: each begins where the one before it ended. */
export const L2_SWEEP: readonly number[] = [100, 30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01, 1e-3];
/** The strength where nothing can choose one. */
export const L2_DEFAULT = 1;
/** The few-shot probe's ridge, as big_vision has it. */
const RIDGE = 2 ** 10;

/**
 * Softmax regression by L-BFGS for every strength of `l2s`: the mean cross-entropy plus half of l2 times the squared
 * weights of the features after standardisation by the training examples' mean and deviation.
 *
 * @returns for each strength the head for features as they are
 */
export async function fitSoftmax(
  engine: Engine,
  { features, labels }: Labelled,
  classes: number,
  l2s: readonly number[],
): Promise<{ head: Head; l2: number; steps: number; trainLoss: number }[]> {
  const [rows, inputs] = features.shape;
  const moments = momentsOf(features);
  const x = await engine.upload(standardised(features, moments));
  const label = await engine.upload(hostArray([rows], "int32", Int32Array.from(labels)));
  const objective = jit(
    engine,
    function softmaxRegression(
      weights: { kernel: Tensor; bias: Tensor },
      images: Tensor,
      classOf: Tensor,
      l2: Tensor,
    ) {
      const { value, grads } = valueAndGrad(({ kernel, bias }: typeof weights) => {
        const product = matmul(images, kernel); // [rows, classes]
        const logits = add(product, broadcastTo(bias, product.shape));
        const loss = mean(softmaxXent(logits, oneHot(classOf, classes)));
        return add(loss, mul(mul(l2, 0.5), reduceSum(square(kernel))));
      })(weights);
      return { value, grads };
    },
  );
  const split = (point: Float64Array) => {
    const flat = Float32Array.from(point);
    return {
      kernel: hostArray([inputs, classes], "float32", flat.slice(0, inputs * classes)),
      bias: hostArray([classes], "float32", flat.slice(inputs * classes)),
    };
  };
  let point: Float64Array = new Float64Array((inputs + 1) * classes);
  const fitted = [];
  try {
    for (const l2 of l2s) {
      const strength = hostArray([], "float32", Float32Array.of(l2));
      const found = await minimise(async (at) => {
        const result = (await objective(split(at), x, label, strength)) as unknown as {
          value: DeviceArray;
          grads: { kernel: DeviceArray; bias: DeviceArray };
        };
        const { value, grads } = result;
        const [loss, kernel, bias] = await Promise.all(
          [value, grads.kernel, grads.bias].map((array) => array.read()),
        );
        disposeTree({ value, ...grads });
        const gradient = Float64Array.from([...toNumbers(kernel), ...toNumbers(bias)]);
        return { value: Number(loss.data[0]), gradient };
      }, point);
      ({ point } = found);
      const head = folded(split(point), moments);
      const trainLoss = qualityOf({ features, labels }, head).loss;
      fitted.push({ head, l2, steps: found.steps, trainLoss });
    }
  } finally {
    disposeTree({ x, label });
  }
  return fitted;
}

/** The few-shot evaluation's ridge probe as a head; its scores are of −1 and 1, so that only their order counts. */
export function fitFewShot({ features, labels }: Labelled, classes: number): Head {
  const probe = fitRidge({ x: matrixOf(features), classes: labels }, classes, RIDGE);
  const { data } = probe.weights; // [features + 1, classes]
  const inputs = features.shape[1];
  const kernel = Float32Array.from(data.subarray(0, inputs * classes));
  const bias = Float32Array.from(data.subarray(inputs * classes), (weight) => 100 * weight);
  const whitened = {
    kernel: hostArray([inputs, classes], "float32", kernel),
    bias: hostArray([classes], "float32", bias),
  };
  return folded(whitened, probe);
}

interface Moments {
  readonly mean: Float64Array;
  readonly std: Float64Array;
}

function momentsOf({ shape: [rows, inputs], data }: HostArray): Moments {
  const x = data as Float32Array;
  const mean = new Float64Array(inputs);
  const std = new Float64Array(inputs);
  x.forEach((value, i) => (mean[i % inputs] += value / rows));
  x.forEach((value, i) => (std[i % inputs] += (value - mean[i % inputs]) ** 2 / rows));
  return { mean, std: std.map((variance) => Math.sqrt(variance) + 1e-5) };
}

function standardised({ shape, data }: HostArray, { mean, std }: Moments): HostArray {
  const inputs = shape[1];
  const x = data as Float32Array;
  const scaled = x.map((value, i) => (value - mean[i % inputs]) / std[i % inputs]);
  return hostArray(shape, "float32", scaled);
}

/** A head of standardised features as one of features as they are. */
function folded({ kernel, bias }: Head, { mean, std }: Moments): Head {
  const classes = kernel.shape[1];
  const w = (kernel.data as Float32Array).map((value, i) => value / std[Math.floor(i / classes)]);
  const b = Float64Array.from(bias.data as Float32Array);
  w.forEach((value, i) => (b[i % classes] -= mean[Math.floor(i / classes)] * value));
  return {
    kernel: hostArray(kernel.shape, "float32", w),
    bias: hostArray(bias.shape, "float32", Float32Array.from(b)),
  };
}
