/** @file Trained models for other programs. */

import { EXPORT_BATCHES, toOnnx } from "../engines/ort/export.ts";
import { writeNpz } from "../formats/npz.ts";
import { encodeModel } from "../formats/onnx-encode.ts";
import { safetensorsChunks } from "../formats/safetensors.ts";
import type { HostArray } from "../graph/dtype.ts";
import type { Spec, Tensor } from "../graph/tensor.ts";
import { trace } from "../graph/trace.ts";
import { writeAtomically } from "../runs/atomic.ts";
import { toFlat } from "../tree.ts";
import { cardTexts } from "../weights/checkpoint.ts";
import { type ModelTensors, type TrainedModel, evaluateModel, loadTrained } from "./trained.ts";

/** The formats of {@link exportModel}. */
export type ExportFormat = "onnx" | "safetensors" | "npz";

/** What was written. */
export interface ExportResult {
  readonly file: string;
  readonly format: ExportFormat;
  readonly bytes: number;
}

/**
 * Writes a run's model to a file.
 *
 * `onnx` takes `image`, float32 of [batch, height, width, channels] after the preprocessing, to `logits`
 * [batch, classes]; the batch may have any size, and the metadata hold the preprocessing and the class names.
 * `safetensors` and `npz` hold the parameters under the names of big_vision's checkpoints.
 *
 * @example
 * await exportModel("runs/quickstart", { to: "onnx", file: "digits.onnx" });
 */
export async function exportModel(
  run: string,
  { to, file }: { readonly to: ExportFormat; readonly file: string },
): Promise<ExportResult> {
  const trained = await loadTrained(run);
  const chunks = await WRITERS[to](trained);
  await writeAtomically(file, chunks);
  return { file, format: to, bytes: chunks.reduce((sum, { length }) => sum + length, 0) };
}

type Writer = (trained: TrainedModel) => Promise<readonly Uint8Array[]> | readonly Uint8Array[];

const WRITERS: Readonly<Record<ExportFormat, Writer>> = {
  onnx: (trained) => [encodeOnnx(trained)],
  safetensors: ({ card, params, variables }) =>
    safetensorsChunks(flatArrays({ params, variables }), cardTexts(card)),
  npz: ({ params, variables }) => [writeNpz(flatArrays({ params, variables }))],
};

/** Parameters and variables by their own names. */
const flatArrays = ({ params, variables }: Pick<TrainedModel, "params" | "variables">) => ({
  ...toFlat<HostArray>(params),
  ...toFlat<HostArray>(variables),
});

/** The model as ONNX, for a batch of any size. */
function encodeOnnx({ model, card, params, variables }: TrainedModel): Uint8Array {
  const arrays = { params, variables };
  const [program, otherBatch] = EXPORT_BATCHES.map((batch) => {
    const image: Spec = { shape: [batch, ...card.imageShape], dtype: "float32" };
    const forward = (x: Tensor, weights: ModelTensors) => evaluateModel(model, weights, x);
    return trace(forward, image, arrays).program;
  });
  const constants = toFlat<HostArray>(arrays);
  const onnx = toOnnx(program, {
    inputNames: ["image", ...Object.keys(constants)],
    outputNames: ["logits"],
    constants,
    metadata: cardTexts(card),
    otherBatch,
  });
  return encodeModel(onnx).model;
}
