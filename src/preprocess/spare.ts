/**
 * @file Memory of examples that are done with, for the next ones: fresh memory costs page faults, zeroing and garbage
 * collection, together as much as decoding costs.
 *
 * Only what was lent here is taken back, so that the arrays of a source are never written over.
 */

/** The most bytes and buffers that are kept. */
const MOST_BYTES = 16 << 20;
const MOST_BUFFERS = 256;

const spare: ArrayBuffer[] = [];
let bytesHeld = 0;
const lent = new WeakSet<ArrayBufferLike>();

/** Bytes in a buffer of their own; their values are not specified. */
export function lend(length: number): Uint8Array<ArrayBuffer> {
  const at = spare.findIndex(({ byteLength }) => byteLength === length);
  const [buffer] = at < 0 ? [new ArrayBuffer(length)] : spare.splice(at, 1);
  if (at >= 0) bytesHeld -= length;
  lent.add(buffer);
  return new Uint8Array(buffer);
}

/** Takes a buffer back that nothing reads any more; one that was not lent is left alone. */
export function giveBack(buffer: ArrayBufferLike): void {
  if (!lent.delete(buffer)) return;
  spare.push(buffer as ArrayBuffer);
  bytesHeld += buffer.byteLength;
  while (spare.length > MOST_BUFFERS || bytesHeld > MOST_BYTES) {
    bytesHeld -= spare.shift()!.byteLength;
  }
}
