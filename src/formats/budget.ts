/**
 * @file What reading a file may cost, in one place: bytes unpacked, items made, the length of names, depth, pixels and
 * time. Everything is checked before room is made for it, so that a small file cannot take much memory or time.
 *
 * Limits grow with the file where honest files do: a file may unpack to 64 MiB, and to 16 times its own size beyond.
 */

import { formatError, guard } from "./bytes.ts";

/** The limits that parsers share. */
export const LIMITS = {
  /** Bytes of a name: of an array, a class, a label, a member of an archive. */
  name: 1024,
  /** Bytes of a path or an address in a table or an archive. */
  path: 4096,
  /** Containers in containers, in JSON and in pickles. */
  depth: 64,
  /** Values and containers of a JSON text. */
  jsonItems: 1 << 21,
  /** Characters of a row of CSV, and of a line of JSON, which may hold outlines beside a label. */
  row: 1 << 20,
  jsonLine: 1 << 22,
  /** Columns of a table. */
  columns: 1 << 14,
  /** Files of a zip archive. */
  members: 1 << 17,
  /** Values of one feature of a tf.Example that is read, such as a list of labels. */
  values: 1 << 16,
  /** Bytes of one image file, and of one record that holds one. */
  imageBytes: 2 ** 28,
  /** Bytes of a file that is read whole. */
  fileBytes: 2 ** 31 - 1,
  /** Bytes of a JSON file beside weights. */
  jsonBytes: 1 << 25,
  /** Pixels along a side of an image: as many as JPEG has. */
  side: 65_535,
  /** Pixels of an image that preprocessing makes. */
  madePixels: 2 ** 25,
  /** Seconds that the decoding of one image may take. */
  decodeSeconds: 30,
  /** Seconds of processor time that it may take where it can be ended: for the header, and for a million pixels more. */
  decodeCpu: { base: 1, perMegapixel: 0.1 },
} as const;

/** Bytes that any file may unpack to, and how many more for each of its own. */
const UNPACKED = { base: 2 ** 26, growth: 16 };
/** Pixels of any image, how many more for each byte of its file, and the most of all. */
const PIXELS = { base: 40_000_000, growth: 16, most: 200_000_000 };

/** How much memory a decoder takes for a pixel: by rows, by whole frames, or as libjpeg does; `tests/hostile` measures it. */
export type DecodingCost = 2 | 4;

/** The most bytes that a file of some bytes may unpack to: 64 MiB, and 16 for each of its own. */
export const unpackLimit = (packed: number): number => UNPACKED.base + UNPACKED.growth * packed;

/**
 * The most pixels of an image in a file of some bytes: 40 million divided by the decoder's cost, 16 more for each byte,
 * at most 200 million. A photo of 24 million pixels has several megabytes.
 */
export const pixelLimit = (bytes: number, cost: DecodingCost = 2): number =>
  Math.min(PIXELS.most, PIXELS.base / cost + PIXELS.growth * bytes);

/** What is left to be spent on one file, or on all files of a data set. */
export class Budget {
  readonly #what: string;
  readonly #left: { bytes: number; items: number };
  readonly #within: Budget | undefined;

  /**
   * @param what names the file in errors
   * @param within what this is a part of: the budget of all files together
   */
  constructor(
    what: string,
    { bytes = Infinity, items = Infinity }: { readonly bytes?: number; readonly items?: number },
    within?: Budget,
  ) {
    this.#what = what;
    this.#left = { bytes, items };
    this.#within = within;
  }

  /** Bytes that are left. */
  get bytes(): number {
    return Math.min(this.#left.bytes, this.#within?.bytes ?? Infinity);
  }

  /** Adds bytes, as another file joins the data set. */
  allow(bytes: number): void {
    this.#left.bytes += bytes;
  }

  /** Takes bytes before they are unpacked; a format error where too few are left. */
  takeBytes(count: number): void {
    if (!(count >= 0 && count <= this.#left.bytes)) {
      throw formatError(
        `${this.#what} unpacks to more than its size allows: 64 MiB, and 16 times the file.`,
      );
    }
    this.#left.bytes -= count;
    this.#within?.takeBytes(count);
  }

  /** Takes items before they are made; a format error where too few are left. */
  takeItems(count: number): void {
    this.#left.items -= count;
    if (!(this.#left.items >= 0)) throw formatError(`${this.#what} holds too many values.`);
    this.#within?.takeItems(count);
  }
}

const encoder = new TextEncoder();

/** Whether a text's UTF-8 is longer than some bytes. */
const isLonger = (text: string, bytes: number): boolean =>
  text.length > bytes || (3 * text.length > bytes && encoder.encode(text).length > bytes);

/** Whether a text is short enough to be a name. */
export const isName = (text: string): boolean => !isLonger(text, LIMITS.name);

/** The name, which must be at most {@link LIMITS.name} bytes long, or `most`. */
export function checkName(name: string, what: string, most: number = LIMITS.name): string {
  if (!isLonger(name, most)) return name;
  throw formatError(`${what}: a name is longer than ${most} bytes: "${name.slice(0, 40)}…".`);
}

/** The value of a JSON text, its depth and its number of items checked before it is built. */
export function parseJson(
  text: string,
  what: string,
  {
    depth: mostDepth = LIMITS.depth,
    items: mostItems = LIMITS.jsonItems,
  }: { readonly depth?: number; readonly items?: number } = {},
): unknown {
  let depth = 0;
  let items = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      do at = text.indexOf('"', at + 1);
      while (at >= 0 && isEscaped(text, at));
      if (at < 0) break; // not closed: JSON.parse says so
    } else if (code === BRACKET || code === BRACE) {
      if (++depth > mostDepth) throw formatError(`${what}: its JSON is nested too deeply.`);
      items++;
    } else if (code === CLOSED_BRACKET || code === CLOSED_BRACE) depth--;
    else if (code === COMMA) items++;
    if (items > mostItems) throw formatError(`${what}: its JSON holds too many values.`);
  }
  return guard(what, () => JSON.parse(text) as unknown);
}

const [QUOTE, COMMA] = [0x22, 0x2c];
const [BRACKET, CLOSED_BRACKET, BRACE, CLOSED_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === "\\") before--;
  return (at - before) % 2 === 0;
}
