/**
 * @file Maps of numbers as PNG files: the indices of a palette, or grey values, as they are stored.
 *
 * @see https://www.w3.org/TR/png-3/
 */

import { zlibSync } from "fflate";
import { type HostArray, hostArray } from "../graph/dtype.ts";
import { LIMITS, pixelLimit } from "./budget.ts";
import { concatBytes, formatError, guard, viewOf } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { inflateExactly } from "./inflate.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Kinds of colours. */
const [GREY, PALETTE] = [0, 3];
const KINDS: Readonly<Record<number, string>> = {
  2: "of red, green and blue",
  4: "of grey with alpha",
  6: "of red, green and blue with alpha",
};

/** What the header says. */
interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a value. */
  readonly depth: number;
  readonly interlaced: boolean;
}

/**
 * The numbers of a PNG file with a palette (its indices) or of grey values, [height, width]: uint8, or int32 of 16 bits.
 * No colour is looked up and no value is scaled.
 *
 * @throws a format error where it is damaged, or has colours in place of numbers
 */
export const readPngMap = (bytes: Uint8Array, what: string): HostArray =>
  guard(what, () => {
    const chunks = [...readChunks(bytes, what)];
    if (chunks[0]?.name !== "IHDR" || chunks[0].data.length !== 13) {
      throw formatError(`${what} is damaged: it has no header.`);
    }
    const header = readHeader(chunks[0].data, bytes.length, what);
    const { width, height, depth, interlaced } = header;
    const packed = concatBytes(chunks.flatMap(({ name, data }) => (name === "IDAT" ? [data] : [])));
    if (packed.length < 6 || (packed[0] & 15) !== 8 || packed[1] & 32) {
      throw formatError(`${what} is damaged: it holds no pixels.`);
    }
    const passes = interlaced ? ADAM7.map((pass) => passOf(pass, header)) : [WHOLE(header)];
    const lengths = passes.map(({ rows, columns }) =>
      columns > 0 ? rows * (1 + Math.ceil((columns * depth) / 8)) : 0,
    );
    const size = lengths.reduce((sum, length) => sum + length, 0);
    const data = inflateExactly(packed.subarray(2, -4), size, what);
    const values = depth === 16 ? new Int32Array(width * height) : new Uint8Array(width * height);
    let at = 0;
    passes.forEach((pass, i) => {
      unpack(data.subarray(at, at + lengths[i]), pass, header, values, what);
      at += lengths[i];
    });
    return hostArray([height, width], depth === 16 ? "int32" : "uint8", values);
  });

/** Chunks by name, checksums verified. */
function* readChunks(bytes: Uint8Array, what: string) {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte))
    throw formatError(`${what} is no PNG file.`);
  const view = viewOf(bytes);
  for (let at = 8; at < bytes.length;) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw formatError(`${what} is truncated.`);
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) {
      throw formatError(`${what} is damaged: a checksum does not match.`);
    }
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { name, data: bytes.subarray(at + 8, end) };
    if (name === "IEND") return;
    at = end + 4;
  }
  throw formatError(`${what} is truncated.`);
}

function readHeader(data: Uint8Array, fileBytes: number, what: string): Header {
  const view = viewOf(data);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, kind, , , interlace] = data.subarray(8);
  if (kind !== GREY && kind !== PALETTE) {
    const found = KINDS[kind] ?? `of the unknown kind ${kind}`;
    throw formatError(
      `${what} is ${found}, where a map of numbers is a PNG file of grey values or with a palette.`,
    );
  }
  const isDepth = [1, 2, 4, 8, ...(kind === GREY ? [16] : [])].includes(depth);
  if (!isDepth || interlace > 1 || width === 0 || height === 0) {
    throw formatError(`${what} is damaged: its header is impossible.`);
  }
  const most = pixelLimit(fileBytes);
  if (width > LIMITS.side || height > LIMITS.side || width * height > most) {
    throw formatError(`${what} has ${width}×${height} pixels, more than its size allows.`);
  }
  return { width, height, depth, interlaced: interlace === 1 };
}

