/** @file One parquet file: its description, and parts of its columns as they are asked for. */

import zlib from "node:zlib";
import { OcelliError } from "../../errors.ts";
import { Budget, unpackLimit } from "../../formats/budget.ts";
import { formatError } from "../../formats/bytes.ts";
import {
  PARQUET_TAIL,
  type ParquetChunk,
  type ParquetMetadata,
  readParquetMetadata,
  readParquetTail,
} from "../../formats/parquet/metadata.ts";
import { type Decompress, readParquetChunk } from "../../formats/parquet/pages.ts";
import { importOptional } from "../../packages/peers.ts";
import { forwardReader } from "../files/byte-file.ts";
import type { ByteFile } from "../files/random-access.ts";

/** A parquet file whose description was read. */
export interface ParquetFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly metadata: ParquetMetadata;
  /**
   * A column's part in a row group of some rows, as `readParquetChunk` gives it. What it unpacks is taken from a budget,
   * by default what a file of the part's size may unpack to.
   */
  read(chunk: ParquetChunk, rows: number, budget?: Budget): Promise<unknown[]>;
  /** A reader of many parts in their order, which takes near ones in from the disk or the network together. */
  readForward(): ParquetFile["read"];
}

/** Bytes at the end that are read at once; most descriptions are shorter. */
const LAST = 1 << 16;

/** Opens a file whose description is sound. */
export async function openParquetFile(file: ByteFile): Promise<ParquetFile> {
  const metadata = await readMetadata(file);
  const reader =
    (read: ByteFile["read"]): ParquetFile["read"] =>
    async (chunk, rows, given) => {
      const { begin, end, column } = chunk;
      const budget =
        given ?? new Budget(`${file.name}, ${column.path[0]}`, { bytes: unpackLimit(end - begin) });
      const bytes = await read(begin, end);
      const decompress = await decompressOf(chunk.codec);
      return readParquetChunk(bytes, chunk, rows, decompress, budget, file.name);
    };
  return {
    name: file.name,
    size: file.size,
    metadata,
    read: reader((begin, end) => file.read(begin, end)),
    readForward() {
      const forward = forwardReader(file);
      return reader((begin, end) => forward(begin, end - begin));
    },
  };
}

async function readMetadata(file: ByteFile): Promise<ParquetMetadata> {
  const { name, size } = file;
  if (size < PARQUET_TAIL) throw formatError(`${name} is no parquet file, or damaged.`);
  const last = await file.read(Math.max(0, size - LAST), size);
  const length = readParquetTail(last.subarray(last.length - PARQUET_TAIL), size, name);
  const begin = size - PARQUET_TAIL - length;
  const bytes =
    length + PARQUET_TAIL <= last.length
      ? last.subarray(begin - (size - last.length), last.length - PARQUET_TAIL)
      : await file.read(begin, size - PARQUET_TAIL);
  return readParquetMetadata(bytes, size, name);
}

/** Codecs that Node lacks. */
const isForeign = (codec: ParquetChunk["codec"]): boolean =>
  codec === "SNAPPY" || codec === "LZ4" || codec === "LZ4_RAW";

async function decompressOf(codec: ParquetChunk["codec"]): Promise<Decompress> {
  if (!isForeign(codec)) return decompress;
  const { compressors } = await importOptional(() => import("hyparquet-compressors"));
  return (codec, packed, size) => compressors[codec]!(packed, size) as Uint8Array;
}

/** Unpacks a page, never to more than the size that it should have. */
const decompress: Decompress = (codec, packed, size) => {
  const limit = { maxOutputLength: size };
  switch (codec) {
    case "GZIP":
      return plain(zlib.gunzipSync(packed, limit));
    case "BROTLI":
      return plain(zlib.brotliDecompressSync(packed, limit));
    case "ZSTD":
      return plain(zlib.zstdDecompressSync(packed, limit));
    default:
      throw new OcelliError("unsupported", `pages packed by ${codec} are not supported.`);
  }
};

const plain = ({ buffer, byteOffset, length }: Buffer): Uint8Array =>
  new Uint8Array(buffer, byteOffset, length);
