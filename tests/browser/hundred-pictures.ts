/** @file A hundred picture files of every kind: formats, channels, alpha, orientations, samplings, sizes. */

import sharp, { type Sharp } from "sharp";
import { JPEG_FIXTURES, jpegFixture } from "../../src/formats/jpeg/fixtures.ts";

/** A file with its name. */
export interface NamedFile {
  readonly name: string;
  readonly file: Uint8Array;
}

type Channels = 1 | 2 | 3 | 4;

/** Pixels with slopes, edges and noise. */
function picture(width: number, height: number, channels: Channels, seed = 1): Sharp {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [c, x] = [i % channels, Math.floor(i / channels) % width];
    const y = Math.floor(i / channels / width);
    const slope = (255 * (c % 2 ? x : y)) / Math.max(width, height);
    const edge = (x + 2 * y) % 23 < 9 ? 60 : 0;
    return (slope + edge + ((i * seed * 7919) % 31)) % 256;
  });
  return sharp(data, { raw: { width, height, channels } });
}

const SIZES = [
  [1, 1],
  [2, 3],
  [5, 1],
  [28, 28],
  [97, 61],
  [640, 480],
] as const;

/** The files. */
export async function hundredPictures(): Promise<NamedFile[]> {
  const files: NamedFile[] = [];
  const add = async (name: string, file: Promise<Uint8Array> | Uint8Array) =>
    void files.push({ name, file: Uint8Array.from(await file) });
  for (const [width, height] of SIZES) {
    const of = (channels: Channels): Sharp => picture(width, height, channels, width + height);
    const size = `${width} × ${height}`;
    await add(`png ${size}`, of(3).png().toBuffer());
    await add(`png alpha ${size}`, of(4).png().toBuffer());
    await add(`png grey ${size}`, of(1).toColourspace("b-w").png().toBuffer());
    await add(`png palette ${size}`, of(4).png({ palette: true, colours: 40 }).toBuffer());
    await add(`jpeg ${size}`, of(3).jpeg({ quality: 85 }).toBuffer());
    await add(`jpeg fine ${size}`, of(3).jpeg({ chromaSubsampling: "4:4:4" }).toBuffer());
    await add(`jpeg progressive ${size}`, of(3).jpeg({ progressive: true }).toBuffer());
    await add(`jpeg grey ${size}`, of(1).toColourspace("b-w").jpeg().toBuffer());
    await add(`webp ${size}`, of(3).webp({ quality: 70 }).toBuffer());
    await add(`webp alpha ${size}`, of(4).webp({ lossless: true, exact: true }).toBuffer());
    await add(`gif ${size}`, of(3).gif().toBuffer());
  }
  for (let orientation = 1; orientation <= 8; orientation++) {
    const turned = picture(60, 41, 3).withMetadata({ orientation });
    await add(`jpeg turned ${orientation}`, turned.clone().jpeg().toBuffer());
    await add(`png turned ${orientation}`, turned.clone().png().toBuffer());
  }
  for (const name of Object.keys(JPEG_FIXTURES) as (keyof typeof JPEG_FIXTURES)[]) {
    await add(`jpeg ${name}`, jpegFixture(name));
  }
  const deep = picture(50, 40, 3).toColourspace("rgb16");
  await add("png 16 bits", deep.png().toBuffer());
  await add("png interlaced", picture(50, 40, 4).png({ progressive: true }).toBuffer());
  const profiled = picture(50, 40, 3).withIccProfile("p3");
  await add("jpeg with a profile", profiled.clone().jpeg().toBuffer());
  await add("png with a profile", profiled.clone().png().toBuffer());
  await add("png grey alpha", picture(50, 40, 2).toColourspace("b-w").png().toBuffer());
  await add("gif alpha", picture(50, 40, 4).gif().toBuffer());
  await add("webp lossy alpha", picture(50, 40, 4).webp({ quality: 60 }).toBuffer());
  await add("webp fine", picture(50, 40, 3).webp({ lossless: true }).toBuffer());
  for (const quality of [5, 50, 100]) {
    await add(`jpeg of quality ${quality}`, picture(120, 90, 3).jpeg({ quality }).toBuffer());
  }
  await add("jpeg large", picture(2400, 1800, 3).jpeg().toBuffer());
  await add("png large", picture(1600, 1200, 3).png({ compressionLevel: 3 }).toBuffer());
  return files;
}
