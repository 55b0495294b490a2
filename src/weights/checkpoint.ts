/** @file Ocelli's own checkpoints: a safetensors file of parameters and variables, and what prediction needs. */

import { OcelliError } from "../errors.ts";
import type { ByteRanges } from "../formats/bytes.ts";
import { openSafetensors, safetensorsChunks } from "../formats/safetensors.ts";
import type { HostArray, Shape } from "../graph/dtype.ts";
import { namedBlack, parsePreprocessing } from "../preprocess/pipeline.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";

/** Arrays by nested name. */
type HostTree = Tree<HostArray>;

/** What a trained model is, beside its arrays: enough to build it again and to use it. */
export interface ModelCard {
  /** The model's name and options, as in a configuration. */
  readonly model: Readonly<Record<string, unknown>> & { readonly name: string };
  /** One name per output class. */
  readonly classes: readonly string[];
  /** The evaluation preprocessing. A file that does not name the background of transparent images has a black one. */
  readonly preprocessing: string;
  /** The loss it was trained by, which says how logits become probabilities. */
  readonly loss: "softmax" | "sigmoid";
  /** Shape of one preprocessed image: [height, width, channels]. */
  readonly imageShape: Shape;
  /** Steps trained. */
  readonly step: number;
}

/** A checkpoint. */
export interface Checkpoint {
  readonly card: ModelCard;
  readonly params: HostTree;
  readonly variables: HostTree;
}

const FORMAT = "ocelli-checkpoint-1";

/** A card as texts, for a file's metadata: lists and records as JSON. */
export const cardTexts = (card: ModelCard): Record<string, string> => ({
  model: JSON.stringify(card.model),
  classes: JSON.stringify(card.classes),
  preprocessing: parsePreprocessing(card.preprocessing).text,
  loss: card.loss,
  imageShape: JSON.stringify(card.imageShape),
  step: String(card.step),
});

/** The parts of the file, in order, to be written one after another. */
export function checkpointChunks({ card, params, variables }: Checkpoint): Uint8Array[] {
  const tensors = toFlat<HostArray>({ params, variables });
  return safetensorsChunks(tensors, { format: FORMAT, ...cardTexts(card) });
}

/** The card in a file's metadata; undefined where the metadata are no card. */
export function cardFromTexts(metadata: Readonly<Record<string, string>>): ModelCard | undefined {
  const { model, classes, preprocessing, loss, imageShape, step } = metadata;
  try {
    return {
      model: JSON.parse(model) as ModelCard["model"],
      classes: JSON.parse(classes) as string[],
      preprocessing: namedBlack(preprocessing),
      loss: loss as ModelCard["loss"],
      imageShape: JSON.parse(imageShape) as number[],
      step: Number(step),
    };
  } catch {
    return undefined;
  }
}

/** A checkpoint from its file's content; `what` names the file in errors. */
export function readCheckpoint(bytes: ByteRanges, what: string): Checkpoint {
  const { names, metadata, read } = openSafetensors(bytes);
  const card = metadata.format === FORMAT ? cardFromTexts(metadata) : undefined;
  if (!card) {
    throw new OcelliError("format", `${what} is not a checkpoint of an Ocelli run.`, {
      given: metadata.format,
      valid: [FORMAT],
    });
  }
  const tree = fromFlat(Object.fromEntries(names.map((name) => [name, read(name)])));
  return { card, params: tree.params ?? {}, variables: tree.variables ?? {} };
}
