/**
 * @file The description at the end of a parquet file: its columns, and where their parts lie.
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */

import { OcelliError } from "../../errors.ts";
import { checkName } from "../budget.ts";
import { formatError, viewOf } from "../bytes.ts";
import { type ThriftStruct, readThrift, thriftFields } from "./thrift.ts";

/** Bytes at the file's end that say how long the description before them is. */
export const PARQUET_TAIL = 8;

const TYPES = {
  1: "INT32",
  2: "INT64",
  4: "FLOAT",
  5: "DOUBLE",
  6: "BYTE_ARRAY",
} as const;
const CODECS = [
  "UNCOMPRESSED",
  "SNAPPY",
  "GZIP",
  "LZO",
  "BROTLI",
  "LZ4",
  "ZSTD",
  "LZ4_RAW",
] as const;

/** How pages are packed. */
export type ParquetCodec = (typeof CODECS)[number];

/** A column of values; structs and lists of the file are paths and levels here. */
export interface ParquetColumn {
  readonly path: readonly string[];
  /** What it stores; "other" are types that no image or label has. */
  readonly type: (typeof TYPES)[keyof typeof TYPES] | "other";
  /** Whether its bytes are UTF-8. */
  readonly isText: boolean;
  /** How many of the path's parts may be missing: a value has this definition level. */
  readonly definition: number;
  /** How many lists are around a value. */
  readonly repetition: number;
  /** The definition level of a list's element, present or not; 0 outside of lists. */
  readonly element: number;
}

/** A column's part in a row group. */
export interface ParquetChunk {
  readonly column: ParquetColumn;
  readonly codec: ParquetCodec;
  /** Values and missing ones. */
  readonly values: number;
  /** Bytes, unpacked. */
  readonly bytes: number;
  /** Where it lies in the file. */
  readonly begin: number;
  readonly end: number;
}

/** Rows that are stored together. */
export interface ParquetGroup {
  readonly rows: number;
  readonly chunks: readonly ParquetChunk[];
}

/** What the description says. */
export interface ParquetMetadata {
  readonly columns: readonly ParquetColumn[];
  readonly groups: readonly ParquetGroup[];
  /** What writers noted, by key. */
  readonly notes: ReadonlyMap<string, string>;
}

/** Bytes of the description, from the file's last {@link PARQUET_TAIL} bytes. */
export function readParquetTail(tail: Uint8Array, fileSize: number, what: string): number {
  const magic = String.fromCharCode(...tail.subarray(4));
  if (magic === "PARE") {
    throw new OcelliError("unsupported", `${what} is encrypted, which is not supported.`);
  }
  if (magic !== "PAR1") throw formatError(`${what} is no parquet file, or damaged.`);
  const size = viewOf(tail).getUint32(0, true);
  if (size + PARQUET_TAIL <= fileSize) return size;
  throw formatError(`${what}: its description of ${size} bytes is larger than the file.`);
}

/** The fewest bytes of an image, and rows that any file may have. */
const ROW_BYTES = 16;
const MIN_ROWS = 1 << 16;

/**
 * The description of a file of some bytes. Every part lies within the file, and there are no more rows than the file has
 * room for images, nor more values of a part than it has bytes, but for the many that a small file may say once.
 */
export function readParquetMetadata(
  bytes: Uint8Array,
  fileSize: number,
  what: string,
): ParquetMetadata {
  const file = thriftFields(readThrift(bytes, 0, what).struct, what);
  const columns = readColumns(file.structs(2, "the schema"), what);
  let total = 0;
  const groups = file.structs(4, "the row groups").map((struct): ParquetGroup => {
    const group = thriftFields(struct, what);
    const rows = group.size(3, "a row count");
    if ((total += rows) > MIN_ROWS + fileSize / ROW_BYTES)
      throw formatError(`${what}: ${total} rows are impossible.`);
    const parts = group.structs(1, "the columns of a row group");
    if (parts.length !== columns.length) {
      throw formatError(`${what}: a row group has ${parts.length} of ${columns.length} columns.`);
    }
    return { rows, chunks: parts.map((part, i) => readChunk(part, columns[i], fileSize, what)) };
  });
  const notes = file.structs(5, "the notes").map((struct): [string, string] => {
    const note = thriftFields(struct, what);
    return [note.text(1, "a note's name"), note.has(2) ? note.text(2, "a note") : ""];
  });
  return { columns, groups, notes: new Map(notes) };
}

function readChunk(
  struct: ThriftStruct,
  column: ParquetColumn,
  fileSize: number,
  what: string,
): ParquetChunk {
  const which = `${what}, column ${column.path.join(".")}`;
  const part = thriftFields(struct, which);
  if (part.has(1)) {
    throw new OcelliError("unsupported", `${which} lies in another file: ${part.text(1, "it")}.`);
  }
  const meta = thriftFields(part.struct(3, "the column's description"), which);
  const path = meta.texts(3, "the column's path");
  if (path.join("\0") !== column.path.join("\0")) {
    throw formatError(`${which} is described as ${path.join(".")}.`);
  }
  const codec = CODECS[meta.size(4, "the compression")];
  if (!codec) throw formatError(`${which}: its compression is unknown.`);
  const values = meta.size(5, "the count of values");
  const bytes = meta.size(6, "the unpacked size");
  const size = meta.size(7, "the size");
  // zero stands for none
  const begin = meta.size(11, "the dictionary's place", 0) || meta.size(9, "the pages' place");
  if (begin + size > fileSize) throw formatError(`${which} ends beyond the file's end.`);
  if (values > MIN_ROWS + fileSize) throw formatError(`${which}: ${values} values are impossible.`);
  return { column, codec, values, bytes, begin, end: begin + size };
}

/** Schemas are as deep as lists and structs nest. */
const MAX_DEPTH = 32;
const [OPTIONAL, REPEATED] = [1, 2];
/** Converted types UTF8, ENUM and JSON; the logical types STRING, ENUM and JSON have these field numbers. */
const TEXTS = { converted: [0, 4, 19], logical: [1, 4, 12] };

/** The columns of the schema, a tree written down from its root. */
function readColumns(schema: readonly ThriftStruct[], what: string): ParquetColumn[] {
  const columns: ParquetColumn[] = [];
  let at = 0;
  const visit = (above: Omit<ParquetColumn, "type" | "isText">, isRoot: boolean): void => {
    if (at >= schema.length || above.path.length > MAX_DEPTH) {
      throw formatError(`${what}: its schema is damaged.`);
    }
    const element = thriftFields(schema[at++], what);
    let node = above;
    if (!isRoot) {
      const path = [...above.path, checkName(element.text(4, "a column's name"), what)];
      const kind = element.integer(3, `whether ${path.join(".")} repeats`);
      const definition = above.definition + (kind === OPTIONAL || kind === REPEATED ? 1 : 0);
      node =
        kind === REPEATED
          ? { path, definition, repetition: above.repetition + 1, element: definition }
          : { ...above, path, definition };
    }
    const children = element.size(5, "the schema", 0);
    if (isRoot || children > 0) {
      for (let i = 0; i < children; i++) visit(node, false);
      return;
    }
    const type = element.integer(1, `the type of ${node.path.join(".")}`);
    const logical = element.has(10) ? thriftFields(element.struct(10, "a type"), what) : undefined;
    const isText =
      TEXTS.converted.includes(element.integer(6, "a type", -1)) ||
      TEXTS.logical.some((field) => logical?.has(field));
    columns.push({ ...node, type: TYPES[type as keyof typeof TYPES] ?? "other", isText });
  };
  visit({ path: [], definition: 0, repetition: 0, element: 0 }, true);
  return columns;
}
