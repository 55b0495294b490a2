/** @file A trained model as ONNX: its layout, its output, and how its weights are stored. */

import { EXPORT_BATCHES, toOnnx } from "../../engines/ort/export.ts";
import { externalEncoding } from "../../engines/ort/model.ts";
import { type EncodedOnnx, encodeModel } from "../../formats/onnx-encode.ts";
import type { HostArray } from "../../graph/dtype.ts";
import { type Tensor, trace, transpose } from "../../graph/index.ts";
import { inputSpecs } from "../../tasks/index.ts";
import { toFlat } from "../../tree.ts";
import { cardTexts } from "../../weights/model-card.ts";
import { uniformTexts } from "../../weights/onnx-checkpoint.ts";
import { withHalfWeights } from "./half-weights.ts";
import {
  type Exported,
  inputOf,
  interfaceOf,
  interfaceTexts,
  outputName,
  outputNamed,
} from "./interface.ts";
import { type ModelTensors, type TrainedModel, arraysFor, outputsOf } from "../outputs.ts";

/** How weights are stored; what is computed is float32. */
export type StoredWeights = "float32" | "float16";

/** How a model is exported to ONNX. */
export interface OnnxOptions extends Exported {
  /** Default: "float32". Half floats halve the file; they become float32 when the model is loaded. */
  readonly weights: StoredWeights;
}

/**
 * A model as ONNX, for a batch of any size.
 *
 * @param location name of the file beside it for large weights
 * @throws an argument error where the task has no such output, or the model no such tower
 */
export function encodeOnnx(
  { task, card, params, variables }: TrainedModel,
  location: string,
  { weights = "float32", ...how }: Partial<OnnxOptions> = {},
): EncodedOnnx {
  const calls = interfaceOf(task, how);
  const { input, output } = calls;
  const isChannelsFirst = calls.layout === "NCHW";
  const value = outputNamed(task, output);
  const { shape, dtype } = inputOf(task, card, calls);
  const fields = { [input]: inputSpecs(task, card)[input] };
  const arrays = arraysFor(task, { params, variables }, fields);
  const forward = (x: Tensor, given: ModelTensors) =>
    value(outputsOf(task, given, { [input]: isChannelsFirst ? transpose(x, [0, 2, 3, 1]) : x }));
  const [program, otherBatch] = EXPORT_BATCHES.map(
    (batch) => trace(forward, { shape: [batch, ...shape], dtype }, arrays).program,
  );
  const constants = toFlat<HostArray>(arrays);
  const whole = toOnnx(program, {
    inputNames: [input, ...Object.keys(constants)],
    outputNames: [outputName(calls)],
    constants,
    metadata: { ...cardTexts(card), ...interfaceTexts(calls) },
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
