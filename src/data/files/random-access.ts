/** @file Files that are read at any place. */

/** A file of known size, read piece by piece; nothing stays open between two reads. */
export interface ByteFile {
  /** Its path or address, as errors name it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The smallest piece worth asking for while going through the file, in bytes. */
  readonly piece: number;
  /** The bytes from `begin` up to `end`, which lie within the file. */
  read(begin: number, end: number): Promise<Uint8Array>;
}
