/** @file Image files to pixels: the header first, then as much of the image as is wanted. */

import { OcelliError } from "../../errors.ts";
import {
  type Box,
  type ByteImage,
  checkBox,
  crop,
  makeImage,
  rgb,
} from "../../preprocess/image.ts";
import { type AlphaRule, COLOURS, isPlain, isTransparent, opaque } from "../../preprocess/alpha.ts";
import type { Wanted } from "../../preprocess/pipeline.ts";
import { readImageFile } from "../files/files.ts";
import { Ended, readApart } from "./apart.ts";
import { isUnbounded } from "./effort.ts";
import { refusal as refusedKind } from "./image-kind.ts";
import { mendJpeg } from "./mend-jpeg.ts";
import { type Jpeg, type Vips, openJpeg, openVips } from "./vips.ts";
import { type WholeOptions, readWhole, sizeRefusal } from "./whole.ts";

/** What {@link decodeImage} may decode less than all of. */
export interface DecodeOptions {
  /** What errors call the image. */
  readonly name?: string;
  /** Images with more pixels are refused by their header; default: what `pixelLimit` says of the file's size. */
  readonly maxPixels?: number;
  /** From the image's shape: the part that is wanted, and how many times smaller a JPEG may be decoded (1, 2, 4 or 8). */
  readonly want?: (shape: ByteImage["shape"]) => Pick<Wanted, "box" | "shrink">;
  /** What becomes of alpha. Default: transparent parts are laid on white. */
  readonly alpha?: AlphaRule;
  /** Hears what is worth a note about the picture. */
  readonly notice?: (kind: PictureKind) => void;
}

/** What a picture is that people should know of: some may have been lost in decoding. */
export interface PictureKind {
  /** The whole picture's, upright, whatever part of it is wanted. */
  readonly height: number;
  readonly width: number;
  /** As the file has them: grey 1, with alpha 2; colours 3, with alpha or of ink 4. */
  readonly channels: number;
  /** Whether a part of it is not opaque. */
  readonly transparent: boolean;
  /** Whether all of it is of one colour, once nothing is transparent. */
  readonly plain: boolean;
}

/**
 * An image file as red, green and blue, uint8 of [height, width, 3]: the first frame, turned upright as EXIF says,
 * transparent parts on white unless `alpha` says otherwise, 16-bit channels cut to 8, embedded colour profiles of RGB
 * left alone as Pillow and TensorFlow leave them; docs/preprocessing.md says what becomes of every kind.
 *
 * The format is known by the first bytes, and the header is checked before anything is decoded. Decoding ends after 30
 * seconds, and what may take long for its size is decoded in a process that is ended earlier. A JPEG decoded n times smaller is what libjpeg makes of the lower
 * frequencies, not the average of n × n pixels; `ocelli bench pipeline` measures how far apart the results are.
 *
 * @throws a data error that names the file and says why it cannot be decoded
 */
export const decodeImage = (file: Uint8Array, options: DecodeOptions = {}): Promise<ByteImage> =>
  decodeAnd(file, options, ({ shape, data }) => makeImage(shape, data.slice()));

let decoders: ReturnType<typeof openDecoders> | undefined;

async function openDecoders() {
  await import("sharp"); // whose library it is
  return { vips: await openVips() };
}

/** What `use` makes of an image file as {@link decodeImage} decodes it; the pixels' memory is gone when it returns. */
export async function decodeAnd<T>(
  file: Uint8Array,
  options: DecodeOptions,
  use: (image: ByteImage) => T,
): Promise<T> {
  const { name = "the image", want, maxPixels } = options;
  if (file.length === 0) throw undecodable(name, "it is empty");
  const refused = refusedKind(file);
  if (refused !== undefined) throw undecodable(name, refused);
  let wanted: Pick<Wanted, "box" | "shrink"> | undefined;
  const ask = (height: number, width: number) => {
    const refused = sizeRefusal(file, height, width, maxPixels);
    if (refused !== undefined) throw undecodable(name, refused);
    const shape = [height, width, 3] as const;
    wanted ??= want?.(shape) ?? { box: { y: 0, x: 0, height, width }, shrink: 1 };
    checkBox(shape, wanted.box);
    return wanted; // asked for once, as the answer may be random
  };
  const { alpha, notice } = options;
  const attempt: Attempt = { alpha, notice, maxPixels, ask };
  let failure: unknown;
  try {
    return await decodeStrictly(file, attempt, use);
  } catch (error) {
    if (!isJpeg(file) || !isWorthAnother(error)) throw refusal(name, error);
    failure = error;
  }
  const mended = mendJpeg(file);
  try {
    if (mended) return await decodeStrictly(mended, attempt, use);
  } catch (error) {
    if (!isWorthAnother(error)) throw refusal(name, error);
    failure = error;
  }
  // bytes between the last pixel and the end; libjpeg's first warning, so that all before them was read without one
  if (!/extraneous bytes before marker 0xd9/.test(reasonOf((failure as Undecoded).cause))) {
    throw refusal(name, failure);
  }
  return decodeBySharp(mended ?? file, { ...attempt, failOn: "error" }, use).catch((error) => {
    throw refusal(name, error);
  });
}

