/**
 * @file Tar headers: ustar, pax and GNU's long names.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13 (the layout)
 */

import { OcelliError } from "../errors.ts";
import { LIMITS, checkName } from "./budget.ts";
import { decodeUtf8, formatError, guard } from "./bytes.ts";

/** Bytes of a header; contents are padded to a multiple of it. */
export const TAR_BLOCK = 512;

/** What a header announces. */
export interface TarHeader {
  readonly name: string;
  /** Bytes of the content that follows. */
  readonly size: number;
  /**
   * A `file`, a `long-name` or a record of extended attributes (`pax`) for the member that follows; `pax-global` for
   * all that follow; `other` are folders, links and devices.
   */
  readonly kind: "file" | "long-name" | "pax" | "pax-global" | "other";
}

const KINDS = new Map<string, TarHeader["kind"]>([
  ["0", "file"],
  ["\0", "file"],
  ["7", "file"],
  ["L", "long-name"],
  ["x", "pax"],
  ["g", "pax-global"],
]);

/** Bytes from the content's beginning to the next header. */
export const paddedSize = (size: number): number => Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;

/** A member's header, its checksum verified; nothing for the zero block at the archive's end. */
export function readTarHeader(block: Uint8Array, what = "tar file"): TarHeader | undefined {
  return guard(what, () => {
    if (block.length !== TAR_BLOCK) throw formatError(`${what} is truncated.`);
    if (block.every((byte) => byte === 0)) return undefined;
    let sum = 8 * 32; // the checksum's own field counts as blanks
    block.forEach((byte, i) => (sum += i >= 148 && i < 156 ? 0 : byte));
    if (octal(block.subarray(148, 156)) !== sum) {
      throw formatError(`${what}: a member's header is damaged, or this is no tar file.`);
    }
    const type = String.fromCharCode(block[156]);
    if (type === "S") {
      throw new OcelliError("unsupported", `${what}: sparse members are not supported.`);
    }
    const name = readName(block.subarray(0, 100), what);
    const isUstar = readName(block.subarray(257, 265), what) === "ustar" && block[263] === 0x30;
    const prefix = isUstar ? readName(block.subarray(345, 500), what) : "";
    return {
      name: prefix ? `${prefix}/${name}` : name,
      size: readNumber(block.subarray(124, 136), what),
      kind: KINDS.get(type) ?? "other",
    };
  });
}

/** A text that ends at the first zero byte, such as the content of a `long-name` member. */
export function readName(bytes: Uint8Array, what = "tar file"): string {
  const end = bytes.indexOf(0);
  const name = decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end), `${what}, a member's name`);
  return checkName(name, what, LIMITS.path);
}

/** Octal digits, or GNU's base 256 where the first bit is set. */
function readNumber(field: Uint8Array, what: string): number {
  if (field[0] & 0x80) {
    const value = field.reduce((sum, byte, i) => sum * 256 + (i === 0 ? byte & 0x7f : byte), 0);
    if (Number.isSafeInteger(value)) return value;
    throw formatError(`${what}: a member's size is impossible.`);
  }
  const value = octal(field);
  if (value === undefined) throw formatError(`${what}: a number in a header is not octal.`);
  return value;
}

function octal(field: Uint8Array): number | undefined {
  const text = String.fromCharCode(...field)
    .replace(/[\0 ]+$/, "")
    .trimStart();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || "0", 8) : undefined;
}

/** The extended attributes of a `pax` member's content: lines of "length key=value". */
export function readPax(bytes: Uint8Array, what = "tar file"): Map<string, string> {
  const attributes = new Map<string, string>();
  const damaged = () => formatError(`${what}: extended attributes are damaged.`);
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(0x20, at);
    const digits =
      blank < 0 ? "" : String.fromCharCode(...bytes.subarray(at, Math.min(blank, at + 20)));
    const end = at + Number(digits);
    if (
      !/^\d+$/.test(digits) ||
      end <= blank + 1 ||
      end > bytes.length ||
      bytes[end - 1] !== 0x0a
    ) {
      throw damaged();
    }
    const line = bytes.subarray(blank + 1, end - 1);
    const equals = line.indexOf(0x3d);
    if (equals < 0) throw damaged();
    const key = decodeUtf8(line.subarray(0, equals), what);
    // Other values may be binary; these two are text.
    if (key === "path" || key === "size") {
      const value = decodeUtf8(line.subarray(equals + 1), what);
      attributes.set(key, checkName(value, what, LIMITS.path));
    }
    at = end;
  }
  return attributes;
}
