/** @file A model gives the same numbers in a real Chromium and in Node for a hundred picture files of every kind. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { decodeImage } from "../../src/data/decode/decode.ts";
import { crc32 } from "../../src/formats/crc32.ts";
import { loadPredictor } from "../../src/served/predict.ts";
import { TINY, runCli } from "../e2e/run-cli.ts";
import { launchChromium } from "./chromium.ts";
import { hundredPictures } from "./hundred-pictures.ts";
import { servePage } from "./serve.ts";

/** Formats that the browser decodes whatever `decode` says. */
const BY_BROWSER = /^(webp|gif)/;

test(
  "a hundred pictures have the same pixels, and answers within 1e-5",
  { timeout: 240_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocelli-pictures-"));
    const [run, folder] = [join(dir, "run"), join(dir, "web")];
    expect((await runCli(["train", "quickstart", ...TINY, "--workdir", run])).code).toBe(0);
    expect((await runCli(["export", run, "--to", "web", "--out", folder])).code).toBe(0);
    const predictor = await loadPredictor(join(folder, "model.onnx"));
    const pictures = await hundredPictures();
    expect(pictures.length).toBeGreaterThanOrEqual(100);
    const entry = fileURLToPath(new URL("pictures-page.ts", import.meta.url));
    using page = await servePage(entry, { folders: { "/model/": folder } });
    const browser = await launchChromium();
    let fast = 0; // the largest difference of pixels that the browser decodes
    try {
      const tab = await browser.newPage();
      await tab.goto(page.url);
      await tab.waitForFunction(() => globalThis.seePicture !== undefined);
      for (const { name, file } of pictures) {
        const base64 = Buffer.from(file).toString("base64");
        const seen = await tab.evaluate(
          (text) => globalThis.seePicture("/model", text, "exact"),
          base64,
        );
        const { shape, data } = await decodeImage(file, { alpha: [255, 255, 255] });
        expect({ name, shape: seen.shape, crc: seen.crc }).toEqual({
          name,
          shape,
          crc: crc32(data),
        });
        const image = await decodeImage(file, { alpha: predictor.alpha });
        const [answer] = await predictor.predict([image]);
        if (answer.kind !== "ranked") throw new Error(answer.kind);
        for (const { name: label, score } of answer.ranked) {
          expect(Math.abs(seen.scores[label] - score), name).toBeLessThan(1e-5);
        }
        if (BY_BROWSER.test(name) || data.length > 20_000) continue;
        const left = await tab.evaluate(
          (text) => globalThis.seePicture("/model", text, "fast"),
          base64,
        );
        if (String(left.shape) !== String(shape)) throw new Error(`${name}: ${String(left.shape)}`);
        const apart = left.pixels!.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - data[i])),
          0,
        );
        fast = Math.max(fast, apart);
      }
      expect(fast).toBe(1);
      expect(fast).toBe(1); // of inks; its others are the same
    } finally {
      await browser.close();
      await predictor.dispose();
      await rm(dir, { recursive: true });
    }
  },
);
