/** @file The page of the test on transparency: pixels of pictures as the browser entry reads them. */

import { picturePixels } from "../../src/web/index.ts";

type Rule = Parameters<typeof picturePixels>[1];

declare global {
  /** The pixels of a file, given as base64, under a rule for alpha: height, width, and red, green and blue. */
  var pixelsOf: (file: string, type: string, alpha: Rule) => Promise<number[]>;
}

globalThis.pixelsOf = async (file, type, alpha) => {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type }), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
    imageOrientation: "from-image",
  });
  const { shape, data } = picturePixels(picture, alpha);
  return [shape[0], shape[1], ...(data as Uint8Array)];
};
