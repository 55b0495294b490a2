/** @file The state of a training as a file: every array of it, and where the loop was. */

import { crc32 } from "node:zlib";
import { type ByteRanges, bytesOf, formatError } from "../formats/bytes.ts";
import { openSafetensors, safetensorsLayout } from "../formats/safetensors.ts";
import type { HostArray } from "../graph/dtype.ts";
import type { Spec } from "../graph/tensor.ts";
import { type Tree, toFlat } from "../tree.ts";

/** An array, on a device or in a file, that is read when it is asked for. */
export interface ReadableArray extends Spec {
  read(): HostArray | Promise<HostArray>;
}

/** A state to be stored; `loop` is JSON that belongs to the training loop. */
interface StateToStore<Loop> {
  readonly arrays: Tree<HostArray | ReadableArray>;
  readonly loop: Loop;
}

/** A stored state by its arrays' names. */
export interface StoredState<Loop> extends StateToStore<Loop> {
  readonly arrays: Readonly<Record<string, ReadableArray>>;
}

const FORMAT = "ocelli-state-1";

/** Bytes that are summed at once; zlib counts them in 32 bits. */
const PIECE = 1 << 26;

/**
 * The parts of the file, in order: safetensors, with the checksum of the arrays' bytes in the metadata. One array is in
 * memory at a time, and each is read twice: for the checksum, and to be written.
 */
export async function* stateChunks<Loop>({ arrays, loop }: StateToStore<Loop>) {
  const named = toFlat<HostArray | ReadableArray>(arrays);
  const { names } = safetensorsLayout(named);
  let sum = 0;
  for (const name of names) sum = summed(await bytesOfLeaf(named[name]), sum);
  const metadata = { format: FORMAT, checksum: String(sum), loop: JSON.stringify(loop) };
  yield safetensorsLayout(named, metadata).header;
  for (const name of names) yield await bytesOfLeaf(named[name]);
}

/**
 * A state from its file, once the checksum has been found right; `bytes` must stay readable while its arrays are read.
 *
 * @throws a format error where the file is of another kind, truncated or changed
 */
export function readState<Loop>(bytes: ByteRanges): StoredState<Loop> {
  const { names, entries, metadata, read } = openSafetensors(bytes);
  if (metadata.format !== FORMAT) throw formatError("the file is not the state of a training.");
  const begin = names.length > 0 ? entries[names[0]].begin : bytes.length;
  if (String(summed(bytes, 0, begin)) !== metadata.checksum) {
    throw formatError("the checksum of the state's arrays does not match.");
  }
  const arrays = names.map((name): [string, ReadableArray] => {
    const { shape, type } = entries[name];
    return [name, { shape, dtype: type as HostArray["dtype"], read: () => read(name) }];
  });
  return { arrays: Object.fromEntries(arrays), loop: JSON.parse(metadata.loop) as Loop };
}

const bytesOfLeaf = async (array: HostArray | ReadableArray): Promise<Uint8Array> =>
  bytesOf("read" in array ? await array.read() : array);

/** A checksum that goes on over bytes from `begin`. */
function summed(bytes: ByteRanges, sum: number, begin = 0): number {
  for (let at = begin; at < bytes.length; at += PIECE) {
    sum = crc32(bytes.subarray(at, Math.min(at + PIECE, bytes.length)), sum);
  }
  return sum;
}
