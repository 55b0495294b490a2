/**
 * @file CRC-32C (Castagnoli), the checksum of TFRecord files.
 * @see https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4 (the test values)
 */

import { crcOf } from "./crc32.ts";

/** The CRC-32C of bytes, unsigned. */
export const crc32c = crcOf(0x82f63b78);

/** The CRC-32C as TFRecord stores it: rotated and shifted, so that a checksum of checksums is safe. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
