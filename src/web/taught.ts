/** @file A classifier as a frozen backbone and a head: taken apart, put together, and as files. */

import { OcelliError } from "../errors.ts";
import { bytesOf } from "../formats/bytes.ts";
import { crc32 } from "../formats/crc32.ts";
import type { HostArray } from "../graph/index.ts";
import type { ModelCard } from "../models/index.ts";
import { encodeOnnx } from "../served/exporting/onnx-model.ts";
import { taskOf } from "../tasks/index.ts";
import { type Tree, toFlat } from "../tree.ts";
import { type Checkpoint, checkpointChunks } from "../weights/checkpoint.ts";
import { HEAD_STEPS } from "./head.ts";

/** A classifier's head: kernel [features, classes] and bias [classes]. */
export type Head = { readonly kernel: HostArray; readonly bias: HostArray };

/** A head with the names of its classes. */
export interface NamedHead {
  readonly head: Head;
  readonly classes: readonly string[];
}

/** A checkpoint without its head, and the head where there is one. */
export interface Parts {
  readonly backbone: Checkpoint;
  readonly taught?: NamedHead;
}

/**
 * A checkpoint of features or of a classifier taken apart.
 *
 * @throws an "unsupported" error for a model of another task, or a head that is not one matrix under a softmax
 */
export function takeApart({ card, params, variables }: Checkpoint): Parts {
  const { numClasses: _, ...model } = card.model as ModelCard["model"] & { numClasses?: unknown };
  const { head, ...kept } = params as Readonly<Record<string, Tree<HostArray>>>;
  const frozen: ModelCard = { ...card, model, task: { name: "features" }, names: {}, step: 0 };
  const backbone = { card: frozen, params: kept, variables };
  if (head === undefined) return { backbone };
  const arrays = toFlat<HostArray>(head);
  const names = Object.keys(arrays).sort().join();
  const classes = card.names.label ?? [];
  const isSoftmax =
    card.task.name === "classification" && (card.task.loss ?? "softmax") === "softmax";
  if (!isSoftmax || names !== "bias,kernel" || arrays.bias.shape[0] !== classes.length) {
    throw new OcelliError("unsupported", "its head cannot be taught here.", {
      hint: "Give a checkpoint of features, or of a classifier whose head is one matrix under a softmax.",
    });
  }
  return { backbone, taught: { head: { kernel: arrays.kernel, bias: arrays.bias }, classes } };
}

/** A number that differs between backbones, so that features of one are not taken for those of another. */
export function fingerprintOf({ card, params, variables }: Checkpoint): string {
  const told = JSON.stringify([card.model, card.preprocessing]);
  const sums = [crc32(new TextEncoder().encode(told))];
  const arrays = toFlat<HostArray>({ params, variables });
  for (const name of Object.keys(arrays).sort()) sums.push(crc32(bytesOf(arrays[name])));
  return crc32(new Uint8Array(Uint32Array.from(sums).buffer)).toString(16);
}

/** Backbone and head as one classifier. */
function putTogether({ card, params, variables }: Checkpoint, { head, classes }: NamedHead) {
  const own: ModelCard = {
    ...card,
    task: { name: "classification", loss: "softmax" },
    names: { label: classes },
    step: HEAD_STEPS,
  };
  const all = { ...(params as Readonly<Record<string, Tree<HostArray>>>), head };
  return { card: own, params: all, variables };
}

/** A checkpoint of backbone and head. */
export const checkpointOf = (backbone: Checkpoint, taught: NamedHead): Uint8Array[] =>
  checkpointChunks(putTogether(backbone, taught));

/** Backbone and head as one ONNX file of logits, as `ocelli export --to onnx` writes it. */
export function onnxOf(backbone: Checkpoint, taught: NamedHead): Uint8Array {
  const whole = putTogether(backbone, taught);
  const task = taskOf(whole.card);
  const { model, external } = encodeOnnx({ ...whole, task, model: task.model }, "model.onnx.data");
  if (!external) return model;
  throw new OcelliError("unsupported", "the model is too large for one ONNX file.", {
    hint: "Download the checkpoint, and export it by ocelli export --to onnx.",
  });
}
