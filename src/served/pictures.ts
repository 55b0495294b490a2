/** @file Pictures for people: of inputs as a model sees them, and small ones of examples. */

import { decodeImage } from "../data/decode/decode.ts";
import type { Source } from "../data/source.ts";
import { isEncoded } from "../data/stream/examples.ts";
import { type HostArray, toNumbers } from "../graph/index.ts";
import { type AlphaRule, opaque } from "../preprocess/alpha.ts";
import { type Image, imageOf } from "../preprocess/image.ts";

/** Pictures of a batch, at most. */
const PICTURES = 16;
/** The longer side of a thumbnail, in pixels. */
const THUMBNAIL = 96;

/** Images of the sizes that PNG has: 1 to 4 channels. */
type Channels = 1 | 2 | 3 | 4;

/**
 * The first images of a batch, [batch, height, width, channels], as PNG files. The least of all their values becomes
 * 0, the greatest 255: what the preprocessing scaled to a range is scaled back.
 */
export async function inputPictures(image: HostArray): Promise<Uint8Array[]> {
  const { default: sharp } = await import("sharp");
  const [batch, height, width, channels] = image.shape;
  if (image.shape.length !== 4 || channels > 4) return []; // nothing that a picture can show
  const count = Math.min(batch, PICTURES);
  const size = height * width * channels;
  const values = toNumbers(image).slice(0, count * size);
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const factor = high > low ? 255 / (high - low) : 0;
  const pixels = Uint8Array.from(values, (value) => Math.round((value - low) * factor));
  const raw = { width, height, channels: channels as Channels };
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      sharp(pixels.subarray(i * size, (i + 1) * size), { raw })
        .png()
        .toBuffer(),
    ),
  );
}

/**
 * A small picture of an example's image, an encoded file or pixels, as a data URL; "" where it cannot be shown. `alpha` is
 * what becomes of transparent parts: the picture shows what the model saw.
 */
export async function thumbnail(image: HostArray, alpha: AlphaRule): Promise<string> {
  const small = await pngOf(image, alpha, THUMBNAIL);
  return small ? `data:image/png;base64,${small.toString("base64")}` : "";
}

/** The same as a PNG file whose longer side has at most `side` pixels; undefined where it cannot be shown. */
export async function pngOf(
  image: HostArray,
  alpha: AlphaRule,
  side: number,
): Promise<Buffer | undefined> {
  const { default: sharp } = await import("sharp");
  try {
    const { shape, data } = await shownImage(image, alpha);
    const [height, width, channels] = shape;
    return await sharp(data, { raw: { height, width, channels: channels as Channels } })
      .resize(side, side, { fit: "inside", withoutEnlargement: true })
      .png()
      .toBuffer();
  } catch {
    return undefined;
  }
}

/** What a recorder shows of a source's examples, and of images. */
export const picturesOf = (source: Source, alpha: AlphaRule) => ({
  async example(index: number) {
    const { image } = await source.read(index);
    return { id: source.id(index), thumbnail: await thumbnail(image, alpha) };
  },
  image: (image: HostArray) => thumbnail(image, alpha),
});

/** The pixels of an image without alpha. */
async function shownImage(image: HostArray, alpha: AlphaRule): Promise<Image> {
  if (!isEncoded({ image })) return opaque(imageOf("thumbnail", image), alpha);
  return decodeImage(image.data as Uint8Array, { alpha });
}
