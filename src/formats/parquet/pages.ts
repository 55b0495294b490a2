/**
 * @file A column's part of a row group of a parquet file: pages, levels, rows.
 * @see https://parquet.apache.org/docs/file-format/data-pages/
 */

import { OcelliError } from "../../errors.ts";
import { type Budget, LIMITS } from "../budget.ts";
import { formatError } from "../bytes.ts";
import type { ParquetChunk, ParquetCodec, ParquetColumn } from "./metadata.ts";
import { readThrift, thriftFields } from "./thrift.ts";
import {
  ByteCursor,
  readDeltas,
  readLengthsAndBytes,
  readPlain,
  readRuns,
  readSharedBytes,
} from "./values.ts";

/** Unpacks a page; what it gives is checked to have `size` bytes. */
export type Decompress = (codec: ParquetCodec, packed: Uint8Array, size: number) => Uint8Array;

const PAGES = { data: 0, index: 1, dictionary: 2, dataV2: 3 };
const ENCODINGS = {
  plain: 0,
  plainDictionary: 2,
  deltas: 5,
  lengthsAndBytes: 6,
  sharedBytes: 7,
  dictionary: 8,
};

/** A page of values: levels as they are stored, and the values that are not missing. */
interface Page {
  readonly count: number;
  readonly repetitions: Uint32Array | undefined;
  readonly definitions: Uint32Array | undefined;
  readonly values: ArrayLike<unknown>;
}

/**
 * The rows of a column's part, whose bytes are given: a value each, null where it is missing, or a list of them.
 * Numbers of 64 bits are bigints, texts strings, and other bytes views.
 *
 * @param budget of unpacked bytes
 * @throws a format error where any page, count or size is not what the file's description says, a text is longer than a
 *   name may be, or the budget is spent
 */
