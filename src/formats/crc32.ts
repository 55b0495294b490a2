/** @file CRC-32, the checksum of zip and gzip, and its making for other polynomials. */

/** The reflected CRC of 32 bits of a polynomial, its bits given lowest power first; unsigned. */
export function crcOf(polynomial: number): (bytes: Uint8Array) => number {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  });
  return (bytes) => {
    let crc = -1;
    for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 255];
    return ~crc >>> 0;
  };
}

/** The CRC-32 of bytes, unsigned. */
export const crc32 = crcOf(0xedb88320);
