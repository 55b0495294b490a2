/** @file Picture files as pixels in a browser. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/index.ts";
import { type AlphaRule, opaque } from "../preprocess/alpha.ts";
import { imageOf } from "../preprocess/image.ts";
import { type DecodedPicture, picturePixels } from "./picture.ts";

/** Who decodes: see docs/web.md. */
export type Decoding = "exact" | "fast";

/** A picture: a file such as an input element gives, its bytes, or pixels, uint8 [height, width, channels]. */
export type PictureInput =
  { arrayBuffer(): Promise<ArrayBuffer> } | ArrayBuffer | Uint8Array | HostArray;

/** Pixels, uint8 [height, width, 3], of a picture. */
export async function readPicture(
  picture: PictureInput,
  { alpha, decode }: { readonly alpha: AlphaRule; readonly decode: Decoding },
): Promise<HostArray> {
  if ("dtype" in picture) return opaque(imageOf("predict", picture), alpha);
  const buffer = "arrayBuffer" in picture ? await picture.arrayBuffer() : picture;
  const bytes = buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer);
  return byBrowser(bytes, alpha, decode);
}

/** What the browser makes of a file. */
async function byBrowser(bytes: Uint8Array, alpha: AlphaRule, _: Decoding): Promise<HostArray> {
  const { createImageBitmap, Blob: File } = globalThis as unknown as {
    readonly createImageBitmap: (file: Blob, how: object) => Promise<DecodedPicture>;
    readonly Blob: typeof Blob;
  };
  const picture = await createImageBitmap(new File([bytes as Uint8Array<ArrayBuffer>]), {
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
