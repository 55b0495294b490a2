/** @file A folder that a web server can serve as it is: a model, what it needs said in JSON, its types, and a page that uses it. */

import { join } from "node:path";
import type { DataConfig } from "../../data/config.ts";
import { OcelliError } from "../../errors.ts";
import { makeNamedFolder, writeAtomically } from "../../files.ts";
import type { ModelCard } from "../../models/index.ts";
import { describeOperations, parsePreprocessing } from "../../preprocess/pipeline.ts";
import { cardTexts } from "../../weights/model-card.ts";
import { type DriftReport, measureDrift } from "./drift.ts";
import { writeOnnx } from "./export.ts";
import type { ModelInterface } from "./interface.ts";
import type { OnnxOptions, StoredWeights } from "./onnx-model.ts";
import { type TrainedOptions, openTrained } from "../trained.ts";
import { typesOf } from "./web-types.ts";
import { PAGE_FILES, copyWebRuntime, pageOf, webEngineFolder } from "./web-page.ts";

/** Options of {@link exportForWeb}. */
export interface WebExportOptions
  extends Pick<TrainedOptions, "use" | "report">, Partial<Pick<OnnxOptions, "layout" | "output">> {
  readonly folder: string;
  /** Labelled data to measure the drift on. Default: the run's own. */
  readonly data?: DataConfig;
  /** Whether to write the page with its script and engine too; your own page's bundler brings both. Default: true. */
  readonly page?: boolean;
}

/** What was written. */
export interface WebExportResult {
  readonly folder: string;
  /** Bytes by file; those of the engine in `ort/` are not counted, a page loads some of them. */
  readonly files: Readonly<Record<string, number>>;
  /** How far the two models are from the run; absent where there are no pictures to compare on. */
  readonly drift?: DriftReport;
}

/** The models of a folder. */
const MODEL_FILES: Readonly<Record<StoredWeights, string>> = {
  float32: "model.onnx",
  float16: "model.float16.onnx",
};

/**
 * Writes a folder for the web: `model.onnx` and `model.float16.onnx`, `labels.json`, `preprocess.json`, `model.json`
 * (all of it, with the drift), `model.d.ts`, and a page that uses the model when the folder is served.
 *
 * @throws an "unsupported" error where the page is wanted and `onnxruntime-web` is not installed, or the model is too large for a page
 * @example
 * const { drift } = await exportForWeb("runs/quickstart", { folder: "site/digits" });
 */
export async function exportForWeb(
  run: string,
  {
    folder,
    data,
    use,
    report = () => undefined,
    layout = "NHWC",
    output,
    page = true,
  }: WebExportOptions,
): Promise<WebExportResult> {
  if (page) webEngineFolder(); // what is missing is said before anything is written
  const trained = await openTrained(run, { use, report });
  const { card, task } = trained;
  const calls: ModelInterface = { layout, output: output ?? task.main };
  await makeNamedFolder(folder);
  const files: Record<string, number> = {};
  const paths: Record<string, string> = {};
  for (const [weights, name] of Object.entries(MODEL_FILES) as [StoredWeights, string][]) {
    paths[name] = join(folder, name);
    const written = await writeOnnx(trained, paths[name], { ...calls, weights });
    if (written.data !== undefined) {
      throw new OcelliError("unsupported", `${run} is too large for a page: ${written.data}.`, {
        hint: "A page loads a model of one file, below 1.5 GiB. Export it by --to onnx.",
      });
    }
    files[name] = written.bytes;
  }
  const drift = await driftOf(run, paths, { data, output: calls.output, report });
  const texts: Record<string, string> = {
    "labels.json": json(card.names),
    "preprocess.json": json(preprocessJson(card, calls)),
    "model.json": json({ ...modelJson(card, calls), files: MODEL_FILES, ...(drift && { drift }) }),
    "model.d.ts": typesOf(card, calls),
    ...(page && { [PAGE_FILES.page]: pageOf(card) }),
  };
  for (const [name, text] of Object.entries(texts)) {
    await writeAtomically(join(folder, name), text);
    files[name] = Buffer.byteLength(text);
  }
  if (page) files[PAGE_FILES.script] = await copyWebRuntime(folder);
  return { folder, files, ...(drift && { drift }) };
}

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** How a picture becomes the model's input: the text, the colour behind transparent parts, the operations, the array that comes out. */
const preprocessJson = ({ preprocessing, imageShape }: ModelCard, calls: ModelInterface) => ({
  text: preprocessing,
  alpha: parsePreprocessing(preprocessing).alpha,
  operations: describeOperations(preprocessing),
  input: inputOf(imageShape, calls),
});

/** The model's input; the batch may have any size. */
function inputOf([height, width, channels]: readonly number[], { layout }: ModelInterface) {
  const axes = layout === "NCHW" ? [channels, height, width] : [height, width, channels];
  return { name: "image", dtype: "float32", layout, shape: ["batch", ...axes] };
}

/** All that the card says, under the names that it has in the file's metadata. */
const modelJson = (card: ModelCard, calls: ModelInterface) => ({
  version: cardTexts(card).version,
  ...card,
  input: inputOf(card.imageShape, calls),
  output: { name: calls.output, dtype: "float32" },
});

/** The drift of files; a line says why where there is none. */
async function driftOf(
  run: string,
  files: Readonly<Record<string, string>>,
  {
    data,
    output,
    report,
  }: {
    readonly data: DataConfig | undefined;
    readonly output: string;
    readonly report: (line: string) => void;
  },
): Promise<DriftReport | undefined> {
  try {
    return await measureDrift(run, files, { data, output });
  } catch (error) {
    const isOurs = error instanceof OcelliError && ["argument", "data"].includes(error.code);
    if (!isOurs || data !== undefined) throw error;
    report(`the drift is not measured: ${error.message}`);
    return undefined;
  }
}
