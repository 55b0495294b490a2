/** @file Zip archives, read with suspicion: sizes from the central directory, nothing allocated before it is checked. */

import { OcelliError } from "../errors.ts";
import { LIMITS, checkName } from "./budget.ts";
import { type ByteRanges, decodeUtf8, formatError, guard, rangeOf } from "./bytes.ts";
import { readUint64, viewOf } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { inflateExactly } from "./inflate.ts";

/** One file of an archive. */
export interface ZipMember {
  readonly name: string;
  /** Bytes of the content. */
  readonly size: number;
  /** Its permissions and kind as Unix has them; zero where the archive does not say. */
  readonly mode: number;
  /** The content: a view of the archive where it is stored, else inflated; the checksum is verified. */
  readonly read: () => Uint8Array;
}

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly deflated: boolean;
  readonly crc: number;
  readonly start: number;
  readonly end: number;
  readonly size: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const MAX32 = 0xffffffff;
/** Flags of encryption: traditional, strong, and masked headers. */
const ENCRYPTED = 0x2041;

/** The members of an archive in its order; deflated members of more than `maxBytes` together are a format error. */
export function readZip(bytes: ByteRanges, maxBytes: number, what: string): ZipMember[] {
  const entries = guard(what, () => readDirectory(bytes, what));
  const inflated = entries.reduce((total, { deflated, size }) => total + (deflated ? size : 0), 0);
  if (inflated > maxBytes) {
    throw formatError(
      `${what} would inflate to ${inflated} bytes, above the limit of ${maxBytes}.`,
    );
  }
  checkApart(entries, what);
  return entries.map((entry) => ({
    name: entry.name,
    size: entry.size,
    mode: entry.mode,
    read: () => readContent(bytes, entry, `${what}, member "${entry.name}"`),
  }));
}

function readContent(bytes: ByteRanges, entry: Entry, what: string): Uint8Array {
  const stored = bytes.subarray(entry.start, entry.end);
  const content = entry.deflated ? inflateExactly(stored, entry.size, what) : stored;
  if (crc32(content) !== entry.crc) throw formatError(`${what}: the checksum does not match.`);
  return content;
}

/** Members that overlap would let a small file claim any size; two of one name hide one of them. */
function checkApart(entries: readonly Entry[], what: string): void {
  const names = new Set(entries.map(({ name }) => name));
  if (names.size !== entries.length) throw formatError(`${what}: two members have one name.`);
  const inOrder = [...entries].sort((a, b) => a.start - b.start);
  inOrder.forEach(({ start, name }, i) => {
    if (i > 0 && start < inOrder[i - 1].end) throw formatError(`${what}: "${name}" overlaps.`);
  });
}

/** More of a directory than any archive of weights or pictures has. */
const MAX_DIRECTORY = 1 << 26;

function readDirectory(bytes: ByteRanges, what: string): Entry[] {
  const { count, size, offset } = findDirectory(bytes, what);
  if (size > MAX_DIRECTORY) throw formatError(`${what}: a directory of ${size} bytes is refused.`);
  if (count > LIMITS.members) throw formatError(`${what}: ${count} members are too many.`);
  const directory = rangeOf(bytes, offset, offset + size, what);
  const entries: Entry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at >= size) throw formatError(`${what}: the directory is shorter than it says.`);
    const { entry, next } = readEntry(bytes, directory, at, offset, what);
    entries.push(entry);
    at = next;
  }
  if (at !== size) throw formatError(`${what}: the directory's size does not fit.`);
  return entries;
}

const END_SIZE = 22;
const LOCATOR_SIZE = 20;
const END64_SIZE = 56;

