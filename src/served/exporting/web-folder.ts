/** @file A folder that a web server can serve as it is: a model, what it needs said in JSON, its types, and a page that uses it. */

import { join } from "node:path";
import type { DataConfig } from "../../data/config.ts";
import { OcelliError } from "../../errors.ts";
import { makeNamedFolder, writeAtomically } from "../../files.ts";
import { hashArrays } from "../arrays-hash.ts";
import type { TrainedModel } from "../outputs.ts";
import { type TrainedOptions, openTrained } from "../trained.ts";
import { json, modelJson, preprocessJson } from "./described.ts";
import { type DriftReport, measureDrift } from "./drift.ts";
import { folderBeside, writeOnnx } from "./export.ts";
import { type Exported, type ModelInterface, IMAGE, exportedParts } from "./interface.ts";
import type { StoredWeights } from "./onnx-model.ts";
import { portable, writeVocabulary } from "./towers.ts";
import { typesOf } from "./web-types.ts";
import { PAGE_FILES, copyWebRuntime, pageOf, webEngineFolder } from "./web-page.ts";

/** Options of {@link exportForWeb}. */
export interface WebExportOptions
  extends Pick<TrainedOptions, "use" | "report">, Partial<Exported> {
  /** Default: `web` in the run. */
  readonly folder?: string;
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
  /** Of a model of images and texts, the fields of the towers that were written. */
  readonly towers?: readonly string[];
  /** How far the models are from the run; absent where there are no pictures to compare on. */
  readonly drift?: DriftReport;
}

/** What the files of a part end with. */
const ENDINGS: Readonly<Record<StoredWeights, string>> = {
  float32: ".onnx",
  float16: ".float16.onnx",
};

/**
 * Writes a folder for the web: `model.onnx` and `model.float16.onnx`, `labels.json` where numbers stand for names,
 * `preprocess.json`, `model.json` (all of it, with the drift), `model.d.ts`, and a page that uses the model when the folder
 * is served. Of a model of images and texts the models are `image.onnx` and `text.onnx`, and the tokenizer's vocabulary lies
 * beside them; `tower` writes one of the two.
 *
 * @throws an "unsupported" error where the page is wanted and `onnxruntime-web` is not installed, or the model is too large for a page
 * @example
 * const { drift } = await exportForWeb("runs/quickstart", { folder: "site/digits" });
 */
export async function exportForWeb(
  run: string,
  {
    folder: named,
    data,
    use,
    report = () => undefined,
    page = true,
    ...how
  }: WebExportOptions = {},
): Promise<WebExportResult> {
  const folder = named ?? join(folderBeside(run), "web");
  if (page) webEngineFolder(); // what is missing is said before anything is written
  const opened = await openTrained(run, { use, report });
  const parts = exportedParts(opened.task, how);
  const made = await portable(run, opened);
  const { trained } = made;
  const { card } = trained;
  await makeNamedFolder(folder);
  const files: Record<string, number> = {};
  if (Object.values(parts).some(({ input }) => input !== IMAGE)) {
    Object.assign(files, await writeVocabulary(made, folder));
  }
  const models: Record<string, Record<string, string>> = {};
  const drifts: DriftReport[] = [];
  for (const [part, calls] of Object.entries(parts)) {
    models[part] = await writeModels(run, trained, { folder, part, calls, files });
    const paths = Object.values(models[part]).map((name) => [name, join(folder, name)] as const);
    const drift = await driftOf(run, Object.fromEntries(paths), { data, calls, report });
    if (drift) drifts.push(drift);
  }
  const drift = together(drifts);
  const hasPage = page && Object.values(parts).some(({ input }) => input === IMAGE);
  if (page && !hasPage) report("a tower of texts alone has no page");
  const { params, variables } = trained;
  const { step: _, ...lasting } = card;
  const fingerprint = hashArrays(lasting, { params, variables });
  const texts: Record<string, string> = {
    ...(Object.keys(card.names).length > 0 && { "labels.json": json(card.names) }),
    "preprocess.json": json(preprocessJson(trained, parts)),
    "model.json": json(modelJson(trained, parts, { files: models, fingerprint, drift })),
    "model.d.ts": typesOf(trained, parts),
    ...(hasPage && { [PAGE_FILES.page]: pageOf(card, Object.keys(parts)) }),
  };
  for (const [name, text] of Object.entries(texts)) {
    await writeAtomically(join(folder, name), text);
    files[name] = Buffer.byteLength(text);
  }
  if (hasPage) files[PAGE_FILES.script] = await copyWebRuntime(folder);
  return {
    ...{ folder, files },
    ...(trained.task.towers && { towers: Object.keys(parts) }),
    ...(drift && { drift }),
  };
}

/** Writes a part's models, one for each way to store weights; their names. */
async function writeModels(
  run: string,
  trained: TrainedModel,
  {
    folder,
    part,
    calls: { input, layout, output },
    files,
  }: {
    readonly folder: string;
    readonly part: string;
    readonly calls: ModelInterface;
    /** Bytes by file, which this adds to. */
    readonly files: Record<string, number>;
  },
): Promise<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const [weights, ending] of Object.entries(ENDINGS) as [StoredWeights, string][]) {
    const name = `${part}${ending}`;
    const tower = trained.task.towers && input;
    const how = { layout, output, weights, ...(tower !== undefined && { tower }) };
    const written = await writeOnnx(trained, join(folder, name), how);
    if (written.data !== undefined) {
      throw new OcelliError("unsupported", `${run} is too large for a page: ${written.data}.`, {
        hint: "A page loads a model of one file, below 1.5 GiB. Export it by --to onnx.",
      });
    }
    files[name] = written.bytes;
    names[weights] = name;
  }
  return names;
}

/** Reports on the same examples as one. */
const together = (drifts: readonly DriftReport[]): DriftReport | undefined =>
  drifts.length === 0
    ? undefined
    : {
        ...drifts[0],
        files: Object.assign({}, ...drifts.map(({ files }) => files)) as DriftReport["files"],
      };

/** The drift of files; a line says why where there is none. */
async function driftOf(
  run: string,
  files: Readonly<Record<string, string>>,
  {
    data,
    calls: { input, output },
    report,
  }: {
    readonly data: DataConfig | undefined;
    readonly calls: ModelInterface;
    readonly report: (line: string) => void;
  },
): Promise<DriftReport | undefined> {
  try {
    return await measureDrift(run, files, { data, input, output });
  } catch (error) {
    const isOurs = error instanceof OcelliError && ["argument", "data"].includes(error.code);
    if (!isOurs || data !== undefined) throw error;
    report(`the drift is not measured: ${error.message}`);
    return undefined;
  }
}
