/** @file A model of images and texts in a folder of `ocelli export --to web`: in a tab its vectors are Node's, and its page ranks pictures by words. */

import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveFolder } from "../../examples/serve-folder.ts";
import { toNumbers } from "../../src/graph/index.ts";
import { decodeImageFile, loadPredictor, openModel, train } from "../../src/index.ts";
import { COLOURS, PLACES } from "../e2e/captioned-drawings.ts";
import { lastJson, runCli } from "../e2e/run-cli.ts";
import { writePairs } from "../e2e/small-pairs.ts";
import { launchChromium } from "./chromium.ts";
import { servePage } from "./serve.ts";

let dir: string;
let run: string;
let folder: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-towers-"));
  run = join(dir, "run");
  folder = join(dir, "web");
  await train(await writePairs(dir), { engine: "ort", workdir: run });
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

const pictures = Object.keys(COLOURS).flatMap((colour) =>
  Object.keys(PLACES).map((place) => `${colour}-${place}.png`),
);

test("the folder has both towers, no labels, and says how far they are from the run", async () => {
  const written = await runCli(["export", run, "--to", "web", "--out", folder, "--json"]);
  expect(written.stderr).not.toContain("ocelli:");
  expect((await readdir(folder)).sort()).toEqual([
    ...["image.float16.onnx", "image.onnx", "index.html", "model.d.ts", "model.json", "ocelli.js"],
    ...["ort", "preprocess.json", "text.float16.onnx", "text.onnx", "tokenizer.vocabulary"],
  ]);
  const { drift } = lastJson<{
    drift: { pictures: number; files: Record<string, { largest: number }> };
  }>(written);
  expect(drift.pictures).toBe(8);
  expect(Object.keys(drift.files)).toEqual([
    ...["image.onnx", "image.float16.onnx", "text.onnx", "text.float16.onnx"],
  ]);
  for (const name of ["image", "text"]) {
    expect(drift.files[`${name}.onnx`].largest).toBeLessThan(1e-5);
    expect(drift.files[`${name}.float16.onnx`].largest).toBeGreaterThan(0);
    expect(drift.files[`${name}.float16.onnx`].largest).toBeLessThan(5e-3);
  }
  const text = await readFile(join(folder, "model.json"), "utf8");
  expect(text).not.toContain(dir);
  expect(JSON.parse(text)).toMatchObject({
    names: {},
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    towers: {
      image: { files: { float32: "image.onnx" }, output: { name: "embed" } },
      text: { files: { float32: "text.onnx" }, input: { dtype: "int32", shape: ["batch", 12] } },
    },
    drift,
  });
});

test("vectors of pictures and texts in a tab are Node's", async () => {
  const long = "red ".repeat(20);
  const texts = ["red on the left", "", "Blue: RIGHT", long, "猫"];
  const files = await Promise.all(pictures.map((name) => readFile(join(dir, name), "base64")));
  const model = await openModel(run);
  const { shape, data } = await model.texts!.embed(texts);
  await model.dispose();
  const predictor = await loadPredictor(run);
  const images = await Promise.all(pictures.map((name) => decodeImageFile(join(dir, name))));
  const answers = await predictor.predict(images);
  await predictor.dispose();
  const entry = join(import.meta.dirname, "towers-page.ts");
  using page = await servePage(entry, { folders: { "/model/": folder } });
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    await tab.goto(page.url);
    await tab.waitForFunction(() => "embed" in globalThis);
    const told = await tab.evaluate(
      ([words, shown]) => globalThis.embed(words, shown),
      [texts, [...files, files[0], files[1], files[2]]] as const, // 8, then 2, then 1 at once
    );
    expect(told.engine).toContain("WebAssembly");
    const near = (given: readonly number[], own: readonly number[]) => {
      expect(given).toHaveLength(own.length);
      given.forEach((x, i) => expect(Math.abs(x - own[i])).toBeLessThan(1e-5));
    };
    const dim = shape[1];
    told.texts.forEach((vector, i) =>
      near(vector, [...(data as Float32Array).subarray(i * dim, (i + 1) * dim)]),
    );
    const own = answers.map((one) => (one.kind === "features" ? toNumbers(one.features) : []));
    expect(told.pictures).toHaveLength(11);
    told.pictures.forEach((vector, i) => near(vector, own[i % 8]));
    expect(told.notes).toEqual([
      expect.stringMatching(/^"red red .*" has \d+ tokens: the model reads the first 11$/),
      expect.stringMatching(/^"猫": 1 of \d tokens are unknown to the model$/),
    ]);
    await expect(tab.evaluate(() => globalThis.embed([], ["bm8gcGljdHVyZQ=="]))).rejects.toThrow(
      "the browser cannot decode the picture.",
    );
  } finally {
    await browser.close();
  }
});

test("the folder's page ranks the chosen pictures by words", async () => {
  const server = await serveFolder(folder, 0);
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await tab.waitForSelector("#files:enabled", { timeout: 30_000 });
    await tab.getByLabel("Choose pictures").setInputFiles(pictures.map((name) => join(dir, name)));
    await tab.getByText("8 pictures").waitFor();
    for (const [words, best] of [
      ["blue on the left", "blue-left.png"],
      ["right: white", "white-right.png"],
    ]) {
      await tab.getByLabel("Words").fill(words);
      await tab.getByRole("button", { name: "Search" }).click();
      await tab.locator("#found li").first().getByText(best).waitFor();
    }
    expect(await tab.locator("#found li").count()).toBe(8);
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
});
