/** @file The bits of a JPEG's scans, and the codes in them (ITU-T T.81, annexes C and F). */

import { formatError } from "../bytes.ts";

/** A table of codes: for each 16-bit beginning, the code's length and its value, as length · 256 + value; 0 for none. */
export type CodeTable = Uint16Array;

/** A table of the counts of codes by length, 1 to 16, and their values in order. */
export function makeCodeTable(counts: Uint8Array, values: Uint8Array, what: string): CodeTable {
  const table = new Uint16Array(1 << 16);
  let [code, at] = [0, 0];
  for (let length = 1; length <= 16; length++) {
    for (let i = 0; i < counts[length - 1]; i++) {
      const begin = code << (16 - length);
      const end = begin + (1 << (16 - length));
      if (end > 1 << 16 || at >= values.length) {
        throw formatError(`${what} is damaged: a table of codes is impossible.`);
      }
      table.fill((length << 8) | values[at++], begin, end);
      code++;
    }
    code <<= 1;
  }
  return table;
}

/** Reads the bits of a scan, in which a zero follows every byte of 255; a marker ends it. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at: number;
  #bits = 0;
  #count = 0;

  constructor(bytes: Uint8Array, at: number, what: string) {
    this.#bytes = bytes;
    this.#at = at;
    this.#what = what;
  }

  /** Where the next marker is looked for. */
  get position(): number {
    return this.#at;
  }

  /** Makes sure of `count` bits, at most 16; behind the end zeros complete the lookup of a code, but cannot be read as data. */
  #fill(count: number): void {
    while (this.#count < count) {
      const byte = this.#bytes[this.#at];
      const isMarker = byte === 255 && this.#bytes[this.#at + 1] !== 0;
      if (byte === undefined || isMarker) {
        this.#bits <<= 8;
        this.#padded += 8;
      } else {
        this.#bits = (this.#bits << 8) | byte;
        this.#at += byte === 255 ? 2 : 1;
      }
      this.#bits &= 0xffffff;
      this.#count += 8;
    }
  }

  /** Bits behind the end that were made up. */
  #padded = 0;

  #take(count: number): void {
    this.#count -= count;
    if (this.#count < this.#padded) throw formatError(`${this.#what} is truncated.`);
  }

  /** The value of the next code. */
  code(table: CodeTable): number {
    this.#fill(16);
    const found = table[(this.#bits >> (this.#count - 16)) & 0xffff];
    if (found === 0) throw formatError(`${this.#what} is damaged: there is no such code.`);
    this.#take(found >> 8);
    return found & 255;
  }

  /** The next bits as a number; 0 of none. */
  bits(count: number): number {
    if (count === 0) return 0;
    this.#fill(count);
    const value = (this.#bits >> (this.#count - count)) & ((1 << count) - 1);
    this.#take(count);
    return value;
  }

  /** The next bits as a signed number: those that begin with 0 are negative (T.81, F.2.2.1). */
  signed(count: number): number {
    const value = this.bits(count);
    return count === 0 || value >= 1 << (count - 1) ? value : value - (1 << count) + 1;
  }

  /** Goes on behind a restart marker. */
  restart(): void {
    this.#bits = this.#count = this.#padded = 0;
    const bytes = this.#bytes;
    while (bytes[this.#at] === 255 && bytes[this.#at + 1] === 255) this.#at++;
    const [first, second] = [bytes[this.#at], bytes[this.#at + 1]];
    if (first !== 255 || (second & 0xf8) !== 0xd0) {
      throw formatError(`${this.#what} is damaged: a restart marker is missing.`);
    }
    this.#at += 2;
  }
}
