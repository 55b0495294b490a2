/** @file A run as a folder for the hub: its checkpoint, the files for the web, and a model card. */

import { join } from "node:path";
import { OcelliError } from "../errors.ts";
import { makeNamedFolder, readOwn, writeAtomically } from "../files.ts";
import { LIMITS } from "../formats/budget.ts";
import { packageVersion } from "../runs/environment.ts";
import { type Json, parseObject } from "../runs/read-config.ts";
import type { DriftReport } from "../served/exporting/drift.ts";
import { portable, writeVocabulary } from "../served/exporting/towers.ts";
import { exportForWeb } from "../served/exporting/web-folder.ts";
import { type TrainedOptions, openTrained } from "../served/trained.ts";
import { checkpointChunks } from "../weights/checkpoint.ts";
import { OWN_MODEL_TYPE } from "../weights/load.ts";
import { cardJson } from "../weights/model-card.ts";
import { readmeOf } from "./readme.ts";

/** What a folder is written from. */
export interface HubFolderOptions extends Pick<TrainedOptions, "use" | "report"> {
  readonly folder: string;
  /** Owner and name on the hub. */
  readonly name: string;
  /** By the hub's identifier, such as `apache-2.0`. */
  readonly license: string;
  /** Data sets by the hub's identifiers. Default: of MNIST its own, else none. */
  readonly datasets?: readonly string[];
}

/** Data sets that have a name on the hub. */
const KNOWN_DATASETS: Readonly<Record<string, string>> = { mnist: "ylecun/mnist" };

/** Writes the folder; bytes by file. */
export async function writeHubFolder(
  run: string,
  { folder, name, license, datasets, use, report = () => undefined }: HubFolderOptions,
): Promise<Record<string, number>> {
  const moved = await portable(run, await openTrained(run, { use, report }));
  const { card, params, variables } = moved.trained;
  await makeNamedFolder(folder);
  const files: Record<string, number> = {};
  const write = async (file: string, content: string | Uint8Array[]): Promise<void> => {
    await writeAtomically(join(folder, file), content);
    files[file] =
      typeof content === "string"
        ? Buffer.byteLength(content)
        : content.reduce((sum, { length }) => sum + length, 0);
  };
  Object.assign(files, await writeVocabulary(moved, folder));
  await write("checkpoint.safetensors", checkpointChunks({ card, params, variables }));
  const described = { model_type: OWN_MODEL_TYPE, ocelli: packageVersion(), card: cardJson(card) };
  await write("config.json", `${JSON.stringify(described, undefined, 2)}\n`);
  const drift = await writeOnnxFiles();
  const [config, result, environment] = await Promise.all(
    ["config.json", "result.json", "environment.json"].map((file) => readJson(join(run, file))),
  );
  const data = (config?.data as Json | undefined)?.name;
  const known = typeof data === "string" ? KNOWN_DATASETS[data] : undefined;
  const source = {
    ...{ name, license, card, config, result, environment, files },
    datasets: datasets ?? (known === undefined ? [] : [known]),
    ...(drift && { drift }),
  };
  await write("README.md", readmeOf(source));
  return files;

  /** The files for the web, where the model can be had as ONNX in one file; their drift. */
  async function writeOnnxFiles(): Promise<DriftReport | undefined> {
    try {
      const web = await exportForWeb(run, { folder, use, report, page: false });
      Object.assign(files, web.files);
      return web.drift;
    } catch (error) {
      const code = error instanceof OcelliError ? error.code : undefined;
      if (code !== "argument" && code !== "unsupported") throw error;
      report(`no ONNX files: ${(error as OcelliError).message}`);
      return undefined;
    }
  }
}

/** A JSON file of a run; undefined where there is none, as beside a checkpoint alone. */
async function readJson(file: string): Promise<Json | undefined> {
  const text = await readOwn(file, LIMITS.jsonBytes).catch(() => undefined);
  return text === undefined ? undefined : parseObject(String(text));
}
