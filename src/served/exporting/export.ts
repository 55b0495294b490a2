/** @file Trained models for other programs. */

import { basename, dirname, join } from "node:path";
import { writeNpz } from "../../formats/npz.ts";
import { externalChunks } from "../../formats/onnx-encode.ts";
import { safetensorsChunks } from "../../formats/safetensors.ts";
import type { HostArray } from "../../graph/dtype.ts";
import { writeAtomically } from "../../files.ts";
import { toFlat } from "../../tree.ts";
import { cardTexts } from "../../weights/model-card.ts";
import { type OnnxOptions, encodeOnnx } from "./onnx-model.ts";
import type { TrainedModel } from "../outputs.ts";
import { type TrainedOptions, openTrained } from "../trained.ts";

/** The formats of {@link exportModel}. */
export type ExportFormat = "onnx" | "safetensors" | "npz";

/** Options of {@link exportModel}. */
export interface ExportOptions
  extends Pick<TrainedOptions, "use" | "report">, Partial<OnnxOptions> {
  readonly to: ExportFormat;
  /** Where to. */
  readonly file: string;
}

/** What was written. */
export interface ExportResult {
  readonly file: string;
  readonly format: ExportFormat;
  /** Of all that was written. */
  readonly bytes: number;
  /** The file beside it that holds an ONNX model's weights, where those are too large for one. */
  readonly data?: string;
}

/**
 * Writes a run's model to a file.
 *
 * `onnx` takes `image`, float32 of [batch, height, width, channels] after the preprocessing, to what the task answers by; see
 * {@link OnnxOptions} for other layouts and outputs. The batch may have any size, and the metadata hold the preprocessing and the names. Weights of more than 1.5 GiB lie in a file beside it, `FILE.data`.
 * `safetensors` and `npz` hold the parameters under the names of big_vision's checkpoints.
 *
 * @example
 * await exportModel("runs/quickstart", { to: "onnx", file: "digits.onnx" });
 */
export async function exportModel(
  run: string,
  { to, file, use, report, ...how }: ExportOptions,
): Promise<ExportResult> {
  const trained = await openTrained(run, { use, report });
  if (to !== "onnx") return { file, format: to, bytes: await write(file, WRITERS[to](trained)) };
  return { format: to, ...(await writeOnnx(trained, file, how)) };
}

/** Writes a model as ONNX; see {@link ExportResult}. */
export async function writeOnnx(
  trained: TrainedModel,
  file: string,
  how: Partial<OnnxOptions> = {},
): Promise<Omit<ExportResult, "format">> {
  const { model, external } = encodeOnnx(trained, `${basename(file)}.data`, how);
  const data = external && join(dirname(file), external.location);
  const beside = external ? await write(data!, externalChunks(external)) : 0;
  return { file, bytes: beside + (await write(file, [model])), data };
}

/** Writes a file; its size in bytes. */
async function write(file: string, chunks: readonly Uint8Array[]): Promise<number> {
  await writeAtomically(file, chunks);
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

const WRITERS: Readonly<
  Record<Exclude<ExportFormat, "onnx">, (trained: TrainedModel) => Uint8Array[]>
> = {
  safetensors: ({ card, params, variables }) =>
    safetensorsChunks(flatArrays({ params, variables }), cardTexts(card)),
  npz: ({ params, variables }) => [writeNpz(flatArrays({ params, variables }))],
};

/** Parameters and variables by their own names. */
const flatArrays = ({ params, variables }: Pick<TrainedModel, "params" | "variables">) => ({
  ...toFlat<HostArray>(params),
  ...toFlat<HostArray>(variables),
});
