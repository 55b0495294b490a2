/**
 * @file A protobuf writer that works from the end to the beginning: the length of a nested message is known when its
 * prefix is due, so nothing is measured twice or moved. Fields and lists are therefore written last one first.
 * @see https://protobuf.dev/programming-guides/encoding/
 */

import { OcelliError } from "../errors.ts";
import { concatBytes, viewOf } from "./bytes.ts";

/** Bytes from this size on are kept as views until the end, and copied once. */
const LARGE = 4096;
const BLOCK = 1 << 16;
const MAX_VARINT = 10;
const encoder = new TextEncoder();

/** Writes one message, its last field first; call {@link finish} once. */
export class ProtobufWriter {
  /** Bytes written so far. */
  length = 0;
  private readonly done: Uint8Array[] = [];
  private block = new Uint8Array(BLOCK);
  private view = viewOf(this.block);
  private at = BLOCK;

  /** A nested message, whose fields `write` writes, last one first. */
  message(field: number, write: () => void): void {
    const before = this.length;
    write();
    this.prefix(field, this.length - before);
  }

  /** A field of bytes; large ones are copied once, by {@link finish}. */
  bytes(field: number, value: Uint8Array): void {
    if (value.length < LARGE) {
      this.reserve(value.length);
      this.block.set(value, this.at);
    } else {
      this.closeBlock();
      this.done.push(value);
      this.length += value.length;
    }
    this.prefix(field, value.length);
  }

  /** A text field, in UTF-8. */
  string(field: number, value: string): void {
    if (value.length >= LARGE || !isAscii(value)) {
      this.bytes(field, encoder.encode(value));
      return;
    }
    this.reserve(value.length);
    for (let i = 0; i < value.length; i++) this.block[this.at + i] = value.charCodeAt(i);
    this.prefix(field, value.length);
  }

  /** An int32, int64 or enum field. */
  int(field: number, value: number | bigint): void {
    if (typeof value === "number" && value >= 0) this.varint(value);
    else if (typeof value === "number" && value === (value | 0)) this.negativeVarint(value);
    else this.bigVarint(BigInt.asUintN(64, BigInt(value)));
    this.varint(field * 8);
  }

  /** A float field. */
  float(field: number, value: number): void {
    this.reserve(4);
    this.view.setFloat32(this.at, value, true);
    this.varint(field * 8 + 5);
  }

  /** A double field. */
  double(field: number, value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.at, value, true);
    this.varint(field * 8 + 1);
  }

  /** The whole message. */
  finish(): Uint8Array<ArrayBuffer> {
    this.closeBlock();
    return concatBytes(this.done.reverse());
  }

  private prefix(field: number, length: number): void {
    this.varint(length);
    this.varint(field * 8 + 2);
  }

  /** A non-negative safe integer, seven bits a byte, the low ones first. */
  private varint(value: number): void {
    if (value < 128) {
      this.reserve(1);
      this.block[this.at] = value;
    } else if (value < 0x4000) {
      this.reserve(2);
      this.block[this.at] = (value & 127) | 128;
      this.block[this.at + 1] = value >> 7;
    } else this.bigVarint(BigInt(value));
  }

  /** A negative 32-bit integer as 64 bits of two's complement. */
  private negativeVarint(value: number): void {
    this.reserve(MAX_VARINT);
    for (let i = 0; i < MAX_VARINT - 1; i++)
      this.block[this.at + i] = ((value >> Math.min(7 * i, 31)) & 127) | 128;
    this.block[this.at + MAX_VARINT - 1] = 1;
  }

  private bigVarint(value: bigint): void {
    let size = 1;
    for (let rest = value; rest > 127n; rest >>= 7n) size++;
    this.reserve(size);
    for (let i = 0; i < size; i++) {
      this.block[this.at + i] = Number(value & 127n) | (i < size - 1 ? 128 : 0);
      value >>= 7n;
    }
  }

  private reserve(size: number): void {
    if (size > this.at) this.closeBlock();
    this.at -= size;
    this.length += size;
  }

  /** What the block holds becomes a finished part; the room before it serves on while there is enough. */
  private closeBlock(): void {
    if (this.at < this.block.length) this.done.push(this.block.subarray(this.at));
    this.block =
      this.at > LARGE + MAX_VARINT ? this.block.subarray(0, this.at) : new Uint8Array(BLOCK);
    this.view = viewOf(this.block);
    this.at = this.block.length;
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** An error where an integer does not fit a signed 64-bit field. */
export function checkInteger(value: number | bigint, what: string): void {
  const fits =
    typeof value === "number" ? Number.isSafeInteger(value) : BigInt.asIntN(64, value) === value;
  if (!fits) throw new OcelliError("argument", `${what}: ${value} is not a 64-bit integer.`);
}
