/** @file Ocelli's own checkpoints: a safetensors file of parameters and variables, and what prediction needs. */

import { OcelliError } from "../errors.ts";
import type { ByteRanges } from "../formats/bytes.ts";
import { openSafetensors, safetensorsChunks } from "../formats/safetensors.ts";
import type { HostArray } from "../graph/dtype.ts";
import type { ModelCard } from "../models/card.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";
import { cardFromTexts, cardTexts, checkLayers } from "./model-card.ts";

/** Arrays by nested name. */
type HostTree = Tree<HostArray>;

/** A checkpoint. */
export interface Checkpoint {
  readonly card: ModelCard;
  readonly params: HostTree;
  readonly variables: HostTree;
}

const FORMAT = "ocelli-checkpoint-1";

/** The parts of the file, in order, to be written one after another. */
export function checkpointChunks({ card, params, variables }: Checkpoint): Uint8Array[] {
  const tensors = toFlat<HostArray>({ params, variables });
  return safetensorsChunks(tensors, { format: FORMAT, ...cardTexts(card) });
}

/** A checkpoint from its file's content; `what` names the file in errors. */
export function readCheckpoint(bytes: ByteRanges, what: string): Checkpoint {
  const checkpoint = readIfCheckpoint(bytes, what);
  if (checkpoint) return checkpoint;
  throw new OcelliError("format", `${what} is not a checkpoint of an Ocelli run.`, {
    valid: [FORMAT],
  });
}

/** The same; undefined where it is a safetensors file of something else. */
export function readIfCheckpoint(bytes: ByteRanges, what: string): Checkpoint | undefined {
  const { names, metadata, read } = openSafetensors(bytes);
  const card = metadata.format === FORMAT ? cardFromTexts(metadata, what) : undefined;
  if (!card) return undefined;
  checkLayers(card, names.length, what);
  const tree = fromFlat(Object.fromEntries(names.map((name) => [name, read(name)])));
  return { card, params: tree.params ?? {}, variables: tree.variables ?? {} };
}
