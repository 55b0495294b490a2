/** @file Image files to pixels: the header first, then as much of the image as is wanted. */

import { OcelliError } from "../errors.ts";
import { readRegular } from "../files.ts";
import { type Box, type ByteImage, checkBox, crop, makeImage, rgb } from "../preprocess/image.ts";
import type { Wanted } from "../preprocess/pipeline.ts";
import { type Jpeg, openJpeg, openVips } from "./vips.ts";

/** The largest image decoded, in pixels: what 600 MB of RGB hold. */
const MAX_PIXELS = 200_000_000;

/** What {@link decodeImage} may decode less than all of. */
export interface DecodeOptions {
  /** What errors call the image. */
  readonly name?: string;
  /** Images with more pixels are refused by their header; 200 million unless given. */
  readonly maxPixels?: number;
  /** From the image's shape: the part that is wanted, and how many times smaller a JPEG may be decoded (1, 2, 4 or 8). */
  readonly want?: (shape: ByteImage["shape"]) => Pick<Wanted, "box" | "shrink">;
}

/**
 * An image file as red, green and blue, uint8 of [height, width, 3]: the first frame, turned upright as EXIF says,
 * transparent parts on black, 16-bit channels cut to 8, embedded colour profiles of RGB left alone as Pillow and
 * TensorFlow leave them.
 *
 * The header is checked before anything is decoded. A JPEG decoded n times smaller is what libjpeg makes of the lower
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
  { name = "the image", maxPixels = MAX_PIXELS, want }: DecodeOptions,
  use: (image: ByteImage) => T,
): Promise<T> {
  if (file.length === 0) throw undecodable(name, "it is empty");
  const { sharp, vips } = await (decoders ??= openDecoders());
  using jpeg = vips && isJpeg(file) ? openJpeg(vips, file) : undefined;
  let wanted: Pick<Wanted, "box" | "shrink"> | undefined;
  const ask = (height: number, width: number) => {
    if (height * width > maxPixels) {
      const limit = `the limit is ${maxPixels / 1e6} million pixels`;
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
    const { box } = ask(header.autoOrient.height, header.autoOrient.width);
    const { data, info } = await sharp(file, { ...options, ignoreIcc: header.space !== "cmyk" })
      .rotate()
      .flatten()
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
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
  let file: Uint8Array;
  try {
    file = await readRegular(path);
  } catch (cause) {
    throw undecodable(path, reasonOf(cause), cause);
  }
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
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  const lines = (cause instanceof Error ? message : String(cause)).split("\n");
  return lines[0].replace(/^Input (buffer|file) /, "it ").replace(/\.$/, "");
}

const undecodable = (name: string, reason: string, cause?: unknown): OcelliError =>
  new OcelliError("data", `${name} cannot be decoded: ${reason}.`, { cause });