/** Pixels of a pass: those at `y + dy · row`, `x + dx · column`. */
interface Pass {
  readonly y: number;
  readonly x: number;
  readonly dy: number;
  readonly dx: number;
  readonly rows: number;
  readonly columns: number;
}

const WHOLE = ({ width, height }: Header): Pass => ({
  ...{ y: 0, x: 0, dy: 1, dx: 1, rows: height, columns: width },
});

/** Where the passes of an interlaced file begin, and their steps: y, x, dy, dx. */
const ADAM7 = [
  [0, 0, 8, 8],
  [0, 4, 8, 8],
  [4, 0, 8, 4],
  [0, 2, 4, 4],
  [2, 0, 4, 2],
  [0, 1, 2, 2],
  [1, 0, 2, 1],
] as const;

const passOf = ([y, x, dy, dx]: (typeof ADAM7)[number], { width, height }: Header): Pass => ({
  ...{ y, x, dy, dx },
  rows: Math.max(0, Math.ceil((height - y) / dy)),
  columns: Math.max(0, Math.ceil((width - x) / dx)),
});

/** Puts the values of a pass in their places, its filters undone. */
function unpack(
  data: Uint8Array,
  { y, x, dy, dx, rows, columns }: Pass,
  { width, depth }: Header,
  values: Uint8Array | Int32Array,
  what: string,
): void {
  if (columns === 0) return;
  const length = Math.ceil((columns * depth) / 8);
  const step = depth === 16 ? 2 : 1;
  let above = new Uint8Array(length);
  for (let row = 0; row < rows; row++) {
    const begin = row * (length + 1);
    const line = data.subarray(begin + 1, begin + 1 + length);
    undoFilter(data[begin], line, above, step, what);
    const to = (y + row * dy) * width + x;
    for (let column = 0; column < columns; column++) {
      values[to + column * dx] = valueAt(line, column, depth);
    }
    above = line as Uint8Array<ArrayBuffer>;
  }
}

function valueAt(line: Uint8Array, column: number, depth: number): number {
  if (depth === 8) return line[column];
  if (depth === 16) return line[2 * column] * 256 + line[2 * column + 1];
  const bit = column * depth;
  return (line[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

function undoFilter(
  filter: number,
  line: Uint8Array,
  above: Uint8Array,
  step: number,
  what: string,
): void {
  if (filter > 4) throw formatError(`${what} is damaged: it has no filter ${filter}.`);
  for (let i = 0; i < line.length && filter > 0; i++) {
    const left = i >= step ? line[i - step] : 0;
    const up = above[i];
    if (filter === 1) line[i] += left;
    else if (filter === 2) line[i] += up;
    else if (filter === 3) line[i] += (left + up) >> 1;
    else line[i] += nearestOf(left, up, i >= step ? above[i - step] : 0);
  }
}

/** Paeth's predictor: whichever of the three is nearest to left + up − corner. */
function nearestOf(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/**
 * A map [height, width] of numbers below 256 as a PNG file with a palette: viewers show its colours, and
 * {@link readPngMap} gives its numbers.
 *
 * @param colours red, green and blue of each number
 */
export function writePngMap(
  { shape: [height, width], data }: HostArray,
  colours: readonly (readonly number[])[],
): Uint8Array {
  const lines = new Uint8Array(height * (width + 1)); // a filter of 0 before each line
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) lines[y * (width + 1) + 1 + x] = Number(data[y * width + x]);
  }
  const header = new Uint8Array(13);
  viewOf(header).setUint32(0, width);
  viewOf(header).setUint32(4, height);
  header.set([8, PALETTE], 8);
  return concatBytes([
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("PLTE", Uint8Array.from(colours.flat())),
    chunk("IDAT", zlibSync(lines)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 12);
  const view = viewOf(out);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(name), 4);
  out.set(data, 8);
  view.setUint32(data.length + 8, crc32(out.subarray(4, data.length + 8)));
  return out;
}
