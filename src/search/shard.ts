/** @file A part of an index on the disk: the files of some pictures, with their vectors as floats and as bytes. */

import { openRanges } from "../file-ranges.ts";
import { writeAtomically } from "../files.ts";
import { parseJson } from "../formats/budget.ts";
import {
  type ByteRanges,
  concatBytes,
  decodeUtf8,
  formatError,
  rangeOf,
} from "../formats/bytes.ts";
import { readSafetensorsHeader, safetensorsChunks } from "../formats/safetensors.ts";
import { hostArray } from "../graph/dtype.ts";
import { type Codes, codeWidth, quantiseRows } from "./quantise.ts";

/** A picture's file, as it was when its vector was computed. */
export interface IndexedFile {
  /** Below the indexed folder, with `/` between its parts. */
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly mtime: number;
  readonly sha256: string;
}

/** An opened shard. Its vectors are read when they are asked for; disposing closes the file. */
export interface Shard extends Disposable {
  readonly file: string;
  readonly rows: number;
  /** Numbers of a vector. */
  readonly dim: number;
  /** The files of its rows; read at the first call. */
  files(): readonly IndexedFile[];
  /** The file of a row. */
  fileOf(row: number): IndexedFile;
  codes(): Codes;
  /** The vector of a row. */
  vector(row: number): Float32Array;
}

const VERSION = "1";

/** Writes a shard, whole or not at all; vectors are [files, dim], each of length 1. */
export async function writeShard(
  file: string,
  files: readonly IndexedFile[],
  vectors: Float32Array,
): Promise<void> {
  const rows = files.length;
  const dim = vectors.length / rows;
  const { codes, scales } = quantiseRows(vectors, dim);
  const { bytes, ends } = tableOf(files);
  const tensors = {
    vectors: hostArray([rows, dim], "float32", vectors),
    scales: hostArray([rows], "float32", scales),
    codes: hostArray([rows, codeWidth(dim)], "uint8", codes),
    files: hostArray([bytes.length], "uint8", bytes),
    ends: hostArray([rows], "uint32", ends),
  };
  await writeAtomically(file, safetensorsChunks(tensors, { version: VERSION }));
}

/**
 * Opens a shard.
 *
 * @throws a format error where the file is damaged, or written by another version
 */
export function openShard(file: string): Shard {
  const bytes = openRanges(file);
  try {
    return readShard(file, bytes);
  } catch (error) {
    bytes[Symbol.dispose]();
    throw error;
  }
}

function readShard(file: string, bytes: ByteRanges & Disposable): Shard {
  const damaged = (why: string) =>
    formatError(`${file} is no part of an index: ${why}. Remove the index and make it again.`);
  const { entries, metadata, byteLength } = readSafetensorsHeader(bytes);
  if (metadata.version !== VERSION) throw damaged(`its version is not ${VERSION}`);
  if (byteLength !== bytes.length) throw damaged("it is cut off");
  const { vectors, scales, codes, files, ends } = entries;
  if (!vectors || !scales || !codes || !files || !ends) throw damaged("arrays are missing");
  const [rows, dim] = vectors.shape;
  const shapes = [vectors, scales, ends, codes].map(({ shape }) => String(shape));
  if (String(shapes) !== String([[rows, dim], [rows], [rows], [rows, codeWidth(dim)]])) {
    throw damaged("its arrays do not belong together");
  }
  const types = [vectors, scales, codes, files, ends].map(({ type }) => type);
  if (types.join() !== "float32,float32,uint8,uint8,uint32")
    throw damaged("its arrays are of other types");
  const read = ({ begin, end }: { begin: number; end: number }) => bytes.subarray(begin, end);
  const floats = (part: Uint8Array): Float32Array =>
    new Float32Array(part.buffer, part.byteOffset, part.length / 4);
  const whole = (part: Uint8Array): Uint32Array =>
    new Uint32Array(part.buffer, part.byteOffset, part.length / 4);
  const limits = (row: number): [begin: number, end: number] => {
    const at = ends.begin + 4 * row;
    const begin = row === 0 ? 0 : whole(read({ begin: at - 4, end: at }))[0];
    return [begin, whole(read({ begin: at, end: at + 4 }))[0]];
  };
  let table: readonly IndexedFile[] | undefined;
  return {
    ...{ file, rows, dim },
    files() {
      if (table) return table;
      const all = read(files);
      let begin = 0;
      return (table = Array.from(whole(read(ends)), (end) => {
        const entry = parseEntry(rangeOf(all, begin, end, file), file);
        begin = end;
        return entry;
      }));
    },
    fileOf(row) {
      const [begin, end] = limits(row);
      if (end > files.end - files.begin) throw damaged("its list of files is cut off");
      return parseEntry(read({ begin: files.begin + begin, end: files.begin + end }), file);
    },
    codes: () => ({ codes: read(codes), scales: floats(read(scales)) }),
    vector(row) {
      const begin = vectors.begin + 4 * row * dim;
      return floats(read({ begin, end: begin + 4 * dim }));
    },
    [Symbol.dispose]: () => bytes[Symbol.dispose](),
  };
}

/** Entries as JSON one after the other, and where each ends. */
function tableOf(files: readonly IndexedFile[]): { bytes: Uint8Array; ends: Uint32Array } {
  const parts = files.map((file) => new TextEncoder().encode(JSON.stringify(file)));
  let end = 0;
  const ends = Uint32Array.from(parts, ({ length }) => (end += length));
  return { bytes: concatBytes(parts), ends };
}

function parseEntry(bytes: Uint8Array, file: string): IndexedFile {
  const value = parseJson(decodeUtf8(bytes, file), file, { depth: 1 });
  const { path, size, mtime, sha256 } = (value ?? {}) as Partial<IndexedFile>;
  const isFile =
    typeof path === "string" &&
    typeof sha256 === "string" &&
    [size, mtime].every((number) => typeof number === "number");
  if (isFile) return value as IndexedFile;
  throw formatError(`${file}: its list of files is damaged.`);
}
