/** @file Trained models for other programs. */

import { concatBytes } from "../formats/bytes.ts";
import { writeNpz } from "../formats/npz.ts";
import { safetensorsChunks } from "../formats/safetensors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { writeAtomically } from "../runs/atomic.ts";
import { toFlat } from "../tree.ts";
import { cardTexts } from "../weights/checkpoint.ts";
import { type TrainedModel, loadTrained } from "./trained.ts";

/** The formats of {@link exportModel}. */
export const EXPORT_FORMATS = ["onnx", "safetensors", "npz"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

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
  onnx: () => [],
  safetensors: ({ card, params, variables }) =>
    safetensorsChunks(flatArrays({ params, variables }), cardTexts(card)),
  npz: ({ params, variables }) => [writeNpz(flatArrays({ params, variables }))],
};

/** Parameters and variables by their own names. */
const flatArrays = ({ params, variables }: Pick<TrainedModel, "params" | "variables">) => ({
  ...toFlat<HostArray>(params),
  ...toFlat<HostArray>(variables),
});

void concatBytes;
