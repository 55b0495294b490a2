/**
 * @file The safetensors format: a JSON header, then the tensors' bytes without gaps.
 * @see https://github.com/huggingface/safetensors
 */

import { OcelliError, unknownName } from "../errors.ts";
import { byteSize, sizeOf } from "../graph/dtype.ts";
import type { DType, HostArray, Shape } from "../graph/dtype.ts";
import { checkName, parseJson } from "./budget.ts";
import { arrayFromBytes, bytesOf, checkedSize, concatBytes, decodeUtf8 } from "./bytes.ts";
import { formatError, rangeOf, readUint64, storedSize, viewOf } from "./bytes.ts";
import type { ByteRanges, StoredType } from "./bytes.ts";

/** The content of a safetensors file. */
export interface Safetensors {
  readonly tensors: Record<string, HostArray>;
  readonly metadata: Record<string, string>;
}

/** A safetensors file whose tensors are read one at a time. */
export interface SafetensorsFile {
  /** In the order of their bytes. */
  readonly names: readonly string[];
  readonly entries: Readonly<Record<string, SafetensorsEntry>>;
  readonly metadata: Record<string, string>;
  /** One tensor; a view of the bytes where they are an aligned array. */
  readonly read: (name: string) => HostArray;
}

/** Where a tensor lies. */
export interface SafetensorsEntry {
  readonly type: StoredType;
  readonly shape: Shape;
  /** Byte offsets from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

/** The header of a safetensors file. */
export interface SafetensorsHeader {
  readonly entries: Record<string, SafetensorsEntry>;
  readonly metadata: Record<string, string>;
  /** Bytes of the whole file. */
  readonly byteLength: number;
}

const FROM_CODE: Readonly<Record<string, StoredType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
};

const TO_CODE: Readonly<Record<DType, string>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  uint32: "U32",
  uint8: "U8",
  bool: "BOOL",
};

const WHAT = "safetensors file";
const METADATA = "__metadata__";
/** Bytes of a header of hundreds of thousands of tensors; the reference implementation's own limit is 100 MB. */
const MAX_HEADER = 1 << 25;
/** A tensor's entry lies in the header, and its shape in the entry. */
const MAX_DEPTH = 3;

/** A safetensors file with its header checked and its tensors yet unread, so that a large one is never whole in memory. */
export function openSafetensors(bytes: ByteRanges): SafetensorsFile {
  const { entries, metadata, byteLength } = readSafetensorsHeader(bytes);
  if (byteLength !== bytes.length) {
    throw formatError(`${WHAT}: its header describes ${byteLength} bytes, not ${bytes.length}.`);
  }
  const names = inOrder(entries).map(([name]) => name);
  const read = (name: string): HostArray => {
    if (!Object.hasOwn(entries, name)) throw unknownName("tensor", name, names);
    const { type, shape, begin, end } = entries[name];
    return arrayFromBytes(bytes.subarray(begin, end), shape, type, `${WHAT}, tensor "${name}"`);
  };
  return { names, entries, metadata, read };
}

/** Entries by where they lie in the file. */
const inOrder = (entries: Readonly<Record<string, SafetensorsEntry>>) =>
  Object.entries(entries).sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);

/** The tensors and metadata of a safetensors file; tensors are views of the bytes where those are aligned. */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { names, metadata, read } = openSafetensors(bytes);
  return { tensors: Object.fromEntries(names.map((name) => [name, read(name)])), metadata };
}

/** The checked header from a file's first bytes (eight, and as many as they say), so that a tensor can be read alone. */
export function readSafetensorsHeader(bytes: ByteRanges): SafetensorsHeader {
  const size = readUint64(viewOf(rangeOf(bytes, 0, 8, WHAT)), 0, WHAT);
  if (size > MAX_HEADER) throw formatError(`${WHAT}: a header of ${size} bytes is impossible.`);
  const start = 8 + size;
  if (start > bytes.length) throw formatError(`${WHAT} is truncated in its header.`);
  const text = decodeUtf8(bytes.subarray(8, start), `${WHAT}, its header`);
  const header: unknown = parseJson(text, `${WHAT}, its header`, { depth: MAX_DEPTH });
  if (!text.startsWith("{") || !isRecord(header)) {
    throw formatError(`${WHAT}: the header is not a JSON object.`);
  }
  const metadata = readMetadata(Object.hasOwn(header, METADATA) ? header[METADATA] : {});
  const entries = Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => name !== METADATA)
      .map(([name, value]) => [name, readEntry(name, value, start)] as const),
  );
  const count = Object.keys(entries).length;
  const keys = Object.keys(header).length + 3 * count + Object.keys(metadata).length;
  if (countKeys(text) !== keys) throw formatError(`${WHAT}: a name occurs twice in the header.`);
  let byteLength = start;
  for (const [name, entry] of inOrder(entries)) {
    if (entry.begin !== byteLength) {
      throw formatError(`${WHAT}: tensor "${name}" leaves a gap or overlaps another.`);
    }
    byteLength = entry.end;
  }
  return { entries, metadata, byteLength };
}