export function readParquetChunk(
  bytes: Uint8Array,
  chunk: ParquetChunk,
  rows: number,
  decompress: Decompress,
  budget: Budget,
  what: string,
): unknown[] {
  const { column } = chunk;
  const which = `${what}, column ${column.path.join(".")}`;
  if (column.type === "other" || column.repetition > 1) {
    throw new OcelliError("unsupported", `${which}: its type is neither an image's nor a label's.`);
  }
  try {
    const found: unknown[] = [];
    for (const page of readPages(bytes, chunk, decompress, budget, which)) {
      addRows(found, page, column);
    }
    if (found.length === rows) return found;
    throw new Error(`it has ${found.length} of ${rows} rows`);
  } catch (error) {
    if (error instanceof OcelliError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw formatError(`${which} is damaged: ${reason}.`, error);
  }
}

/** The pages of values, as many as hold what the chunk claims. */
function* readPages(
  bytes: Uint8Array,
  { column, codec, values }: ParquetChunk,
  decompress: Decompress,
  budget: Budget,
  which: string,
): Generator<Page> {
  let dictionary: ArrayLike<unknown> | undefined;
  const unpack = (packed: Uint8Array, size: number): Uint8Array => {
    budget.takeBytes(size);
    if (size === 0) return new Uint8Array();
    const page = codec === "UNCOMPRESSED" ? packed : decompress(codec, packed, size);
    if (page.length !== size) throw new Error(`a page has ${page.length} of ${size} bytes`);
    return page;
  };
  for (let at = 0, seen = 0; seen < values;) {
    const { struct, end } = readThrift(bytes, at, which);
    const header = thriftFields(struct, which);
    const kind = header.integer(1, "a page's kind");
    const size = header.size(2, "a page's size");
    const packedSize = header.size(3, "a page's packed size");
    if (packedSize > bytes.length - end) throw new Error("a page ends beyond its column");
    const packed = bytes.subarray(end, end + packedSize);
    at = end + packedSize;
    if (kind === PAGES.dictionary) {
      const count = thriftFields(header.struct(7, "a dictionary"), which).size(1, "its length");
      checkedCount(count, values); // none of which is needless
      const plain = readPlain(new ByteCursor(unpack(packed, size)), column, count);
      dictionary = asTexts(plain, column);
    } else if (kind === PAGES.data) {
      const head = thriftFields(header.struct(5, "a page"), which);
      const count = checkedCount(head.size(1, "a page's length"), values - seen);
      const cursor = new ByteCursor(unpack(packed, size));
      const levels = (most: number): Uint32Array | undefined =>
        most === 0 ? undefined : checkedLevels(readSized(cursor, most, count), most);
      const repetitions = levels(column.repetition);
      const definitions = levels(column.definition);
      const encoding = head.integer(2, "a page's encoding");
      const present = countPresent(definitions, column, count);
      const found = readValues(cursor, encoding, column, present, dictionary, budget);
      yield { count, repetitions, definitions, values: found };
      seen += count;
    } else if (kind === PAGES.dataV2) {
      const head = thriftFields(header.struct(8, "a page"), which);
      const count = checkedCount(head.size(1, "a page's length"), values - seen);
      const cursor = new ByteCursor(packed);
      const levels = (field: number, most: number): Uint32Array | undefined => {
        const part = new ByteCursor(cursor.take(head.size(field, "the size of levels")));
        return most === 0 ? undefined : checkedLevels(readRuns(part, widthOf(most), count), most);
      };
      const repetitions = levels(6, column.repetition);
      const definitions = levels(5, column.definition);
      const rest = packed.subarray(cursor.at);
      const present = countPresent(definitions, column, count);
      const page = head.flag(7, true) ? unpack(rest, size - cursor.at) : rest;
      const encoding = head.integer(4, "a page's encoding");
      const inner = new ByteCursor(page);
      const found = readValues(inner, encoding, column, present, dictionary, budget);
      yield { count, repetitions, definitions, values: found };
      seen += count;
    } else if (kind !== PAGES.index) throw new Error(`pages of kind ${kind} are unknown`);
  }
}

function checkedCount(count: number, most: number): number {
  if (count <= most) return count;
  throw new Error(`a page has ${count} values where ${most} are left`);
}

const widthOf = (most: number): number => 32 - Math.clz32(most);

/** Levels after their size in bytes. */
function readSized(cursor: ByteCursor, most: number, count: number): Uint32Array {
  const [a, b, c, d] = cursor.take(4);
  const part = new ByteCursor(cursor.take(a + b * 2 ** 8 + c * 2 ** 16 + d * 2 ** 24));
  return readRuns(part, widthOf(most), count);
}

function checkedLevels(levels: Uint32Array, most: number): Uint32Array {
  if (levels.every((level) => level <= most)) return levels;
  throw new Error("a level is out of range");
}

function countPresent(
  definitions: Uint32Array | undefined,
  { definition }: ParquetColumn,
  count: number,
): number {
  return definitions
    ? definitions.reduce((sum, level) => sum + (level === definition ? 1 : 0), 0)
    : count;
}

function readValues(
  cursor: ByteCursor,
  encoding: number,
  column: ParquetColumn,
  count: number,
  dictionary: ArrayLike<unknown> | undefined,
  budget: Budget,
): ArrayLike<unknown> {
  const isBytes = column.type === "BYTE_ARRAY";
  if (count === 0) return [];
  if (encoding === ENCODINGS.plain) return asTexts(readPlain(cursor, column, count), column);
  if (encoding === ENCODINGS.dictionary || encoding === ENCODINGS.plainDictionary) {
    if (!dictionary) throw new Error("a dictionary is missing");
    const places = readRuns(cursor, cursor.take(1)[0], count);
    return Array.from(places, (place) => {
      if (place < dictionary.length) return dictionary[place];
      throw new Error("a value is not in the dictionary");
    });
  }
  if (encoding === ENCODINGS.deltas && column.type === "INT64")
    return readDeltas(cursor, 64, count);
  if (encoding === ENCODINGS.deltas && column.type === "INT32") {
    return Array.from(readDeltas(cursor, 32, count), Number);
  }
  if (encoding === ENCODINGS.lengthsAndBytes && isBytes) {
    return asTexts(readLengthsAndBytes(cursor, count), column);
  }
  if (encoding === ENCODINGS.sharedBytes && isBytes) {
    return asTexts(readSharedBytes(cursor, count, budget), column);
  }
  throw new Error(`the encoding ${encoding} of ${column.type} is not supported`);
}

/** Bytes as texts, where the column is one of texts. */
function asTexts(values: ArrayLike<unknown>, { isText }: ParquetColumn): ArrayLike<unknown> {
  if (!isText) return values;
  const decoder = new TextDecoder();
  return Array.from(values, (value) => {
    const bytes = value as Uint8Array;
    if (bytes.length > LIMITS.name) {
      throw new Error(`a text of ${bytes.length} bytes is longer than ${LIMITS.name}`);
    }
    return decoder.decode(bytes);
  });
}

/** Appends a page's values to rows. */
function addRows(rows: unknown[], page: Page, column: ParquetColumn): void {
  const { count, repetitions, definitions, values } = page;
  let next = 0;
  for (let i = 0; i < count; i++) {
    const level = definitions ? definitions[i] : column.definition;
    const value = level === column.definition ? values[next++] : null;
    if (column.repetition === 0) rows.push(value);
    else if (repetitions![i] > 0) {
      const list = rows.at(-1);
      if (!Array.isArray(list)) throw new Error("a list goes on that never began");
      list.push(value);
    } else if (level >= column.element) rows.push([value]);
    else rows.push(level === column.element - 1 ? [] : null);
  }
}
