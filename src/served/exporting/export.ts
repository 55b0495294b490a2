/** @file Trained models for other programs. */

import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OcelliError } from "../../errors.ts";
import { writeNpz } from "../../formats/npz.ts";
import { externalChunks } from "../../formats/onnx-encode.ts";
import { safetensorsChunks } from "../../formats/safetensors.ts";
import type { HostArray } from "../../graph/dtype.ts";
import { makeNamedFolder, writeAtomically } from "../../files.ts";
import { toFlat } from "../../tree.ts";
import { cardTexts } from "../../weights/model-card.ts";
import { json, preprocessJson } from "./described.ts";
import { exportedParts } from "./interface.ts";
import { type OnnxOptions, encodeOnnx } from "./onnx-model.ts";
import { portable, writeVocabulary } from "./towers.ts";
import type { TrainedModel } from "../outputs.ts";
import { type TrainedOptions, openTrained } from "../trained.ts";

/** The formats of {@link exportModel}. */
export type ExportFormat = "onnx" | "safetensors" | "npz";

/** Options of {@link exportModel}. */
export interface ExportOptions
  extends Pick<TrainedOptions, "use" | "report">, Partial<OnnxOptions> {
  readonly to: ExportFormat;
  /** Where to; of two towers, without `tower`, a folder. Default: `model.FORMAT` in the run, of towers `TOWER.onnx`. */
  readonly file?: string;
}

/** What was written. */
export interface ExportResult {
  /** The file, of two towers their folder. */
  readonly file: string;
  readonly format: ExportFormat;
  /** Of all that was written. */
  readonly bytes: number;
  /** The file beside it that holds an ONNX model's weights, where those are too large for one. */
  readonly data?: string;
  /** Of towers, bytes by file of the folder. */
  readonly files?: Readonly<Record<string, number>>;
}

/**
 * Writes a run's model to a file.
 *
 * `onnx` takes `image`, float32 of [batch, height, width, channels] after the preprocessing, to what the task answers by; see
 * {@link OnnxOptions} for other layouts and outputs. The batch may have any size, and the metadata hold the preprocessing and the names. Weights of more than 1.5 GiB lie in a file beside it, `FILE.data`.
 * A model of images and texts is a file for each tower, `image.onnx` and `text.onnx`, which take `image`, and `text`, int32 of
 * [batch, length], to vectors of length 1; beside them lie `tokenizer.vocabulary` and `preprocess.json`.
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
  if (to !== "onnx") {
    const path = file ?? join(folderBeside(run), `model.${to}`);
    return { file: path, format: to, bytes: await write(path, WRITERS[to](trained)) };
  }
  if (trained.task.towers) return exportTowers(run, trained, { file, ...how });
  const path = file ?? join(folderBeside(run), "model.onnx");
  return { format: to, ...(await writeOnnx(trained, path, how)) };
}

/** Writes towers as ONNX, with what reading pictures and texts needs. */
async function exportTowers(
  run: string,
  trained: TrainedModel,
  { file, ...how }: Pick<ExportOptions, "file"> & Partial<OnnxOptions>,
): Promise<ExportResult> {
  const parts = exportedParts(trained.task, how);
  const names = Object.keys(parts);
  const isFile = how.tower !== undefined && file !== undefined;
  if (!isFile && file !== undefined && /\.onnx$/i.test(file)) {
    throw new OcelliError("argument", `${run} is ${names.length} files, one for each tower.`, {
      ...{ given: file, valid: names },
      hint: `Give a folder as --out, or --tower ${names.join(" or ")}.`,
    });
  }
  const folder = isFile ? dirname(file) : (file ?? folderBeside(run));
  const made = await portable(run, trained);
  await makeNamedFolder(folder);
  const files: Record<string, number> = {};
  for (const [name, calls] of Object.entries(parts)) {
    const path = isFile ? file : join(folder, `${name}.onnx`);
    const { bytes } = await writeOnnx(made.trained, path, { ...how, tower: calls.input });
    files[basename(path)] = bytes;
  }
  if (Object.hasOwn(parts, "text")) Object.assign(files, await writeVocabulary(made, folder));
  const text = json(preprocessJson(made.trained, parts));
  if (!isFile)
    files["preprocess.json"] = await write(join(folder, "preprocess.json"), [encode(text)]);
  const bytes = Object.values(files).reduce((sum, size) => sum + size, 0);
  return { file: isFile ? file : folder, format: "onnx", bytes, files };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The folder of a run, or of a checkpoint's file; an error where a model lies in none. */
export function folderBeside(run: string): string {
  const folder = run.replace(/[\w.-]*\.safetensors$/, "");
  if (folder === "" || existsSync(folder)) return folder;
  throw new OcelliError("argument", `${run} is no folder to write into.`, {
    hint: "Say where to as --out.",
  });
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
