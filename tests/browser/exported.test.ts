/** @file A folder of `ocelli export --to web`, served: its page answers as `ocelli predict` does. */

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveFolder } from "../../examples/serve-folder.ts";
import { decodeModel } from "../../src/formats/onnx-decode.ts";
import { loadPredictor } from "../../src/served/predict.ts";
import { describeAnswer } from "../../src/tasks/answer.ts";
import { TINY, lastJson, runCli } from "../e2e/run-cli.ts";
import { launchChromium } from "./chromium.ts";

let dir: string;
let run: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-web-"));
  run = join(dir, "run");
  const trained = await runCli(["train", "quickstart", ...TINY, "--workdir", run, "--json"]);
  expect(trained.code).toBe(0);
});
afterAll(() => rm(dir, { recursive: true }));

const json = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8"));

test("the folder says in JSON all that the model's metadata do, and how far it is from the run", async () => {
  const folder = join(dir, "web");
  const result = await runCli(["export", run, "--to", "web", "--out", folder, "--json"]);
  expect(result.stderr).not.toContain("ocelli:");
  const { drift, files } = lastJson<{
    readonly drift: { readonly pictures: number; readonly files: object };
    readonly files: Readonly<Record<string, number>>;
  }>(result);
  expect(drift).toMatchObject({
    pictures: 20,
    files: { "model.onnx": { sameAnswers: 20 }, "model.float16.onnx": { sameAnswers: 20 } },
  });
  const { "model.onnx": whole, "model.float16.onnx": half } = drift.files as Record<
    string,
    { readonly largest: number; readonly magnitude: number }
  >;
  expect(whole.largest).toBeLessThan(1e-5 * whole.magnitude);
  expect(half.largest).toBeGreaterThan(0);
  expect(half.largest).toBeLessThan(2e-3 * half.magnitude);
  expect(files["model.float16.onnx"]).toBeLessThan(files["model.onnx"]);
  expect((await readdir(folder)).sort()).toEqual([
    ...["index.html", "labels.json", "model.d.ts", "model.float16.onnx", "model.json"],
    ...["model.onnx", "ocelli.js", "ort", "preprocess.json"],
  ]);
  const digits = Array.from({ length: 10 }, (_, i) => String(i));
  expect(await json(join(folder, "labels.json"))).toEqual({ label: digits });
  expect(await json(join(folder, "preprocess.json"))).toMatchObject({
    text: "resize(28)|grayscale|value_range(-1,1)",
    alpha: [0, 0, 0],
    operations: [
      { name: "resize", arguments: { size: [28, 28], method: "bilinear", antialias: false } },
      { name: "grayscale", arguments: {} },
      { name: "value_range", arguments: { vmin: -1, vmax: 1, in_min: 0, in_max: 255 } },
    ],
    input: { name: "image", layout: "NHWC", shape: ["batch", 28, 28, 1] },
  });
  const { metadata } = decodeModel(await readFile(join(folder, "model.onnx")));
  const description = (await json(join(folder, "model.json"))) as Record<string, unknown>;
  for (const field of ["model", "task", "names", "imageShape", "step"]) {
    expect(description[field]).toEqual(JSON.parse(metadata[field]));
  }
  expect(metadata).toMatchObject({ layout: "NHWC", output: "logits" });
});

test("without its page the folder has the model and what is said of it", async () => {
  const folder = join(dir, "no-page");
  const result = await runCli(["export", run, "--to", "web", "--out", folder, "--no-page"]);
  expect(result.code).toBe(0);
  expect((await readdir(folder)).sort()).toEqual([
    ...["labels.json", "model.d.ts", "model.float16.onnx", "model.json", "model.onnx"],
    "preprocess.json",
  ]);
  const onnx = await runCli(["export", run, "--to", "onnx", "--no-page"]);
  expect(onnx.stderr).toContain("--no-page is for --to web");
});

test("its page answers about a picture as ocelli predict does", async () => {
  const folder = join(dir, "page");
  const how = ["--layout", "NCHW", "--output", "probabilities"];
  const written = await runCli(["export", run, "--to", "web", "--out", folder, ...how]);
  expect(written.code).toBe(0);
  const pixels = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * i) % 251);
  const raw = { width: 40, height: 30, channels: 3 } as const;
  const picture = join(dir, "picture.png");
  await writeFile(picture, await sharp(pixels, { raw }).png().toBuffer());
  const predictor = await loadPredictor(run);
  const { data } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  const image = { shape: [30, 40, 3], dtype: "uint8", data: new Uint8Array(data) } as const;
  const [expected] = await predictor.predict([image]);
  await predictor.dispose();
  const server = await serveFolder(folder, 0);
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    const { port } = server.address() as { readonly port: number };
    await tab.goto(`http://127.0.0.1:${port}/`);
    await tab.waitForSelector("#file:enabled", { timeout: 30_000 });
    expect(await tab.textContent("#answer")).toMatch(/ONNX Runtime .* Web(GPU|Assembly)/);
    await tab.setInputFiles("#file", picture);
    await tab.waitForFunction(() => document.querySelector("#answer")!.textContent.includes("%"));
    expect(await tab.textContent("#answer")).toBe(describeAnswer(expected));
    const faults: string[] = [];
    tab.on("pageerror", ({ message }) => faults.push(message));
    await tab.setInputFiles("#file", []); // chosen and cancelled
    await tab.setInputFiles("#file", { name: "x", mimeType: "", buffer: Buffer.from("none") });
    await tab.waitForFunction(() => document.querySelector("#answer")!.textContent.includes("can"));
    await tab.waitForSelector("#file:enabled");
    expect(await tab.textContent("#answer")).toBe("the browser cannot decode the picture.");
    expect(faults).toEqual([]);
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
});

test("an output that the task does not have, and a layout that there is not, are named", async () => {
  const to = (...more: string[]) =>
    runCli(["export", run, "--to", "onnx", "--out", join(dir, "m.onnx"), ...more]);
  expect((await to("--output", "logit")).stderr).toContain('unknown output "logit"');
  expect((await to("--layout", "NCWH")).stderr).toContain("valid: NCHW, NHWC");
  const npz = await runCli(["export", run, "--to", "npz", "--layout", "NCHW"]);
  expect(npz.stderr).toContain("--layout is for ONNX models, not for npz.");
  expect(npz.stderr).toContain("--to onnx or web");
});

test("a folder in whose place a file lies is refused in one line, and an exported folder names its model", async () => {
  const file = join(dir, "file");
  await writeFile(file, "");
  const inTheWay = await runCli(["export", run, "--to", "web", "--out", file]);
  expect(inTheWay.stderr).toBe(`ocelli: cannot write ${file}: a file is in its way (EEXIST).\n`);
  const folder = join(dir, "named");
  await mkdir(folder);
  for (const name of ["model.onnx", "model.json"]) await writeFile(join(folder, name), "");
  const asked = await runCli(["predict", folder, file]);
  expect(asked.stderr).toContain(`Give the model in it: ${join(folder, "model.onnx")}.`);
});
