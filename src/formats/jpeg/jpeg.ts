/**
 * @file JPEG files to pixels, with the values of libjpeg: sequential and progressive files of 8 bits, of grey, colours or
 * inks. It serves where there is no native decoder, such as a browser, whose own may give other values.
 *
 * @see ITU-T T.81 (ISO/IEC 10918-1); https://libjpeg-turbo.org (the choices that the standard leaves open)
 */

import { type HostArray, hostArray } from "../../graph/dtype.ts";
import { LIMITS, pixelLimit } from "../budget.ts";
import { formatError, guard } from "../bytes.ts";
import { orientationIn } from "../exif.ts";
import { type ColourNotes, channelsOf } from "./colour.ts";
import { type Component, type Frame, type Tables, ZIGZAG } from "./frame.ts";
import { makeCodeTable } from "./huffman.ts";
import { samplesOf } from "./samples.ts";
import { type ScanHeader, decodeScan } from "./scan.ts";
import { upsample } from "./upsample.ts";

/** A decoded file. */
export interface JpegPicture {
  /** uint8 [height, width, channels]: grey, red, green and blue, or cyan, magenta, yellow and black as amounts of ink. */
  readonly pixels: HostArray;
  /** How it is to be turned: EXIF's 1 to 8. */
  readonly orientation: number;
  /** Whether it has a colour profile. */
  readonly profile: boolean;
}

const [START, END, SCAN, TABLES, CODES, RESTARTS] = [0xd8, 0xd9, 0xda, 0xdb, 0xc4, 0xdd];
const [JFIF, EXIF, PROFILE, ADOBE] = [0xe0, 0xe1, 0xe2, 0xee];
/**
 * What a file may make the decoder do, counted in blocks that a scan passes over: 64 times those of the picture, and
 * 8 million, which take well below a second. The usual progressive file passes over each of its blocks 4 times.
 */
const WORK = { base: 1 << 23, growth: 64 };
/** What a scan and a table of codes cost beside. */
const COSTS = { scan: 100, table: 1000 };

/** Frames that are decoded: baseline, extended, progressive. */
const FRAMES = [0xc0, 0xc1, 0xc2];
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![CODES, 0xc8, 0xcc].includes(marker);

/**
 * A JPEG's pixels. Stray bytes between segments are passed over.
 *
 * @param what names the file in errors
 * @throws a format error where it is damaged, truncated, too large, or of a kind that is not decoded
 */
export const readJpeg = (bytes: Uint8Array, what: string): JpegPicture =>
  guard(what, () => {
    if (bytes[0] !== 0xff || bytes[1] !== START) throw formatError(`${what} is no JPEG file.`);
    const tables: Tables = { dc: [], ac: [], quantisation: [], restartInterval: 0 };
    const colour: { -readonly [key in keyof ColourNotes]: ColourNotes[key] } = {
      jfif: false,
      adobe: undefined,
    };
    let [orientation, profile] = [1, false];
    let frame: Frame | undefined;
    /** Scanned components, with the table of quantisation that stood when their first scan began. */
    const scanned = new Map<Component, Uint16Array>();
    let left: number = WORK.base;
    const spend = (cost: number): void => {
      left -= cost;
      if (left < 0) throw formatError(`${what} has more scans and tables than its size explains.`);
    };
    for (let at = 2; ;) {
      at = nextMarker(bytes, at, what);
      const marker = bytes[at + 1];
      at += 2;
      if (marker === END) break;
      if ((marker >= 0xd0 && marker <= 0xd7) || marker === 1) continue; // stands alone
      const length = (bytes[at] << 8) | bytes[at + 1];
      if (!(length >= 2) || at + length > bytes.length) throw formatError(`${what} is truncated.`);
      const segment = bytes.subarray(at + 2, at + length);
      at += length;
      if (marker === TABLES) readQuantisation(segment, tables, what);
      else if (marker === CODES) readCodes(segment, tables, spend, what);
      else if (marker === RESTARTS) tables.restartInterval = (segment[0] << 8) | segment[1];
      else if (marker === JFIF) colour.jfif ||= text(segment, 5) === "JFIF\0";
      else if (marker === ADOBE && text(segment, 5) === "Adobe") colour.adobe = segment[11];
      else if (marker === EXIF && text(segment, 6) === "Exif\0\0") {
        orientation = orientationIn(segment.subarray(6));
      } else if (marker === PROFILE) profile ||= text(segment, 12) === "ICC_PROFILE\0";
      else if (isFrame(marker)) {
        if (frame) throw formatError(`${what} is damaged: it has two frames.`);
        frame = readFrame(marker, segment, bytes.length, what);
        left += WORK.growth * frame.components.reduce((sum, one) => sum + blocksOf(one), 0);
      } else if (marker === SCAN) {
        if (!frame) throw formatError(`${what} is damaged: a scan has no frame.`);
        const header = readScan(segment, frame, what);
        for (const { component } of header.parts) {
          spend(COSTS.scan + blocksOf(component));
          const table = scanned.get(component) ?? tables.quantisation[component.quantisation];
          if (!table) throw formatError(`${what} is damaged: a table of quantisation is missing.`);
          scanned.set(component, table);
        }
        at = decodeScan(bytes, at, header, frame, tables, what);
        if (!frame.progressive && scanned.size === frame.components.length) break;
      }
    }
    if (!frame || scanned.size < frame.components.length) {
      throw formatError(`${what} is damaged: it lacks a part of its pixels.`);
    }
    const known = frame;
    const planes = known.components.map((component) =>
      upsample(samplesOf(component, scanned.get(component)!), component, known, what),
    );
    const shape = [known.height, known.width, planes.length];
    const pixels = hostArray(shape, "uint8", channelsOf(planes, known, colour));
    return { pixels, orientation, profile };
  });

