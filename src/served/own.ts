/** @file Ocelli's own trained models on the disk: a checkpoint's file, a run's, or the newest state of a run that was stopped. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { readOwn } from "../files.ts";
import { LIMITS } from "../formats/budget.ts";
import type { HostArray, Spec } from "../graph/index.ts";
import { modelSpecs } from "../nn/index.ts";
import { CheckpointStore } from "../runs/checkpoints.ts";
import { isObject, parseObject } from "../runs/read-config.ts";
import { findCheckpoint, runCheckpoint } from "../runs/checkpoint-path.ts";
import { RUN_FILES } from "../runs/run.ts";
import { inputSpecs, taskOf, wholeModel } from "../tasks/index.ts";
import { fromFlat, toFlat } from "../tree.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import {
  readCheckpointFile,
  readIfCheckpointFile,
  readStateFile,
} from "../weights/checkpoint-file.ts";
import { checkpointOnHub } from "../weights/load.ts";
import { cardFromJson } from "../weights/model-card.ts";

/** Receives a line, such as that a run was stopped and which of its checkpoints is taken. */
type Report = (line: string) => void;

/**
 * A run's checkpoint, a checkpoint's file, or the one that `ocelli push` put on the hub, `hf:owner/name`. A run that was stopped before it wrote one is opened by its newest state,
 * moving averages applied, and without what its objective does not serve; `report` hears of it. Undefined where a path is
 * none of Ocelli's own.
 */
export async function findOwn(path: string, report?: Report): Promise<Checkpoint | undefined> {
  const onHub = await checkpointOnHub(path, [RUN_FILES.tokenizer], { report });
  const file = onHub ?? findCheckpoint(path);
  return file === undefined ? readStopped(path, report) : readIfCheckpointFile(file, path);
}

/**
 * The same; an error where there is none.
 *
 * @throws a data error where there is no checkpoint; a format error for a file that is none
 */
export async function openOwn(path: string, report?: Report): Promise<Checkpoint> {
  const stopped = findCheckpoint(path) === undefined ? await readStopped(path, report) : undefined;
  return stopped ?? readCheckpointFile(runCheckpoint(path), path);
}

/** The served arrays of the newest state of a run; undefined where it has no card or no state. */
async function readStopped(folder: string, report?: Report): Promise<Checkpoint | undefined> {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return undefined;
  const file = join(folder, "card.json");
  const text = await readOwn(file, LIMITS.jsonBytes).catch(() => undefined);
  if (text === undefined) return undefined;
  const described = parseObject(String(text));
  const card = cardFromJson(described, file);
  const states = new CheckpointStore(join(folder, "checkpoints"));
  const newest = await states.newest((path) => readStateFile<{ readonly step: number }>(path));
  if (!card || !newest) return undefined;
  const { arrays, loop } = newest.value;
  const moved = isObject(described.arrays) ? described.arrays : {};
  const task = taskOf(card);
  const { params, variables } = modelSpecs(wholeModel(task), inputSpecs(task, card));
  const served: Record<string, HostArray> = {};
  for (const name of Object.keys(toFlat<Spec>({ params, variables }))) {
    const held = Object.hasOwn(moved, name) ? String(moved[name]) : name;
    const found = [averageOf(held), held].find((one) => Object.hasOwn(arrays, one));
    if (found !== undefined) served[name] = await arrays[found].read();
  }
  report?.(`${folder} has not finished: its state after step ${loop.step} is taken`);
  const empty = { params: {}, variables: {} };
  return { card: { ...card, step: loop.step }, ...empty, ...fromFlat(served) };
}

/** Where a state holds the moving average of a parameter or a variable, where it has one. */
const averageOf = (name: string): string =>
  name.replace(/^params\//, "optimizer/average/").replace(/^variables\//, "averageVariables/");