/** A safetensors file; the same tensors and metadata give the same bytes, whatever their order. */
export const writeSafetensors = (
  tensors: Readonly<Record<string, HostArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array => concatBytes(safetensorsChunks(tensors, metadata));

/**
 * The parts of a safetensors file in order: its header, then views of the tensors' data, so that a large file is
 * written without a copy. Wider elements come first, so that every tensor is aligned; then by name.
 */
export function safetensorsChunks(
  tensors: Readonly<Record<string, HostArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const { header, names } = safetensorsLayout(tensors, metadata);
  return [header, ...names.map((name) => bytesOf(tensors[name]))];
}

/** The header of the file that {@link safetensorsChunks} makes, and the names in the order of their bytes behind it. */
export function safetensorsLayout(
  tensors: Readonly<Record<string, Pick<HostArray, "shape" | "dtype">>>,
  metadata: Readonly<Record<string, string>> = {},
): { header: Uint8Array; names: string[] } {
  if (Object.hasOwn(tensors, METADATA)) {
    throw new OcelliError("name", `a tensor cannot be named "${METADATA}".`);
  }
  const width = (name: string) => byteSize(tensors[name].dtype);
  const names = Object.keys(tensors).sort((a, b) => width(b) - width(a) || (a < b ? -1 : 1));
  const fields: [string, unknown][] = [];
  const notes = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (notes.length > 0) fields.push([METADATA, Object.fromEntries(notes)]);
  let at = 0;
  for (const name of names) {
    const { dtype, shape } = tensors[name];
    const begin = at;
    at += sizeOf(shape) * width(name);
    fields.push([name, { dtype: TO_CODE[dtype], shape, data_offsets: [begin, at] }]);
  }
  // Joined by hand: an object would move names that look like numbers to the front.
  const text = fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${text.join(",")}}`);
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  viewOf(header).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return { header, names };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);

function readMetadata(value: unknown): Record<string, string> {
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === "string")) {
    throw formatError(`${WHAT}: ${METADATA} is not a record of texts.`);
  }
  return value as Record<string, string>;
}

function readEntry(name: string, value: unknown, start: number): SafetensorsEntry {
  const what = `${WHAT}, tensor "${checkName(name, WHAT)}"`;
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  if (
    typeof dtype !== "string" ||
    !isNumbers(shape) ||
    !isNumbers(offsets) ||
    offsets.length !== 2 ||
    Object.keys(value as object).length !== 3
  ) {
    throw formatError(`${what}: its entry needs exactly dtype, shape and data_offsets.`);
  }
  if (!Object.hasOwn(FROM_CODE, dtype)) {
    throw new OcelliError("unsupported", `${what}: dtype "${dtype}" is not supported.`, {
      given: dtype,
      valid: Object.keys(FROM_CODE),
    });
  }
  const type = FROM_CODE[dtype];
  const [begin, end] = offsets;
  if (end - begin !== checkedSize(shape, what) * storedSize(type)) {
    throw formatError(`${what}: ${end - begin} bytes do not fit ${dtype} of shape [${shape}].`);
  }
  return { type, shape, begin: start + begin, end: start + end };
}

/** How many keys a valid JSON text has at any depth; `JSON.parse` would keep the last of two equal ones silently. */
function countKeys(text: string): number {
  let keys = 0;
  let at = text.indexOf('"');
  while (at >= 0) {
    let end = at + 1;
    while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    do end++;
    while (" \t\n\r".includes(text.charAt(end) || "-"));
    if (text[end] === ":") keys++;
    at = text.indexOf('"', end);
  }
  return keys;
}