const blocksOf = ({ coefficients }: Component): number => coefficients.length / 64;

const text = (segment: Uint8Array, length: number): string =>
  String.fromCharCode(...segment.subarray(0, length));

/** Where the next marker begins; its first byte may be repeated. */
function nextMarker(bytes: Uint8Array, from: number, what: string): number {
  for (let at = from; at + 1 < bytes.length; at++) {
    if (bytes[at] === 0xff && bytes[at + 1] !== 0xff && bytes[at + 1] !== 0) return at;
  }
  throw formatError(`${what} is truncated.`);
}

function readQuantisation(segment: Uint8Array, { quantisation }: Tables, what: string): void {
  for (let at = 0; at < segment.length;) {
    const [wide, index] = [segment[at] >> 4, segment[at] & 15];
    at++;
    if (wide > 1 || index > 3 || at + 64 * (wide + 1) > segment.length) {
      throw formatError(`${what} is damaged: a table of quantisation is impossible.`);
    }
    const table = new Uint16Array(64);
    for (let k = 0; k < 64; k++) {
      table[ZIGZAG[k]] = wide
        ? (segment[at + 2 * k] << 8) | segment[at + 2 * k + 1]
        : segment[at + k];
    }
    quantisation[index] = table;
    at += 64 * (wide + 1);
  }
}

function readCodes(
  segment: Uint8Array,
  { dc, ac }: Tables,
  spend: (cost: number) => void,
  what: string,
): void {
  for (let at = 0; at < segment.length;) {
    spend(COSTS.table);
    const [kind, index] = [segment[at] >> 4, segment[at] & 15];
    const counts = segment.subarray(at + 1, at + 17);
    const count = counts.reduce((sum, one) => sum + one, 0);
    const end = at + 17 + count;
    if (kind > 1 || index > 3 || end > segment.length) {
      throw formatError(`${what} is damaged: a table of codes is impossible.`);
    }
    (kind === 0 ? dc : ac)[index] = makeCodeTable(counts, segment.subarray(at + 17, end), what);
    at = end;
  }
}

function readFrame(marker: number, segment: Uint8Array, fileBytes: number, what: string): Frame {
  if (!FRAMES.includes(marker) || segment[0] !== 8) {
    const kind = FRAMES.includes(marker) ? `of ${segment[0]} bits` : "lossless or arithmetic";
    throw formatError(
      `${what} is a JPEG that is ${kind}; Huffman-coded ones of 8 bits are decoded.`,
    );
  }
  const height = (segment[1] << 8) | segment[2];
  const width = (segment[3] << 8) | segment[4];
  const count = segment[5];
  if (height === 0 || width === 0 || ![1, 3, 4].includes(count) || segment.length < 6 + 3 * count) {
    throw formatError(`${what} is damaged: its header is impossible.`);
  }
  if (Math.max(width, height) > LIMITS.side || width * height > pixelLimit(fileBytes, 4)) {
    throw formatError(`${what} has ${width} × ${height} pixels, more than its size allows.`);
  }
  const factors = Array.from({ length: count }, (_, i) => {
    const [id, hv, quantisation] = segment.subarray(6 + 3 * i, 9 + 3 * i);
    return { id, h: hv >> 4, v: hv & 15, quantisation };
  });
  if (factors.some(({ h, v }) => h < 1 || h > 4 || v < 1 || v > 4)) {
    throw formatError(`${what} is damaged: its sampling factors are impossible.`);
  }
  const h = Math.max(...factors.map((one) => one.h));
  const v = Math.max(...factors.map((one) => one.v));
  const components = factors.map((one): Component => {
    const own = { width: Math.ceil((width * one.h) / h), height: Math.ceil((height * one.v) / v) };
    const stride = Math.ceil(width / (8 * h)) * one.h;
    const blocks = stride * Math.ceil(height / (8 * v)) * one.v;
    return {
      ...one,
      ...own,
      columns: Math.ceil(own.width / 8),
      rows: Math.ceil(own.height / 8),
      stride,
      coefficients: new Int16Array(blocks * 64),
    };
  });
  return { width, height, progressive: marker === 0xc2, components, h, v };
}

function readScan(segment: Uint8Array, frame: Frame, what: string): ScanHeader {
  const count = segment[0];
  if (segment.length < 4 + 2 * count)
    throw formatError(`${what} is damaged: a scan has no header.`);
  const parts = Array.from({ length: count }, (_, i) => {
    const [id, chosen] = segment.subarray(1 + 2 * i, 3 + 2 * i);
    const component = frame.components.find((one) => one.id === id);
    if (!component) throw formatError(`${what} is damaged: a scan is of no component.`);
    return { component, dc: chosen >> 4, ac: chosen & 15 };
  });
  const [begin, end, bits] = segment.subarray(1 + 2 * count);
  const isWhole = !frame.progressive || (begin === 0 && end === 0);
  const isPossible = begin <= end && end < 64 && (isWhole || (begin > 0 && count === 1));
  if (count === 0 || !isPossible) throw formatError(`${what} is damaged: a scan is impossible.`);
  return { parts, begin, end, high: bits >> 4, low: bits & 15 };
}
