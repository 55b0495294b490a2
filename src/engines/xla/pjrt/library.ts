/** @file A check of shared libraries before they are mapped: a truncated one would end the process, not raise an error. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { OcelliError } from "../../../errors.ts";

const ELF_MAGIC = 0x464c457f;
const HEADER_BYTES = 64;
/** Processors by ELF's numbers, as Node names them. */
const MACHINES: Readonly<Record<number, string>> = {
  3: "ia32",
  40: "arm",
  62: "x64",
  183: "arm64",
  243: "riscv64",
};

/** Checks that a file is there, readable and, where it is an ELF library, for this processor and as long as it says. */
export function checkLibrary(path: string): void {
  const file = openLibrary(path);
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw new OcelliError("engine", `the plugin ${path} is no file.`);
    const { size } = status;
    const header = read(file, 0, HEADER_BYTES);
    const isElf = header.length === HEADER_BYTES && header.readUInt32LE(0) === ELF_MAGIC;
    if (process.platform === "linux" && !isElf) {
      throw new OcelliError("engine", `${path} is no shared library.`);
    }
    const machine = isElf ? MACHINES[header.readUInt16LE(18)] : undefined;
    if (machine && machine !== process.arch) {
      throw new OcelliError("engine", `${path} is built for ${machine}, this is ${process.arch}.`);
    }
    if (isElf && requiredSize(file, header) > size) {
      throw new OcelliError("engine", `${path} is truncated at ${size} bytes; install it again.`);
    }
  } finally {
    closeSync(file);
  }
}

function openLibrary(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
    throw new OcelliError("engine", `the plugin ${path} ${why}.`, { cause });
  }
}

function read(file: number, at: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  return bytes.subarray(0, readSync(file, bytes, 0, size, at));
}

/** The end of the last segment and of the section table. */
function requiredSize(file: number, header: Buffer): number {
  const sections = Number(header.readBigUInt64LE(40));
  let end = sections + header.readUInt16LE(58) * header.readUInt16LE(60);
  const segments = Number(header.readBigUInt64LE(32));
  const [entrySize, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  const table = read(file, segments, entrySize * count);
  if (table.length < entrySize * count) return segments + entrySize * count;
  for (let i = 0; i < count; i++) {
    const at = i * entrySize;
    const last = table.readBigUInt64LE(at + 8) + table.readBigUInt64LE(at + 32);
    end = Math.max(end, Number(last));
  }
  return end;
}
