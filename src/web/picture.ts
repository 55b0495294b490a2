/** @file A browser's picture as pixels: exactly those of its file, transparent ones too. */

import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/index.ts";
import { type AlphaRule, isTransparent, opaque } from "../preprocess/alpha.ts";
import { type ByteImage, makeImage } from "../preprocess/image.ts";

/** A decoded picture: an `ImageBitmap`, whose type is absent where a program has no types of the DOM. */
export interface DecodedPicture {
  readonly width: number;
  readonly height: number;
  close(): void;
}

/**
 * The pixels of a picture, uint8 of [height, width, 3], with what becomes of transparent parts as for a file on Node. The
 * picture is to be made with `premultiplyAlpha: "none"` and `colorSpaceConversion: "none"`.
 *
 * A 2D canvas keeps colours multiplied by alpha, in which hidden ones are lost; transparent pictures are therefore read
 * through WebGL 2, where the browser has it, and else laid on the background by what is left.
 *
 * @throws an engine error where transparent colours are asked for and cannot be had
 * @example
 * const how = { premultiplyAlpha: "none", colorSpaceConversion: "none" } as const;
 * const features = await model.features(picturePixels(await createImageBitmap(file, how), model.alpha));
 */
export function picturePixels(picture: DecodedPicture, alpha: AlphaRule): HostArray {
  const drawn = byCanvas(picture);
  if (!isTransparent(drawn)) return opaque(drawn, "drop");
  const exact = byWebGl(picture);
  if (exact) return opaque(exact, alpha);
  if (alpha !== "drop") return opaque(drawn, alpha);
  throw new OcelliError("engine", "this browser has no WebGL 2 to read transparent pictures by.");
}

function byCanvas(picture: DecodedPicture): ByteImage {
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return makeImage([height, width, 4], new Uint8Array(data.buffer));
}

/** The pixels as the picture holds them; undefined where there is no WebGL 2, or none for so large a picture. */
function byWebGl(picture: DecodedPicture): ByteImage | undefined {
  const { width, height } = picture;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl) return undefined;
  try {
    if (Math.max(width, height) > (gl.getParameter(gl.MAX_TEXTURE_SIZE) as number)) {
      return undefined;
    }
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, picture);
    gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
    const [target, point] = [gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0];
    gl.framebufferTexture2D(
      target,
      point,
      gl.TEXTURE_2D,
      gl.getParameter(gl.TEXTURE_BINDING_2D),
      0,
    );
    const pixels = new Uint8Array(width * height * 4);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    return gl.getError() === gl.NO_ERROR ? makeImage([height, width, 4], pixels) : undefined;
  } finally {
    gl.getExtension("WEBGL_lose_context")?.loseContext(); // a browser has few of them
  }
}
