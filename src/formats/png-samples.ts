/**
 * @file The chunks of a PNG file and the samples in them, as they are stored.
 *
 * @see https://www.w3.org/TR/png-3/
 */

import { LIMITS, pixelLimit } from "./budget.ts";
import { concatBytes, formatError, viewOf } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { inflateExactly } from "./inflate.ts";

export const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Kinds of colours, by the number that a header has for them. */
export const PNG_KINDS = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgbAlpha: 6 } as const;

/** Samples of a pixel and bits that a sample may have, by kind. */
const KINDS: Readonly<Record<number, { readonly samples: number; readonly depths: number[] }>> = {
  [PNG_KINDS.grey]: { samples: 1, depths: [1, 2, 4, 8, 16] },
  [PNG_KINDS.rgb]: { samples: 3, depths: [8, 16] },
  [PNG_KINDS.palette]: { samples: 1, depths: [1, 2, 4, 8] },
  [PNG_KINDS.greyAlpha]: { samples: 2, depths: [8, 16] },
  [PNG_KINDS.rgbAlpha]: { samples: 4, depths: [8, 16] },
};

/** What the header says. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  /** One of {@link PNG_KINDS}. */
  readonly kind: number;
  /** Samples of a pixel. */
  readonly samples: number;
  readonly interlaced: boolean;
}

/** A file whose checksums are right; its samples are still packed. */
export interface PngFile {
  readonly header: PngHeader;
  /** The first chunk of a name. */
  chunk(name: string): Uint8Array | undefined;
  /** The samples, [height, width, samples] in one piece: 8 bits each, or 16. */
  unpack(): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
}

/** Opens a file's bytes; `what` names it in errors. */
export function openPng(bytes: Uint8Array, what: string): PngFile {
  const chunks = [...readChunks(bytes, what)];
  if (chunks[0]?.name !== "IHDR" || chunks[0].data.length !== 13) {
    throw formatError(`${what} is damaged: it has no header.`);
  }
  const header = readHeader(chunks[0].data, bytes.length, what);
  return {
    header,
    chunk: (name) => chunks.find((chunk) => chunk.name === name)?.data,
    unpack() {
      const packed = chunks.flatMap(({ name, data }) => (name === "IDAT" ? [data] : []));
      return unpackAll(concatBytes(packed), header, what);
    },
  };
}

/** Chunks by name, checksums verified. */
function* readChunks(bytes: Uint8Array, what: string) {
  if (!PNG_SIGNATURE.every((byte, i) => bytes[i] === byte))
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

function readHeader(data: Uint8Array, fileBytes: number, what: string): PngHeader {
  const view = viewOf(data);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, kind, , , interlace] = data.subarray(8);
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (!known) throw formatError(`${what} is of the unknown kind ${kind}.`);
  if (!known.depths.includes(depth) || interlace > 1 || width === 0 || height === 0) {
    throw formatError(`${what} is damaged: its header is impossible.`);
  }
  const most = pixelLimit(fileBytes);
  if (width > LIMITS.side || height > LIMITS.side || width * height > most) {
    throw formatError(`${what} has ${width}×${height} pixels, more than its size allows.`);
  }
  return { width, height, depth, kind, samples: known.samples, interlaced: interlace === 1 };
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

const WHOLE = ({ width, height }: PngHeader): Pass => ({
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

const passOf = ([y, x, dy, dx]: (typeof ADAM7)[number], { width, height }: PngHeader): Pass => ({
  ...{ y, x, dy, dx },
  rows: Math.max(0, Math.ceil((height - y) / dy)),
  columns: Math.max(0, Math.ceil((width - x) / dx)),
});

/** Bytes of a line of some pixels. */
const lineLength = (columns: number, { depth, samples }: PngHeader): number =>
  Math.ceil((columns * samples * depth) / 8);

function unpackAll(packed: Uint8Array, header: PngHeader, what: string) {
  if (packed.length < 6 || (packed[0] & 15) !== 8 || packed[1] & 32) {
    throw formatError(`${what} is damaged: it holds no pixels.`);
  }
  const { width, height, depth, samples, interlaced } = header;
  const passes = interlaced ? ADAM7.map((pass) => passOf(pass, header)) : [WHOLE(header)];
  const lengths = passes.map(({ rows, columns }) =>
    columns > 0 ? rows * (1 + lineLength(columns, header)) : 0,
  );
  const size = lengths.reduce((sum, length) => sum + length, 0);
  const data = inflateExactly(packed.subarray(2, -4), size, what);
  const count = width * height * samples;
  const values = depth === 16 ? new Uint16Array(count) : new Uint8Array(count);
  let at = 0;
  passes.forEach((pass, i) => {
    unpackPass(data.subarray(at, at + lengths[i]), pass, header, values, what);
    at += lengths[i];
  });
  return values;
}

/** Puts the samples of a pass in their places, its filters undone. */
function unpackPass(
  data: Uint8Array,
  { y, x, dy, dx, rows, columns }: Pass,
  header: PngHeader,
  values: Uint8Array | Uint16Array,
  what: string,
): void {
  if (columns === 0) return;
  const { width, depth, samples } = header;
  const length = lineLength(columns, header);
  const step = Math.max(1, (depth * samples) / 8);
  let above = new Uint8Array(length);
  for (let row = 0; row < rows; row++) {
    const begin = row * (length + 1);
    const line = data.subarray(begin + 1, begin + 1 + length);
    undoFilter(data[begin], line, above, step, what);
    const to = ((y + row * dy) * width + x) * samples;
    for (let column = 0; column < columns; column++) {
      for (let c = 0; c < samples; c++) {
        values[to + column * dx * samples + c] = valueAt(line, column * samples + c, depth);
      }
    }
    above = line as Uint8Array<ArrayBuffer>;
  }
}

function valueAt(line: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return line[index];
  if (depth === 16) return line[2 * index] * 256 + line[2 * index + 1];
  const bit = index * depth;
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
