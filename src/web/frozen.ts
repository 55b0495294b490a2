/** @file A frozen backbone in a tab: features of pictures, heads taught on them, and the whole as a file. */

import { type DeviceArray, jit } from "../engines/engine.ts";
import { OrtEngine } from "../engines/ort/engine.ts";
import { toOnnx } from "../engines/ort/export.ts";
import { onnxProgram } from "../engines/ort/onnx-program.ts";
import type { OrtModule } from "../engines/ort/runtime/js-api.ts";
import type { Runtime } from "../engines/ort/runtime/runtime.ts";
import { type WebRuntimeOptions, createWebRuntime, hasWebGpu } from "../engines/ort/runtime/web.ts";
import { encodeModel } from "../formats/onnx-encode.ts";
import { featuresAt } from "../evaluate/features.ts";
import { type HostArray, type Tensor, hostArray, toNumbers, trace } from "../graph/index.ts";
import { createModel } from "../models/index.ts";
import { type ApplyOptions, apply } from "../nn/index.ts";
import { type AlphaRule, opaque } from "../preprocess/alpha.ts";
import { imageOf } from "../preprocess/image.ts";
import { type Preprocessing, parsePreprocessing } from "../preprocess/pipeline.ts";
import { seededRandom } from "../random.ts";
import { toFlat } from "../tree.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import { readModelFile } from "../weights/onnx-checkpoint.ts";
import { classify, makeTeach } from "./head.ts";
import {
  type Head,
  type NamedHead,
  checkpointOf,
  fingerprintOf,
  onnxOf,
  takeApart,
} from "./taught.ts";

/** A head and how its training went. */
export interface TaughtHead {
  readonly head: Head;
  /** The loss before each step. */
  readonly losses: readonly number[];
}

/** A frozen model in a tab. It owns memory until it is disposed. */
export interface FrozenModel {
  /** What computes features, in one line; heads are taught on WebAssembly. */
  readonly engine: string;
  /** How many numbers describe a picture. */
  readonly width: number;
  /** Features under one fingerprint are of one backbone and may be kept together. */
  readonly fingerprint: string;
  /** The head that came with the checkpoint of a classifier. */
  readonly taught?: NamedHead;
  /** What becomes of transparent parts of a picture; see `picturePixels`. */
  readonly alpha: AlphaRule;
  /** The features, [width], of a picture, uint8 [height, width, 3] of any size; of 4 channels the last is alpha. */
  features(picture: HostArray): Promise<HostArray>;
  /** Teaches a head: features of examples and, for each, its class by number. */
  teach(
    features: readonly HostArray[],
    labels: readonly number[],
    classes: number,
  ): Promise<TaughtHead>;
  /** The probability of each class for a picture's features. */
  classify(head: Head, features: HostArray): Promise<number[]>;
  /** Backbone and head as a checkpoint, which `ocelli predict` takes. */
  save(head: Head, classes: readonly string[]): Uint8Array[];
  /** Backbone and head as an ONNX file, as `ocelli export --to onnx` writes it. */
  saveOnnx(head: Head, classes: readonly string[]): Uint8Array;
  dispose(): Promise<void>;
}

/** The fewest rows of a training; more go up by doubling, so that few programs are compiled. */
const FEWEST_ROWS = 16;

/**
 * Opens a checkpoint of features, or a classifier's, whose head is given apart; or the `model.onnx` of an exported one. Over the `onnxruntime-web` module that the page has imported.
 *
 * @example
 * import * as ort from "onnxruntime-web/wasm";
 * const bytes = new Uint8Array(await (await fetch("backbone.safetensors")).arrayBuffer());
 * const model = await openFrozen(ort, bytes, { threads: navigator.hardwareConcurrency });
 */
