/** @file Byte strings by prefix: a node for every prefix, found byte by byte. */

import { PairTable } from "./pair-table.ts";

/** Nodes are numbers; the empty prefix is 0. */
export class ByteTrie {
  private readonly next: PairTable;
  private readonly values: number[] = [-1];

  /** Room for a number of nodes without growing. */
  constructor(expected = 16) {
    this.next = new PairTable(expected);
  }

  /** Gives a byte string a value, at least 0. */
  add(key: Uint8Array, value: number): void {
    let node = 0;
    for (const byte of key) {
      let child = this.next.get(node, byte);
      if (child === -1) {
        child = this.values.push(-1) - 1;
        this.next.set(node, byte, child);
      }
      node = child;
    }
    this.values[node] = value;
  }

  /** The node one byte further; -1 where no key goes on so. */
  step(node: number, byte: number): number {
    return this.next.get(node, byte);
  }

  /** The node after the bytes of a range; -1 where no key goes on so. */
  walk(node: number, bytes: Uint8Array, begin: number, end: number): number {
    for (let i = begin; i < end && node !== -1; i++) node = this.next.get(node, bytes[i]);
    return node;
  }

  /** The value of the key that ends at a node; -1 where none does. */
  valueAt(node: number): number {
    return this.values[node];
  }

  /** Where the longest key ends that begins at `begin`; `begin` where none does. */
  longest(bytes: Uint8Array, begin: number, end: number): number {
    let found = begin;
    let node = 0;
    for (let i = begin; i < end;) {
      node = this.next.get(node, bytes[i++]);
      if (node === -1) break;
      if (this.values[node] !== -1) found = i;
    }
    return found;
  }
}
