/**
 * @file TFRecord files: payloads one after the other, each with its length and two masked checksums.
 * @see https://www.tensorflow.org/tutorials/load_data/tfrecord (the layout)
 */

import { LIMITS } from "./budget.ts";
import { formatError, readUint64, viewOf } from "./bytes.ts";
import { maskedCrc32c } from "./crc32c.ts";

/** Bytes before a payload: its length (8) and the length's checksum (4). */
export const RECORD_HEADER = 12;
/** Bytes after a payload: its checksum. */
export const RECORD_FOOTER = 4;

/** Limits of a reader. */
interface RecordOptions {
  /** The largest payload, in bytes; a larger one is a format error. Default: 256 MiB. */
  readonly maxBytes?: number;
  /** What errors call the file. */
  readonly what?: string;
}

/** One payload as a record: length, checksum of the length, payload, checksum of the payload. */
export function encodeRecord(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(RECORD_HEADER + payload.length + RECORD_FOOTER);
  const view = viewOf(record);
  view.setBigUint64(0, BigInt(payload.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(payload, RECORD_HEADER);
  view.setUint32(RECORD_HEADER + payload.length, maskedCrc32c(payload), true);
  return record;
}

/**
 * The length of the payload that follows a record's header, its checksum verified.
 *
 * @param header the record's first {@link RECORD_HEADER} bytes
 */
export function readRecordHeader(
  header: Uint8Array,
  { maxBytes = LIMITS.imageBytes, what = "TFRecord file" }: RecordOptions = {},
): number {
  if (header.length < RECORD_HEADER) throw formatError(`${what} is truncated.`);
  const view = viewOf(header);
  if (view.getUint32(8, true) !== maskedCrc32c(header.subarray(0, 8))) {
    throw formatError(`${what}: the checksum of a record's length does not match.`);
  }
  const length = readUint64(view, 0, what);
  if (length > maxBytes) {
    throw formatError(`${what}: a record of ${length} bytes is above the limit of ${maxBytes}.`);
  }
  return length;
}

/**
 * The payload at the beginning of `body`, its checksum verified; a view, not a copy.
 *
 * @param body what follows a record's header
 */
export function readRecordBody(
  body: Uint8Array,
  length: number,
  { what = "TFRecord file" }: RecordOptions = {},
): Uint8Array {
  if (body.length < length + RECORD_FOOTER) throw formatError(`${what} is truncated.`);
  const payload = body.subarray(0, length);
  if (viewOf(body).getUint32(length, true) !== maskedCrc32c(payload)) {
    throw formatError(`${what}: the checksum of a record's content does not match.`);
  }
  return payload;
}

/**
 * The payloads of a TFRecord file held in memory, one after the other; views, not copies.
 *
 * @throws a format error at the first record that is truncated, too large, or whose checksums do not match
 * @example
 * const file = concatBytes([encodeRecord(Uint8Array.of(1)), encodeRecord(Uint8Array.of(2, 3))]);
 * [...readRecords(file)]; // [1], [2, 3]
 */
export function* readRecords(
  bytes: Uint8Array,
  options: RecordOptions = {},
): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length;) {
    const length = readRecordHeader(bytes.subarray(at, at + RECORD_HEADER), options);
    at += RECORD_HEADER;
    yield readRecordBody(bytes.subarray(at), length, options);
    at += length + RECORD_FOOTER;
  }
}
