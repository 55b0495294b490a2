/** @file A real Chromium reads transparent pictures: its pixels are Node's, whatever becomes of alpha. */

import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeImage } from "../../src/data/decode/decode.ts";
import type { AlphaRule } from "../../src/preprocess/alpha.ts";
import { launchChromium } from "./chromium.ts";
import { servePage } from "./serve.ts";

const SIDE = 16;
const RULES: readonly AlphaRule[] = [[255, 255, 255], [0, 0, 0], [10, 200, 30], "drop"];

/** Every alpha from 0 to 255 over colours that differ. */
function pictures() {
  const values = Array.from({ length: SIDE * SIDE }, (_, i) => {
    return [(i * 37) % 256, (i * 101) % 256, (i * 211) % 256, i];
  });
  const raw = (channels: 3 | 4) => ({ raw: { width: SIDE, height: SIDE, channels } });
  const clear = sharp(Uint8Array.from(values.flat()), raw(4));
  const opaque = sharp(Uint8Array.from(values.flatMap((pixel) => pixel.slice(0, 3))), raw(3));
  return {
    "png alpha": clear.clone().png(),
    "png grey": sharp(
      Uint8Array.from(values.flatMap(([grey, , , a]) => [grey, grey, grey, a])),
      raw(4),
    )
      .toColourspace("b-w")
      .png(),
    "png palette": clear.clone().png({ palette: true, colours: 64, dither: 0 }),
    "png turned": clear.clone().withMetadata({ orientation: 6 }).png(),
    "png opaque": opaque.clone().png(),
    "webp alpha": clear.clone().webp({ lossless: true, exact: true }),
    "gif alpha": clear.clone().gif(),
  };
}

test("pixels in a browser tab are Node's, for every kind of alpha and every rule", async () => {
  const entry = fileURLToPath(new URL("transparency-page.ts", import.meta.url));
  using page = await servePage(entry);
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    await tab.goto(page.url);
    await tab.waitForFunction(() => globalThis.pixelsOf !== undefined);
    for (const [name, picture] of Object.entries(pictures())) {
      const file = await picture.toBuffer();
      const { hasAlpha } = await sharp(file).metadata();
      expect(hasAlpha, name).toBe(name !== "png opaque");
      const type = `image/${name.split(" ")[0]}`;
      for (const alpha of RULES) {
        const seen = await tab.evaluate(
          ([text, kind, rule]) => globalThis.pixelsOf(text, kind, rule),
          [file.toString("base64"), type, alpha] as const,
        );
        const { shape, data } = await decodeImage(file, { alpha });
        expect(seen, `${name} ${String(alpha)}`).toEqual([shape[0], shape[1], ...data]);
      }
    }
  } finally {
    await browser.close();
  }
});
