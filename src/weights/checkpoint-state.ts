/** @file The state of a training as a file: every array of it, and where the loop was. */

import { crc32 } from "node:zlib";
import { formatError } from "../formats/bytes.ts";
import { readSafetensors, safetensorsChunks } from "../formats/safetensors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { type Tree, fromFlat, toFlat } from "../tree.ts";

/** A stored state; `loop` is JSON that belongs to the training loop. */
export interface StoredState<Loop> {
  readonly arrays: { readonly [name: string]: Tree<HostArray> };
  readonly loop: Loop;
}

const FORMAT = "ocelli-state-1";

/** The parts of the file, in order: safetensors, with the checksum of the arrays' bytes in the metadata. */
export function stateChunks<Loop>({ arrays, loop }: StoredState<Loop>): Uint8Array[] {
  const tensors = toFlat<HostArray>(arrays);
  const [, ...data] = safetensorsChunks(tensors);
  const checksum = String(data.reduce((sum, chunk) => crc32(chunk, sum), 0));
  return safetensorsChunks(tensors, { format: FORMAT, checksum, loop: JSON.stringify(loop) });
}

/**
 * A state from its file's content.
 *
 * @throws a format error where the file is of another kind, truncated or changed
 */
export function readState<Loop>(bytes: Uint8Array): StoredState<Loop> {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata.format !== FORMAT) throw formatError("the file is not the state of a training.");
  const length = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (String(crc32(bytes.subarray(length))) !== metadata.checksum) {
    throw formatError("the checksum of the state's arrays does not match.");
  }
  return { arrays: fromFlat(tensors) as never, loop: JSON.parse(metadata.loop) as Loop };
}
