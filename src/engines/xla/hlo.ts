/** @file What of an optimised program is worth showing: its collectives and its largest values. */

import { OcelliError } from "../../errors.ts";

/** One instruction of an optimised program. */
export interface Instruction {
  /** Such as "all-reduce" or "fusion". */
  readonly opcode: string;
  /** Extents of the result; of the first one where there are several. */
  readonly shape: readonly number[];
  /** Bytes of all results. */
  readonly bytes: number;
  /** The name scope that it comes from. */
  readonly scope: string;
}

/** Bytes of an element by XLA's PrimitiveType; others are not stored. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  1: 1, // bool
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 2,
  8: 4,
  9: 8,
  10: 2, // float16
  11: 4,
  12: 8,
  16: 2, // bfloat16
};

/** A field of a message: a number, or the bytes of text, lists and messages. */
type Field = readonly [number: number, value: number | Uint8Array];

function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= bytes.length) throw new OcelliError("format", "the optimised program is cut off.");
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    const field = Math.floor(tag / 8);
    if (wire === 0) yield [field, varint()];
    else if (wire === 2) {
      const length = varint();
      yield [field, bytes.subarray(at, (at += length))];
    } else at += wire === 1 ? 8 : 4;
  }
}

const decoder = new TextDecoder();
const isBytes = (value: number | Uint8Array): value is Uint8Array => typeof value !== "number";

/** ShapeProto. */
function readShape(bytes: Uint8Array): { shape: number[]; bytes: number } {
  let type = 0;
  let total = 0;
  let shape: number[] = [];
  let isTuple = false;
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 2 && !isBytes(value)) type = value;
    else if (field === 3 && isBytes(value)) shape.push(...packed(value));
    else if (field === 3 && !isBytes(value)) shape.push(value);
    else if (field === 4 && isBytes(value)) {
      const part = readShape(value);
      if (!isTuple) shape = part.shape;
      isTuple = true;
      total += part.bytes;
    }
  }
  if (isTuple) return { shape, bytes: total };
  return { shape, bytes: shape.reduce((a, b) => a * b, ELEMENT_BYTES[type] ?? 0) };
}

function packed(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) {
      values.push(value);
      value = 0;
      scale = 1;
    }
  }
  return values;
}

/** HloInstructionProto. */
function readInstruction(bytes: Uint8Array): Instruction {
  let opcode = "";
  let shape: { shape: number[]; bytes: number } = { shape: [], bytes: 0 };
  let scope = "";
  for (const [field, value] of fieldsOf(bytes)) {
    if (!isBytes(value)) continue;
    if (field === 2) opcode = decoder.decode(value);
    else if (field === 3) shape = readShape(value);
    else if (field === 7) {
      for (const [inner, name] of fieldsOf(value)) {
        if (inner === 2 && isBytes(name)) scope = decoder.decode(name);
      }
    }
  }
  return { opcode, ...shape, scope };
}

/** The instructions of an optimised program (HloModuleProto, maybe with its configuration around it). */
export function readInstructions({
  format,
  code,
}: {
  readonly format: string;
  readonly code: Uint8Array;
}): Instruction[] {
  let module = code;
  if (format === "hlo_with_config") {
    for (const [field, value] of fieldsOf(code)) if (field === 1 && isBytes(value)) module = value;
  } else if (format !== "hlo") {
    throw new OcelliError("unsupported", `this plugin gives optimised programs as "${format}".`);
  }
  const instructions: Instruction[] = [];
  for (const [field, computation] of fieldsOf(module)) {
    if (field !== 3 || !isBytes(computation)) continue;
    for (const [inner, value] of fieldsOf(computation)) {
      if (inner === 2 && isBytes(value)) instructions.push(readInstruction(value));
    }
  }
  return instructions;
}

const COLLECTIVES = [
  "all-reduce",
  "all-gather",
  "reduce-scatter",
  "all-to-all",
  "collective-permute",
] as const;

/** How often each collective stands in an optimised program; a started one counts, its end does not. */
export function countCollectives(instructions: readonly Instruction[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opcode } of instructions) {
    const name = COLLECTIVES.find((kind) => opcode === kind || opcode === `${kind}-start`);
    if (name) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Results that own no memory of their own. */
const VIEWS = new Set([
  "tuple",
  "get-tuple-element",
  "bitcast",
  "while",
  "parameter",
  "conditional",
]);

/** The largest values that an optimised program makes, as lines such as `64 MB float[…] of dot (scope)`. */
export function largestValues(instructions: readonly Instruction[], count = 3): string[] {
  return instructions
    .filter(({ opcode }) => !VIEWS.has(opcode))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, count)
    .map(({ opcode, shape, bytes, scope }) => {
      const where = scope ? ` in ${scope}` : "";
      return `${showBytes(bytes)} [${shape.join(",")}] of ${opcode}${where}`;
    });
}

/** Bytes for people. */
export const showBytes = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
