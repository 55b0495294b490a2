/** @file Host memory for device arrays: outside V8's heap, aligned, not zeroed, reused by size. */

import koffi from "koffi";
import type { Pointer } from "./c-api.ts";

/** What vector instructions and cache lines like. */
const ALIGNMENT = 64;
/** From this size on a block asks Linux for huge pages: first touching 4 kiB pages costs 1 ms per MB. */
const HUGE_FROM = 4 << 20;
const MADV_HUGEPAGE = 14;

/** A piece of memory at a fixed address. */
export interface Block {
  readonly buffer: ArrayBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly address: Pointer;
}

let madvise: ((address: Pointer, length: number, advice: number) => number) | undefined;

function adviseHugePages(address: Pointer, byteLength: number): void {
  if (process.platform !== "linux") return;
  madvise ??= koffi.load(null).func("int madvise(void *address, size_t length, int advice)");
  const start = (address + 4095n) & ~4095n;
  madvise(start, (byteLength - Number(start - address)) & ~4095, MADV_HUGEPAGE); // a wish, not a need
}

function allocateBlock(byteLength: number): Block {
  const bytes = Buffer.allocUnsafeSlow(byteLength + ALIGNMENT); // malloc: neither zeroed nor moved
  const start = koffi.address(bytes);
  const byteOffset = Number(-start & BigInt(ALIGNMENT - 1));
  const address = start + BigInt(byteOffset);
  if (byteLength >= HUGE_FROM) adviseHugePages(address, byteLength);
  return { buffer: bytes.buffer as ArrayBuffer, byteOffset, byteLength, address };
}

/** Frees at once rather than at the next garbage collection; views of the block become empty. */
const freeBlock = (block: Block): void => void block.buffer.transfer(0);

/**
 * Blocks by size. What is given back waits for the next array of its size, so that a step which makes new state and drops
 * the old one touches no fresh page. Waiting and used memory together never exceed the most that was in use.
 */
export class MemoryPool {
  readonly #idle = new Map<number, Block[]>();
  #live = 0;
  #waiting = 0;
  #peak = 0;

  take(byteLength: number): Block {
    const size = Math.max(ALIGNMENT, Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT);
    const found = this.#idle.get(size)?.pop();
    this.#live += size;
    if (found) this.#waiting -= size;
    this.#peak = Math.max(this.#peak, this.#live);
    this.#shrink(this.#peak);
    return found ?? allocateBlock(size);
  }

  give(block: Block): void {
    const size = block.byteLength;
    this.#live -= size;
    this.#waiting += size;
    const list = this.#idle.get(size);
    if (list) list.push(block);
    else this.#idle.set(size, [block]);
    this.#shrink(this.#peak);
  }

  /** Bytes in use, and bytes kept for later. */
  get usage(): { readonly live: number; readonly idle: number } {
    return { live: this.#live, idle: this.#waiting };
  }

  /** Frees what is not in use. */
  trim(): void {
    this.#peak = this.#live;
    this.#shrink(this.#peak);
  }

  #shrink(limit: number): void {
    if (this.#live + this.#waiting <= limit) return;
    for (const [size, blocks] of this.#idle) {
      while (blocks.length > 0 && this.#live + this.#waiting > limit) {
        freeBlock(blocks.pop()!);
        this.#waiting -= size;
      }
      if (blocks.length === 0) this.#idle.delete(size);
      if (this.#live + this.#waiting <= limit) return;
    }
  }
}
