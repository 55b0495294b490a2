/** @file The npz format: npy files in a zip archive, as big_vision's checkpoints are. */

import { zipSync } from "fflate";
import { OcelliError, unknownName } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { unpackLimit } from "./budget.ts";
import { type ByteRanges, formatError, guard } from "./bytes.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { readZip } from "./zip.ts";

/** Limits for reading. */
export interface NpzOptions {
  /** The most bytes that deflated members may inflate to together; default: 64 MiB and 16 times the file's size. */
  readonly maxBytes?: number;
}

/** An npz file whose arrays are read one at a time. */
export interface NpzFile {
  /** The arrays' names, without ".npy", in the file's order. */
  readonly names: readonly string[];
  /** One array; a view of the bytes where it is stored and aligned in an array of them. */
  readonly read: (name: string) => HostArray;
}

const SUFFIX = ".npy";
const MAX32 = 0xffffffff;
const MAX_MEMBERS = 0xfffe;

/** An npz file with its directory checked and its arrays yet unread, so that a large one is never inflated whole. */
export function openNpz(
  bytes: ByteRanges,
  { maxBytes = unpackLimit(bytes.length) }: NpzOptions = {},
): NpzFile {
  const members = new Map(
    readZip(bytes, maxBytes, "npz file").map(({ name, read }) => {
      if (name.endsWith(SUFFIX)) return [name.slice(0, -SUFFIX.length), read];
      throw formatError(`npz file: the member "${name}" is not an npy file.`);
    }),
  );
  const read = (name: string): HostArray => {
    const content = members.get(name);
    if (!content) throw unknownName("array", name, members.keys());
    return readNpy(content(), `npz file, array "${name}"`);
  };
  return { names: [...members.keys()], read };
}

/** Every array of an npz file by name. */
export function readNpz(bytes: Uint8Array, options: NpzOptions = {}): Record<string, HostArray> {
  const { names, read } = openNpz(bytes, options);
  return Object.fromEntries(names.map((name) => [name, read(name)]));
}

/**
 * An npz file of named arrays, sorted by name: the same arrays give the same bytes. Level 0 stores (the default, as
 * `numpy.savez`), 1 to 9 deflate. Beyond 4 GiB is unsupported.
 */
export function writeNpz(
  arrays: Readonly<Record<string, HostArray>>,
  { level = 0 }: { readonly level?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 } = {},
): Uint8Array {
  const names = Object.keys(arrays).sort();
  const total = names.reduce((sum, name) => sum + arrays[name].data.byteLength, 0);
  const overhead = names.reduce((sum, name) => sum + 512 + 8 * name.length, 0);
  if (total + overhead > MAX32 || names.length > MAX_MEMBERS) {
    throw new OcelliError("unsupported", "an npz file holds at most 4 GiB and 65534 arrays.", {
      hint: "Write safetensors instead.",
    });
  }
  const files = Object.fromEntries(names.map((name) => [name + SUFFIX, writeNpy(arrays[name])]));
  return guard("npz file", () => zipSync(files, { level, mtime: new Date(1980, 0, 1) }));
}
