/** @file Image files to pixels, by `sharp`. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/dtype.ts";

/** The largest image decoded, in pixels: what 600 MB of RGB hold. */
const MAX_PIXELS = 200_000_000;

/**
 * An image file as red, green and blue, uint8 of [height, width, 3], turned upright; transparent parts lie on black.
 *
 * @throws a data error that names the file when it cannot be read or decoded
 */
export async function decodeImageFile(path: string): Promise<HostArray> {
  const { default: sharp } = await import("sharp");
  try {
    const { data, info } = await sharp(path, { limitInputPixels: MAX_PIXELS })
      .rotate()
      .flatten()
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { shape: [info.height, info.width, info.channels], dtype: "uint8", data };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new OcelliError("data", `${path} cannot be decoded: ${reason}.`, { cause });
  }
}