/** Options of one attempt to decode a file. */
interface Attempt extends Pick<DecodeOptions, "alpha" | "notice">, WholeOptions {
  readonly ask: (height: number, width: number) => Pick<Wanted, "box" | "shrink">;
}

/** What a decoder said of a file. */
class Undecoded extends Error {}

/** Whether another attempt may do better than one that failed with an error. */
const isWorthAnother = (error: unknown): boolean =>
  error instanceof Undecoded && !(error.cause instanceof Ended);

/** The error of a file that cannot be decoded; others are as they were. */
function refusal(name: string, error: unknown): unknown {
  return error instanceof Undecoded ? undecodable(name, reasonOf(error.cause), error.cause) : error;
}

/** Decodes a file of which its decoder has nothing to say. */
async function decodeStrictly<T>(
  file: Uint8Array,
  attempt: Attempt,
  use: (image: ByteImage) => T,
): Promise<T> {
  const { vips } = await (decoders ??= openDecoders());
  using jpeg = vips && isJpeg(file) && !isUnbounded(file) ? openJpeg(vips, file) : undefined;
  if (vips && jpeg?.orientation === 1 && jpeg.channels !== 4) {
    const { height, width } = jpeg;
    const { box, shrink } = attempt.ask(height, width);
    const made = readJpeg(jpeg, box, shrink, (part) => {
      if (attempt.notice) {
        const isWhole = box.height === height && box.width === width;
        const plain = isPlain(part) && (isWhole || isPlainJpeg(vips, file));
        attempt.notice({ height, width, channels: jpeg.channels, transparent: false, plain });
      }
      return { of: use(part) };
    });
    if (made) return made.of;
  }
  // what libvips did not decode above either needs more than decoding, or is broken and sharp says how
  return decodeBySharp(file, attempt, use);
}

/** Whether a JPEG is of one colour, by its averages of 8 × 8 pixels. */
function isPlainJpeg(vips: Vips, file: Uint8Array): boolean {
  using jpeg = openJpeg(vips, file);
  if (!jpeg) return false;
  const box = { y: 0, x: 0, height: jpeg.height, width: jpeg.width };
  return readJpeg(jpeg, box, 8, isPlain) ?? false;
}

async function decodeBySharp<T>(
  file: Uint8Array,
  { ask, alpha = COLOURS.white, notice, ...options }: Attempt,
  use: (image: ByteImage) => T,
): Promise<T> {
  const read = isUnbounded(file) ? readApart : readWhole;
  const { pixels, channels } = await read(file, options).catch((cause: unknown) => {
    throw new Undecoded("", { cause });
  });
  const [height, width] = pixels.shape;
  const { box } = ask(height, width);
  const image = opaque(pixels, alpha);
  notice?.({
    ...{ height, width, channels },
    ...{ transparent: isTransparent(pixels), plain: isPlain(image) },
  });
  return use(crop(image, box) as ByteImage);
}

/**
 * An image file of a path, as {@link decodeImage} gives it.
 *
 * @throws a data error that names the file when it cannot be read or decoded
 */
export async function decodeImageFile(
  path: string,
  options: Omit<DecodeOptions, "name"> = {},
): Promise<ByteImage> {
  const file = await readImageFile(path).catch((cause: Error) => {
    throw undecodable(path, cause.message.replace(`cannot read ${path}: `, ""), cause);
  });
  return decodeImage(file, { ...options, name: path });
}

const isJpeg = (file: Uint8Array): boolean => file[0] === 0xff && file[1] === 0xd8;

function readJpeg<T>(
  jpeg: Jpeg,
  box: Box,
  shrink: number,
  use: (part: ByteImage) => T,
): T | undefined {
  const smaller = (from: number, length: number, limit: number): [number, number] => {
    const begin = Math.floor(from / shrink);
    // libvips leaves a part of a pixel at the right and at the bottom out
    const end = Math.min(Math.ceil((from + length) / shrink), Math.floor(limit / shrink));
    return [begin, end - begin];
  };
  const [y, height] = smaller(box.y, box.height, jpeg.height);
  const [x, width] = smaller(box.x, box.width, jpeg.width);
  return jpeg.read({ y, x, height, width }, shrink, (pixels) =>
    use(rgb(makeImage([height, width, jpeg.channels], pixels)) as ByteImage),
  );
}

/** What the decoders say of a file that ends too early, or whose inside is damaged. */
const DAMAGED = /libpng read error|premature end|unexpected end|truncated|corrupt/i;

function reasonOf(cause: unknown): string {
  const [first] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  const said = first.replace(/^Input (buffer|file) /, "it ");
  return DAMAGED.test(said) ? `it is cut off or damaged (${said.replace(/\.$/, "")})` : said;
}

const undecodable = (name: string, reason: string, cause?: unknown): OcelliError =>
  new OcelliError("data", `${name} cannot be decoded: ${reason.replace(/\.$/, "")}.`, { cause });