export async function openFrozen(
  ort: OrtModule,
  checkpoint: Uint8Array,
  options: WebRuntimeOptions,
): Promise<FrozenModel> {
  const { backbone: frozen, taught } = takeApart(readModelFile(checkpoint, "the model"));
  const preprocessing = parsePreprocessing(frozen.card.preprocessing);
  const runtime = await createWebRuntime(ort, options);
  const { description } = new OrtEngine({ runtime });
  const engine = new OrtEngine({ runtime: await runtimeOfHeads(ort, options, runtime) });
  const sizeless = hostArray([1, 1, 3], "uint8", new Uint8Array(3));
  const { onnx, width } = backboneProgram(frozen, preprocessing, prepare(preprocessing, sizeless));
  const backbone = await onnxProgram(runtime, onnx);
  const teachers = new Map<number, ReturnType<typeof teacher>>();
  const teacher = (classes: number) => jit(engine, makeTeach(classes));
  const classifier = jit(engine, classify);
  return {
    engine: description,
    width,
    fingerprint: fingerprintOf(frozen),
    ...(taught && { taught }),
    alpha: preprocessing.alpha,
    async features(picture) {
      const seen = opaque(imageOf("features", picture), preprocessing.alpha);
      const [features] = await backbone.run([prepare(preprocessing, seen)]);
      return hostArray([width], "float32", features.data as Float32Array);
    },
    async teach(features, labels, classes) {
      const teach = teachers.get(classes) ?? teacher(classes);
      teachers.set(classes, teach);
      const result = await teach(...padded(features, labels, width));
      const arrays = result as unknown as Record<"kernel" | "bias" | "losses", DeviceArray>;
      const [kernel, bias, losses] = await take([arrays.kernel, arrays.bias, arrays.losses]);
      return { head: { kernel, bias }, losses: toNumbers(losses) };
    },
    async classify(head, features) {
      const row = hostArray([1, width], "float32", features.data as Float32Array);
      const [probabilities] = await take([(await classifier(head, row)) as DeviceArray]);
      return toNumbers(probabilities);
    },
    save: (head, classes) => checkpointOf(frozen, { head, classes }),
    saveOnnx: (head, classes) => onnxOf(frozen, { head, classes }),
    async dispose() {
      await engine.dispose();
      await runtime.close();
    },
  };
}

/** WebAssembly: a GPU would be waited for at each of a head's thousands of small operations. */
const runtimeOfHeads = async (ort: OrtModule, options: WebRuntimeOptions, ofBackbone: Runtime) =>
  options.device !== "wasm" && (await hasWebGpu())
    ? createWebRuntime(ort, { ...options, device: "wasm", proxy: false })
    : ofBackbone;

/** A picture after the host's part of the preprocessing, as a batch of one. */
function prepare(preprocessing: Preprocessing, picture: HostArray): HostArray {
  const { image } = preprocessing.onHost({ image: picture }, seededRandom("prediction"));
  return { ...image, shape: [1, ...image.shape] };
}

/** From a prepared image to features as an ONNX model whose weights are constants, so that the runtime may fold them. */
function backboneProgram(
  { card, params, variables }: Checkpoint,
  preprocessing: Preprocessing,
  { shape, dtype }: HostArray,
) {
  const { name, ...options } = card.model;
  const net = createModel(name, options);
  const arrays = { params, variables };
  const features = (image: Tensor, weights: ApplyOptions): Tensor => {
    const [, out] = apply(net, weights, preprocessing.onDevice({ image }).image).result;
    return featuresAt(toFlat<Tensor>(out));
  };
  const { program } = trace(features, { shape, dtype }, arrays);
  const constants = toFlat<HostArray>(arrays);
  const model = toOnnx(program, {
    inputNames: ["image", ...Object.keys(constants)],
    outputNames: ["features"],
    constants,
  });
  return { onnx: encodeModel(model).model, width: program.outputs[0].shape[1] };
}

/** Examples as arrays whose rows are a power of two, with a mask: features, labels, mask. */
function padded(features: readonly HostArray[], labels: readonly number[], width: number) {
  let rows = FEWEST_ROWS;
  while (rows < features.length) rows *= 2;
  const data = new Float32Array(rows * width);
  features.forEach((row, i) => data.set(row.data as Float32Array, i * width));
  const label = new Int32Array(rows);
  label.set(labels);
  return [
    hostArray([rows, width], "float32", data),
    hostArray([rows], "int32", label),
    hostArray([rows], "float32", new Float32Array(rows).fill(1, 0, features.length)),
  ] as const;
}

/** Arrays of the device, read and given up. */
async function take(arrays: readonly DeviceArray[]): Promise<HostArray[]> {
  const read = await Promise.all(arrays.map((array) => array.read()));
  for (const array of arrays) array.dispose();
  return read;
}
