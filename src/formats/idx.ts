/**
 * @file The idx format of MNIST: a magic number, big-endian extents, big-endian elements; plain or gzipped.
 * @see https://web.archive.org/web/2023/http://yann.lecun.com/exdb/mnist/
 */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { unpackLimit } from "./budget.ts";
import { arrayFromBytes, formatError, guard, viewOf } from "./bytes.ts";
import type { StoredType } from "./bytes.ts";
import { gunzip, isGzip } from "./inflate.ts";

const TYPES = new Map<number, StoredType>([
  [0x08, "uint8"],
  [0x09, "int8"],
  [0x0b, "int16"],
  [0x0c, "int32"],
  [0x0d, "float32"],
  [0x0e, "float64"],
]);

/**
 * The array of an idx file, plain or gzipped; int8 and int16 read as int32. Gzip content above `maxBytes` (default:
 * 64 MiB and 16 times the file's size) is a format error.
 */
export function readIdx(
  bytes: Uint8Array,
  { maxBytes = unpackLimit(bytes.length) }: { readonly maxBytes?: number } = {},
): HostArray {
  const content = isGzip(bytes) ? gunzip(bytes, maxBytes, "idx file") : bytes;
  const { type, shape, start } = guard("idx file", () => readHeader(content));
  return arrayFromBytes(content.subarray(start), shape, type, "idx file", { bigEndian: true });
}

function readHeader(bytes: Uint8Array) {
  const view = viewOf(bytes);
  if (view.getUint16(0) !== 0)
    throw formatError("idx file: it does not begin with two zero bytes.");
  const type = TYPES.get(view.getUint8(2));
  if (!type) {
    throw new OcelliError("unsupported", `idx file: the element type ${bytes[2]} is unknown.`, {
      given: bytes[2],
      valid: [...TYPES.values()],
    });
  }
  const rank = view.getUint8(3);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  return { type, shape, start: 4 + 4 * rank };
}