/** Where the central directory lies: the end record, or its 64-bit form where a field is saturated. */
function findDirectory(bytes: ByteRanges, what: string) {
  const reach = END_SIZE + 0xffff + LOCATOR_SIZE; // the comment's length has 16 bits
  const from = Math.max(0, bytes.length - reach);
  const view = viewOf(bytes.subarray(from, bytes.length));
  const isEnd = (at: number) =>
    view.getUint32(at, true) === END &&
    view.getUint16(at + 20, true) === view.byteLength - at - END_SIZE;
  let end = view.byteLength - END_SIZE;
  while (end >= 0 && !isEnd(end)) end--;
  if (end < 0) throw formatError(`${what} has no zip directory: not a zip file, or truncated.`);
  let count = view.getUint16(end + 10, true);
  let size = view.getUint32(end + 12, true);
  let offset = view.getUint32(end + 16, true);
  if (count === 0xffff || size === MAX32 || offset === MAX32) {
    if (view.getUint32(end - LOCATOR_SIZE, true) !== LOCATOR64)
      throw formatError(`${what}: no zip64 record.`);
    const at = readUint64(view, end - LOCATOR_SIZE + 8, what);
    const end64 = viewOf(rangeOf(bytes, at, at + END64_SIZE, what));
    if (end64.getUint32(0, true) !== END64) throw formatError(`${what}: no zip64 record.`);
    count = readUint64(end64, 32, what);
    size = readUint64(end64, 40, what);
    offset = readUint64(end64, 48, what);
  }
  if (offset + size > from + end)
    throw formatError(`${what}: the directory lies outside the file.`);
  return { count, size, offset };
}

/** One entry of the central directory at `at`, its local header checked; content lies before `limit`. */
function readEntry(
  bytes: ByteRanges,
  directory: Uint8Array,
  at: number,
  limit: number,
  what: string,
) {
  const view = viewOf(directory);
  if (view.getUint32(at, true) !== CENTRAL)
    throw formatError(`${what}: a directory entry is damaged.`);
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const nameEnd = at + 46 + view.getUint16(at + 28, true);
  const extraEnd = nameEnd + view.getUint16(at + 30, true);
  const nameBytes = directory.subarray(at + 46, nameEnd);
  const name = checkName(decodeUtf8(nameBytes, `${what}, a member's name`), what);
  const [size, packed, local] = widenFields(view, nameEnd, extraEnd, what, [
    view.getUint32(at + 24, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 42, true),
  ]);
  if (flags & ENCRYPTED) throw new OcelliError("unsupported", `${what}: "${name}" is encrypted.`);
  if (method !== 0 && method !== 8) {
    throw new OcelliError("unsupported", `${what}: "${name}" has compression method ${method}.`, {
      valid: ["stored", "deflated"],
    });
  }
  const nameStart = local + 30;
  const header = rangeOf(bytes, local, nameStart + nameBytes.length, what);
  const fields = viewOf(header);
  if (fields.getUint32(0, true) !== LOCAL) {
    throw formatError(`${what}: "${name}" has no local header.`);
  }
  const isSame = fields.getUint16(26, true) === nameBytes.length;
  if (!isSame || header.subarray(30).some((b, i) => b !== nameBytes[i])) {
    throw formatError(`${what}: "${name}" has another name in its local header.`);
  }
  const start = nameStart + nameBytes.length + fields.getUint16(28, true);
  if (start + packed > limit) throw formatError(`${what}: "${name}" lies outside the file.`);
  if (method === 0 && size !== packed) {
    throw formatError(`${what}: "${name}" is stored, yet its two sizes differ.`);
  }
  const crc = view.getUint32(at + 16, true);
  const mode = view.getUint16(at + 40, true); // of the external attributes the upper half
  const entry: Entry = {
    name,
    mode,
    deflated: method === 8,
    crc,
    start,
    end: start + packed,
    size,
  };
  return { entry, next: extraEnd + view.getUint16(at + 32, true) };
}

/** The fields, saturated ones (0xffffffff) replaced in their order by those of the zip64 extra field. */
function widenFields(view: DataView, from: number, to: number, what: string, fields: number[]) {
  if (!fields.includes(MAX32)) return fields;
  let at = from;
  while (at + 4 <= to && view.getUint16(at, true) !== 1) at += 4 + view.getUint16(at + 2, true);
  if (at + 4 > to) return fields; // a size of exactly 2^32 − 1 needs no extra field
  const end = at + 4 + view.getUint16(at + 2, true);
  at += 4;
  return fields.map((field) => {
    if (field !== MAX32) return field;
    if (at + 8 > Math.min(end, to)) throw formatError(`${what}: a zip64 field is missing.`);
    at += 8;
    return readUint64(view, at - 8, what);
  });
}
