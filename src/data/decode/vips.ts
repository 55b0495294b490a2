/**
 * @file JPEG by libvips itself, the library inside `sharp`: header, then a part of the image, in the calling thread.
 *
 * `sharp` can neither decode at an exact half, quarter or eighth nor leave the decoded rows in this thread; both are
 * calls of libvips. Where the library is not found, `sharp` decodes and gives the same pixels.
 */

import { createRequire } from "node:module";
import type { Box } from "../../preprocess/image.ts";

/** An address in native memory. */
type Pointer = object | null;

/** The calls of libvips that are used. */
export interface Vips {
  readonly view: (pointer: Pointer, bytes: number) => Uint8Array;
  readonly load: (
    file: Uint8Array,
    length: number,
    out: Pointer[],
    ...options: (string | number | null)[]
  ) => number;
  readonly width: (image: Pointer) => number;
  readonly height: (image: Pointer) => number;
  readonly bands: (image: Pointer) => number;
  readonly orientation: (image: Pointer) => number;
  readonly region: (image: Pointer) => Pointer;
  readonly fetch: (
    region: Pointer,
    left: number,
    top: number,
    width: number,
    height: number,
    bytes: number[],
  ) => Pointer;
  readonly unref: (object: Pointer) => void;
  readonly free: (memory: Pointer) => void;
  readonly forgetErrors: () => void;
}

/** `VIPS_ACCESS_SEQUENTIAL`: rows are decoded as they are asked for. */
const SEQUENTIAL = 1;
/** `VIPS_FAIL_ON_WARNING`, as `sharp` has it: a file that libjpeg complains of is refused. */
const FAIL_ON_WARNING = 3;

/** The library inside `sharp`, which must have been loaded; undefined where it is not found. */
export async function openVips(): Promise<Vips | undefined> {
  try {
    const { default: koffi } = await import("koffi");
    const { useLargeStacks } = await import("../../native-stack.ts");
    useLargeStacks();
    const loaded = koffi.load(findLibrary());
    const func = (prototype: string) => loaded.func(prototype);
    const load = func(
      "int vips_jpegload_buffer(const void *file, size_t length, _Out_ void **out, ...)",
    );
    return {
      load: load as Vips["load"],
      view: (pointer, bytes) => new Uint8Array(koffi.view(pointer, bytes)),
      width: func("int vips_image_get_width(void *)") as Vips["width"],
      height: func("int vips_image_get_height(void *)") as Vips["height"],
      bands: func("int vips_image_get_bands(void *)") as Vips["bands"],
      orientation: func("int vips_image_get_orientation(void *)") as Vips["orientation"],
      region: func("void *vips_region_new(void *)") as Vips["region"],
      fetch: func(
        "void *vips_region_fetch(void *, int, int, int, int, _Out_ size_t *)",
      ) as Vips["fetch"],
      unref: func("void g_object_unref(void *)") as Vips["unref"],
      free: func("void g_free(void *)") as Vips["free"],
      forgetErrors: func("void vips_error_clear()") as Vips["forgetErrors"],
    };
  } catch {
    return undefined;
  }
}

/** The library's file in the package that `sharp` loads it from. */
function findLibrary(): string {
  const fromSharp = createRequire(createRequire(import.meta.url).resolve("sharp"));
  const { arch, platform } = process;
  try {
    return fromSharp.resolve(`@img/sharp-libvips-${platform}-${arch}/binary`);
  } catch {
    return fromSharp.resolve(`@img/sharp-libvips-${platform}musl-${arch}/binary`);
  }
}

/** A JPEG whose header was read. It owns memory until it is disposed. */
export interface Jpeg {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for colour, 4 for CMYK. */
  readonly channels: number;
  /** As EXIF counts: 1 is upright. */
  readonly orientation: number;
  /**
   * What `use` makes of the pixels in a box, `channels` bytes each, decoded `shrink` times smaller (1, 2, 4 or 8; the box
   * is of the smaller image). Their memory is gone when `use` returns. Undefined where they cannot be decoded. To be
   * called once.
   */
  read<T>(box: Box, shrink: number, use: (pixels: Uint8Array) => T): T | undefined;
  [Symbol.dispose](): void;
}

/** Reads the header of a JPEG; undefined where it has none. */
export function openJpeg(vips: Vips, file: Uint8Array): Jpeg | undefined {
  const open = (shrink: number): Pointer => {
    const out: Pointer[] = [null];
    const options = { access: SEQUENTIAL, "fail-on": FAIL_ON_WARNING, shrink };
    const listed = Object.entries(options).flatMap(([name, value]) => ["str", name, "int", value]);
    if (vips.load(file, file.length, out, ...listed, "str", null) === 0) return out[0];
    vips.forgetErrors();
    return null;
  };
  const image = open(1);
  if (image === null) return undefined;
  return {
    width: vips.width(image),
    height: vips.height(image),
    channels: vips.bands(image),
    orientation: vips.orientation(image),
    read({ x, y, width, height }, shrink, use) {
      const source = shrink === 1 ? image : open(shrink);
      if (source === null) return undefined;
      const region = vips.region(source);
      const bytes = [0];
      const memory = vips.fetch(region, x, y, width, height, bytes);
      vips.unref(region);
      if (shrink !== 1) vips.unref(source);
      if (memory === null) {
        vips.forgetErrors();
        return undefined;
      }
      try {
        return use(vips.view(memory, Number(bytes[0])));
      } finally {
        vips.free(memory);
      }
    },
    [Symbol.dispose]: () => vips.unref(image),
  };
}
