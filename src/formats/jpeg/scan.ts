/** @file One scan of a JPEG, sequential or progressive (ITU-T T.81, annexes F and G), into the coefficients of its frame. */

import { formatError } from "../bytes.ts";
import { type Component, type Frame, type Tables, ZIGZAG } from "./frame.ts";
import { BitReader, type CodeTable } from "./huffman.ts";

/** A scan's header. */
export interface ScanHeader {
  readonly parts: readonly {
    readonly component: Component;
    readonly dc: number;
    readonly ac: number;
  }[];
  /** The first and the last coefficient, along the zigzag. */
  readonly begin: number;
  readonly end: number;
  /** Bits that are still to come after the scan, and that were before it; 0 before the first. */
  readonly low: number;
  readonly high: number;
}

/** A component in a scan, with its code tables and its last DC coefficient. */
interface Part {
  readonly component: Component;
  readonly dc: CodeTable | undefined;
  readonly ac: CodeTable | undefined;
  /** The last DC coefficient. */
  predicted: number;
}

/** Decodes a scan whose data begin at `at`; where they end. */
export function decodeScan(
  bytes: Uint8Array,
  at: number,
  { parts: chosen, begin, end, low, high }: ScanHeader,
  frame: Frame,
  tables: Tables,
  what: string,
): number {
  const reader = new BitReader(bytes, at, what);
  const parts = chosen.map(({ component, dc, ac }): Part => ({
    component,
    dc: tables.dc[dc],
    ac: tables.ac[ac],
    predicted: 0,
  }));
  /** Blocks of a progressive scan that have no further coefficients. */
  let ended = 0;

  const missing = () => formatError(`${what} is damaged: a table of codes is missing.`);

  /** A coefficient that the file's tables can be right about has 16 bits. */
  const place = (data: Int16Array, block: number, k: number, value: number): void => {
    data[block + ZIGZAG[k]] = value;
  };

  function sequential(part: Part, block: number): void {
    const { coefficients: data } = part.component;
    if (!part.dc || !part.ac) throw missing();
    part.predicted += reader.signed(reader.code(part.dc) & 15);
    data[block] = part.predicted;
    for (let k = 1; k < 64; k++) {
      const code = reader.code(part.ac);
      const [run, size] = [code >> 4, code & 15];
      if (size === 0) {
        if (run !== 15) break;
        k += 15;
        continue;
      }
      k += run;
      if (k > 63) throw formatError(`${what} is damaged: a block has too many coefficients.`);
      place(data, block, k, reader.signed(size));
    }
  }

  function dcFirst(part: Part, block: number): void {
    if (!part.dc) throw missing();
    part.predicted += reader.signed(reader.code(part.dc) & 15);
    part.component.coefficients[block] = part.predicted << low;
  }

  function dcRefine(part: Part, block: number): void {
    if (reader.bits(1)) part.component.coefficients[block] |= 1 << low;
  }

  function acFirst(part: Part, block: number): void {
    if (ended > 0) {
      ended--;
      return;
    }
    if (!part.ac) throw missing();
    for (let k = begin; k <= end; k++) {
      const code = reader.code(part.ac);
      const [run, size] = [code >> 4, code & 15];
      if (size !== 0) {
        k += run;
        if (k > 63) throw formatError(`${what} is damaged: a block has too many coefficients.`);
        place(part.component.coefficients, block, k, reader.signed(size) << low);
      } else if (run === 15) k += 15;
      else {
        ended = (1 << run) + reader.bits(run) - 1;
        return;
      }
    }
  }

  /** One more bit of the coefficients that are not 0, and new ones of ±1 between them. */
  function acRefine(part: Part, block: number): void {
    const { coefficients: data } = part.component;
    const one = 1 << low;
    const refine = (at: number): void => {
      if (reader.bits(1) && (data[at] & one) === 0) data[at] += data[at] > 0 ? one : -one;
    };
    let k = begin;
    if (ended === 0) {
      if (!part.ac) throw missing();
      for (; k <= end; k++) {
        const code = reader.code(part.ac);
        const size = code & 15;
        let run = code >> 4;
        let value = 0;
        if (size !== 0) value = reader.bits(1) ? one : -one;
        else if (run !== 15) {
          ended = (1 << run) + reader.bits(run);
          break;
        }
        for (; k <= end; k++) {
          const at = block + ZIGZAG[k];
          if (data[at] !== 0) refine(at);
          else if (run-- === 0) break;
        }
        if (value !== 0 && k <= end) place(data, block, k, value);
      }
    }
    if (ended > 0) {
      for (; k <= end; k++) {
        const at = block + ZIGZAG[k];
        if (data[at] !== 0) refine(at);
      }
      ended--;
    }
  }

  const first = begin === 0 ? dcFirst : acFirst;
  const refine = begin === 0 ? dcRefine : acRefine;
  const decode = frame.progressive ? (high === 0 ? first : refine) : sequential;

  const unit = unitsOf(frame, parts);
  let left = tables.restartInterval || Infinity;
  for (let index = 0; index < unit.count; index++) {
    if (left === 0) {
      reader.restart();
      parts.forEach((part) => (part.predicted = 0));
      ended = 0;
      left = tables.restartInterval;
    }
    unit.blocks(index, decode);
    left--;
  }
  return reader.position;
}

/** The units of a scan: a block of one component, or the blocks of several that lie on each other. */
function unitsOf({ width, height, h, v }: Frame, parts: readonly Part[]) {
  type Visit = (part: Part, block: number) => void;
  if (parts.length === 1) {
    const [part] = parts;
    const { columns, rows, stride } = part.component;
    return {
      count: columns * rows,
      blocks: (index: number, visit: Visit) =>
        visit(part, (Math.floor(index / columns) * stride + (index % columns)) * 64),
    };
  }
  const across = Math.ceil(width / (8 * h));
  return {
    count: across * Math.ceil(height / (8 * v)),
    blocks(index: number, visit: Visit) {
      const [row, column] = [Math.floor(index / across), index % across];
      for (const part of parts) {
        const { component } = part;
        for (let y = 0; y < component.v; y++) {
          for (let x = 0; x < component.h; x++) {
            const block = (row * component.v + y) * component.stride + column * component.h + x;
            visit(part, block * 64);
          }
        }
      }
    },
  };
}
