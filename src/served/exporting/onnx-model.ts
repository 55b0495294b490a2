/** @file A trained model as ONNX: its layout, its output, and how its weights are stored. */

import { OcelliError } from "../../errors.ts";
import { EXPORT_BATCHES, toOnnx } from "../../engines/ort/export.ts";
import { externalEncoding } from "../../engines/ort/model.ts";
import { type EncodedOnnx, encodeModel } from "../../formats/onnx-encode.ts";
import type { HostArray } from "../../graph/dtype.ts";
import { type Spec, type Tensor, trace, transpose } from "../../graph/index.ts";
import { toFlat } from "../../tree.ts";
import { cardTexts } from "../../weights/model-card.ts";
import { uniformTexts } from "../../weights/onnx-checkpoint.ts";
import { withHalfWeights } from "./half-weights.ts";
import { type Layout, interfaceTexts, outputNamed } from "./interface.ts";
import { type ModelTensors, type TrainedModel, outputsOf } from "../outputs.ts";

/** How weights are stored; what is computed is float32. */
export type StoredWeights = "float32" | "float16";

/** How a model is exported to ONNX. */
export interface OnnxOptions {
  /** Order of the axes of `image`. Default: "NHWC". */
  readonly layout: Layout;
  /** A head of the task, such as `embed`, or its answers, such as `probabilities`. Default: the task's main head. */
  readonly output: string;
  /** Default: "float32". Half floats halve the file; they become float32 when the model is loaded. */
  readonly weights: StoredWeights;
}

/**
 * A model as ONNX, for a batch of any size.
 *
 * @param location name of the file beside it for large weights
 * @throws an argument error where the task has no such output
 */
export function encodeOnnx(
  { model, task, card, params, variables }: TrainedModel,
  location: string,
  { layout = "NHWC", output = task.main, weights = "float32" }: Partial<OnnxOptions> = {},
): EncodedOnnx {
  if (task.whole) {
    const fields = ["image", ...Object.keys(task.whole.inputs)].join(" and ");
    throw new OcelliError(
      "argument",
      `a model of ${fields} cannot be exported to ONNX; safetensors and npz hold its arrays.`,
    );
  }
  const arrays = { params, variables };
  const value = outputNamed(task, output);
  const [height, width, channels] = card.imageShape;
  const axes = layout === "NCHW" ? [channels, height, width] : card.imageShape;
  const forward = (x: Tensor, given: ModelTensors) =>
    value(
      outputsOf({ model }, given, { image: layout === "NCHW" ? transpose(x, [0, 2, 3, 1]) : x }),
    );
  const [program, otherBatch] = EXPORT_BATCHES.map((batch) => {
    const image: Spec = { shape: [batch, ...axes], dtype: "float32" };
    return trace(forward, image, arrays).program;
  });
  const constants = toFlat<HostArray>(arrays);
  const whole = toOnnx(program, {
    inputNames: ["image", ...Object.keys(constants)],
    outputNames: [output],
    constants,
    metadata: { ...cardTexts(card), ...interfaceTexts({ layout, output }) },
    otherBatch,
  });
  const metadata = {
    ...whole.metadata,
    ...uniformTexts(constants, whole.graph.initializers ?? {}),
  };
  const graph = weights === "float16" ? withHalfWeights(whole.graph) : whole.graph;
  const onnx = { ...whole, graph, metadata };
  return encodeModel(onnx, { ...externalEncoding(onnx.graph), externalLocation: location });
}
