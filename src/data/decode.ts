/** @file Image files to pixels: the header first, then as much of the image as is wanted. */

import { OcelliError } from "../errors.ts";
import { LIMITS, pixelLimit } from "../formats/budget.ts";
import { type Box, type ByteImage, checkBox, crop, makeImage, rgb } from "../preprocess/image.ts";
import type { Wanted } from "../preprocess/pipeline.ts";
import { readImageFile } from "./files.ts";
import { decodingCost, refusal } from "./image-kind.ts";
import { createGate, within } from "./time-limit.ts";
import { type Jpeg, openJpeg, openVips } from "./vips.ts";

/** Images from this many pixels on are decoded one after the other, so that they do not take memory together. */
const LARGE = 8_000_000;
const largeOnes = createGate();

/** What {@link decodeImage} may decode less than all of. */
export interface DecodeOptions {
  /** What errors call the image. */
  readonly name?: string;
  /** Images with more pixels are refused by their header; default: what `pixelLimit` says of the file's size. */
  readonly maxPixels?: number;
  /** From the image's shape: the part that is wanted, and how many times smaller a JPEG may be decoded (1, 2, 4 or 8). */
  readonly want?: (shape: ByteImage["shape"]) => Pick<Wanted, "box" | "shrink">;
}

/**
 * An image file as red, green and blue, uint8 of [height, width, 3]: the first frame, turned upright as EXIF says,
 * transparent parts on black, 16-bit channels cut to 8, embedded colour profiles of RGB left alone as Pillow and
 * TensorFlow leave them.
 *
 * The format is known by the first bytes, and the header is checked before anything is decoded. Decoding ends after 30
 * seconds. A JPEG decoded n times smaller is what libjpeg makes of the lower
 * frequencies, not the average of n × n pixels; `ocelli bench pipeline` measures how far apart the results are.
 *
 * @throws a data error that names the file and says why it cannot be decoded
 */
export const decodeImage = (file: Uint8Array, options: DecodeOptions = {}): Promise<ByteImage> =>
  decodeAnd(file, options, ({ shape, data }) => makeImage(shape, data.slice()));

let decoders: ReturnType<typeof openDecoders> | undefined;

async function openDecoders() {
  const { default: sharp } = await import("sharp");
  return { sharp, vips: await openVips() };
}

/** What `use` makes of an image file as {@link decodeImage} decodes it; the pixels' memory is gone when it returns. */
export async function decodeAnd<T>(
  file: Uint8Array,
  {
    name = "the image",
    maxPixels = pixelLimit(file.length, decodingCost(file)),
    want,
  }: DecodeOptions,
  use: (image: ByteImage) => T,
): Promise<T> {
  if (file.length === 0) throw undecodable(name, "it is empty");
  const refused = refusal(file);
  if (refused !== undefined) throw undecodable(name, refused);
  const { sharp, vips } = await (decoders ??= openDecoders());
  using jpeg = vips && isJpeg(file) ? openJpeg(vips, file) : undefined;
  let wanted: Pick<Wanted, "box" | "shrink"> | undefined;
  const ask = (height: number, width: number) => {
    if (Math.max(height, width) > LIMITS.side) {
      const limit = `the longest side is ${LIMITS.side}`;
      throw undecodable(name, `it has ${width} × ${height} pixels; ${limit}`);
    }
    if (height * width > maxPixels) {
      const limit = `the limit for a file of its size is ${Math.floor(maxPixels / 1e6)} million pixels`;
      throw undecodable(name, `it has ${width} × ${height} pixels; ${limit}`);
    }
    const shape = [height, width, 3] as const;
    wanted ??= want?.(shape) ?? { box: { y: 0, x: 0, height, width }, shrink: 1 };
    checkBox(shape, wanted.box);
    return wanted; // asked for once, as the answer may be random
  };
  if (jpeg?.orientation === 1 && jpeg.channels !== 4) {
    const { box, shrink } = ask(jpeg.height, jpeg.width);
    const made = readJpeg(jpeg, box, shrink, (part) => ({ of: use(part) }));
    if (made) return made.of;
  }
  // what libvips did not decode above either needs more than decoding, or is broken and sharp says how
  const options = { limitInputPixels: false, failOn: "warning", pages: 1 } as const;
  let part: ByteImage;
  try {
    const header = await sharp(file, options).metadata();
    const { height, width } = header.autoOrient;
    const { box } = ask(height, width);
    const decode = () =>
      sharp(file, { ...options, ignoreIcc: header.space !== "cmyk" })
        .timeout({ seconds: LIMITS.decodeSeconds })
        .rotate()
        .flatten()
        .toColourspace("srgb")
        .raw()
        .toBuffer({ resolveWithObject: true });
    const limited = () => within(LIMITS.decodeSeconds, decode);
    const { data, info } = await (height * width < LARGE ? limited() : largeOnes(limited));
    // a Buffer's own slices would share its memory, which cannot be handed to other threads
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
    const image = rgb(makeImage([info.height, info.width, info.channels], bytes));
    part = crop(image, box) as ByteImage;
  } catch (cause) {
    if (cause instanceof OcelliError) throw cause;
    throw undecodable(name, reasonOf(cause), cause);
  }
  return use(part);
}

/**
 * An image file of a path, as {@link decodeImage} gives it.
 *
 * @throws a data error that names the file when it cannot be read or decoded
 */
export async function decodeImageFile(path: string): Promise<ByteImage> {
  const file = await readImageFile(path).catch((cause: Error) => {
    throw undecodable(path, cause.message.replace(`cannot read ${path}: `, ""), cause);
  });
  return decodeImage(file, { name: path });
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

function reasonOf(cause: unknown): string {
  const lines = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  return lines[0].replace(/^Input (buffer|file) /, "it ");
}

const undecodable = (name: string, reason: string, cause?: unknown): OcelliError =>
  new OcelliError("data", `${name} cannot be decoded: ${reason.replace(/\.$/, "")}.`, { cause });
