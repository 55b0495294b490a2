import { beforeAll, expect, test } from "vitest";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { decodeImage } from "./decode.ts";
import { prepareExample } from "../stream/examples.ts";

const [WIDTH, HEIGHT] = [203, 187];
let jpeg: Uint8Array;

beforeAll(async () => {
  const { default: sharp } = await import("sharp");
  const slope = Buffer.from(
    Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
      const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
      return [Math.round((255 * x) / WIDTH), Math.round((255 * y) / HEIGHT), 128];
    }).flat(),
  );
  const image = sharp(slope, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
  jpeg = await image.jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer();
});

async function prepare(text: string, key: number): Promise<Uint8Array> {
  const image = { shape: [jpeg.length], dtype: "uint8" as const, data: jpeg };
  const raw = { features: { image }, key: [key], id: "slope" };
  const prepared = await prepareExample(raw, parsePreprocessing(text));
  if ("problem" in prepared) throw prepared.problem;
  return prepared.features.image.data as Uint8Array;
}

// A pixel of the image changes a slope by 1.3: parts out of place by a pixel of the smaller image would be 10 apart.
test.each([
  ["resize(20,method=pil_bilinear)", 3],
  ["resize(20,antialias=true)", 3],
  ["resize_small(22)", 4], // its last averages lack what 8 leaves over of the image
  ["inception_crop(16,method=pil_bilinear)", 3],
  ["inception_crop(16,area_min=50,antialias=true)", 3],
  ["inception_crop(16,area_min=50,method=area)", 3],
])("fast_decode|%s gives what decode gives, in the same place", async (operation, most) => {
  for (let key = 0; key < 12; key++) {
    const exact = await prepare(`decode|${operation}`, key);
    const fast = await prepare(`fast_decode|${operation}`, key);
    const apart = exact.map((value, i) => Math.abs(value - fast[i]));
    expect(Math.max(...apart)).toBeLessThanOrEqual(most);
  }
});

test("decoded pixels are an example's own, however many are decoded after it", async () => {
  const { data } = await decodeImage(jpeg);
  const all = await prepare("decode", 0);
  const cropped = await prepare("decode|central_crop(160)", 0);
  const kept = cropped.slice();
  for (let key = 0; key < 4; key++) await prepare("decode|central_crop(160)|flip_lr", key);
  expect(Buffer.compare(all, data)).toBe(0);
  expect(Buffer.compare(cropped, kept)).toBe(0);
});
