/** @file Places for arrays in the memory that the WebAssembly kernels work on. */

import { lend } from "../spare.ts";
import { type Kernels, kernels } from "./kernels.ts";

type TypedArray = Uint8Array | Int16Array | Int32Array | Float32Array;

/** The most memory that the kernels take; they never give it back. Larger images go through the loops. */
const MOST_BYTES = 64 << 20;
/** How far kernels read and write beyond their arrays. */
const BEYOND = 16;

/** Places in the kernels' memory, one after the other. */
export class Arena {
  #end = 0;
  readonly #memory: WebAssembly.Memory;

  constructor({ memory }: Kernels) {
    this.#memory = memory;
  }

  /** Room for some bytes; its address. */
  room(bytes: number): number {
    const at = this.#end;
    this.#end = (at + bytes + BEYOND + 15) & ~15;
    const missing = this.#end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 65536));
    return at;
  }

  /** Copies bytes to an address. */
  write(at: number, bytes: Uint8Array): void {
    new Uint8Array(this.#memory.buffer, at).set(bytes);
  }

  /** Copies an array in; its address. */
  put({ buffer, byteOffset, byteLength }: TypedArray): number {
    const at = this.room(byteLength);
    this.write(at, new Uint8Array(buffer, byteOffset, byteLength));
    return at;
  }

  /** Copies rows of bytes out, from one to the next `stride` bytes. */
  take(at: number, rows: number, length: number, stride = length): Uint8Array {
    const memory = new Uint8Array(this.#memory.buffer, at, rows * stride);
    const out = lend(rows * length);
    if (stride === length) {
      out.set(memory);
      return out;
    }
    for (let row = 0; row < rows; row++) {
      out.set(memory.subarray(row * stride, row * stride + length), row * length);
    }
    return out;
  }
}

/** Whether the kernels are there and take arrays of some bytes. */
export function usable(bytes: number): Kernels | undefined {
  return bytes <= MOST_BYTES ? kernels() : undefined;
}
