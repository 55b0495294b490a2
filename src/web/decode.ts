/** @file Picture files as pixels in a browser: JPEG and PNG by decoders of ours, whose pixels are Node's; others by the browser. */

import { OcelliError } from "../errors.ts";
import { readJpeg } from "../formats/jpeg/jpeg.ts";
import { readPngPicture } from "../formats/png-picture.ts";
import { type HostArray, hostArray } from "../graph/index.ts";
import { type AlphaRule, opaque } from "../preprocess/alpha.ts";
import { type ByteImage, imageOf, rgb } from "../preprocess/image.ts";
import { inksToColours } from "../preprocess/inks.ts";
import { upright } from "../preprocess/upright.ts";
import { type DecodedPicture, picturePixels } from "./picture.ts";

/**
 * Who decodes files: "exact" gives Node's pixels, JPEG and PNG by decoders of ours; "fast" leaves every file to the
 * browser, whose pixels of a JPEG may differ.
 */
export type Decoding = "exact" | "fast";

/** A picture: a file such as an input element gives, its bytes, or pixels, uint8 [height, width, channels]. */
export type PictureInput =
  { arrayBuffer(): Promise<ArrayBuffer> } | ArrayBuffer | Uint8Array | HostArray;

/**
 * Pixels, uint8 [height, width, 3], of a picture.
 *
 * @throws a data error where it cannot be decoded
 */
export async function readPicture(
  picture: PictureInput,
  { alpha, decode }: { readonly alpha: AlphaRule; readonly decode: Decoding },
): Promise<HostArray> {
  if ("dtype" in picture) return opaque(imageOf("predict", picture), alpha);
  const buffer = "arrayBuffer" in picture ? await picture.arrayBuffer() : picture;
  const bytes = buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer);
  const exact = decode === "exact" ? byOurs(bytes) : undefined;
  return exact ? (rgb(opaque(exact, alpha)) as ByteImage) : byBrowser(bytes, alpha);
}

/** Pixels of a JPEG or a PNG file, upright; undefined for other files. */
function byOurs(bytes: Uint8Array): ByteImage | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    const { pixels, orientation, profile } = readJpeg(bytes, PICTURE);
    const [height, width, channels] = pixels.shape;
    if (channels === 4 && profile) {
      throw new OcelliError("data", `${PICTURE} has inks with a colour profile.`, {
        hint: 'Save it as RGB; decode: "fast" leaves it to the browser, whose colours are not Node\'s.',
      });
    }
    const colours = channels === 4 ? inksOf(pixels, height, width) : pixels;
    return upright(colours as ByteImage, orientation);
  }
  if (bytes[0] === 0x89 && bytes[1] === 0x50) {
    const { pixels, orientation } = readPngPicture(bytes, PICTURE);
    return upright(pixels as ByteImage, orientation);
  }
  return undefined;
}

const PICTURE = "the picture";

const inksOf = ({ data }: HostArray, height: number, width: number): HostArray =>
  hostArray([height, width, 3], "uint8", inksToColours(data as Uint8Array));

/** What the browser makes of a file. */
async function byBrowser(bytes: Uint8Array, alpha: AlphaRule): Promise<HostArray> {
  const { createImageBitmap } = globalThis as unknown as {
    readonly createImageBitmap: (file: Blob, how: object) => Promise<DecodedPicture>;
  };
  const file = new Blob([bytes as Uint8Array<ArrayBuffer>]);
  const picture = await createImageBitmap(file, {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
    imageOrientation: "from-image",
  }).catch((cause: unknown) => {
    throw new OcelliError("data", "the browser cannot decode the picture.", { cause });
  });
  try {
    return picturePixels(picture, alpha);
  } finally {
    picture.close();
  }
}
