/** @file Segmentation from the command line to the dashboard, on small composites and on a folder of images with maps. */

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConfigInput } from "../../src/config/config.ts";
import { serveDashboard } from "../../src/dashboard/server.ts";
import { openComposites } from "../../src/data/composites/composites.ts";
import { readPngMap, writePngMap } from "../../src/formats/png.ts";
import { type HostArray, hostArray } from "../../src/graph/index.ts";
import { loadPredictor } from "../../src/served/predict.ts";
import { sweep } from "../../src/sweep/sweep.ts";
import { classColour } from "../../src/tasks/index.ts";
import { resume, train } from "../../src/train/train.ts";
import { launchChromium } from "../browser/chromium.ts";
import { lastJson, runCli } from "./run-cli.ts";
import { metricsOf } from "./small-run.ts";

const CLASSES = ["disc", "square", "cross"];
const STEPS = 12;
const config: ConfigInput = {
  name: "maps",
  data: { name: "composites", size: 16, count: 48, objects: 2, classes: CLASSES },
  preprocess: {
    train: "decode|inception_crop(16,50)|flip_lr|value_range(-1,1)",
    eval: "decode|resize(16)|value_range(-1,1)",
  },
  batchSize: 8,
  duration: { steps: STEPS },
  model: {
    name: "segmenter",
    backbone: { name: "vit", patchSize: [4, 4], width: 16, depth: 1, numHeads: 2, mlpDim: 32 },
    decoder: [8],
  },
  objective: { name: "segmentation", weights: { background: 0.1 } },
  optimizer: { name: "adamw", lr: 1e-2 },
  log: { steps: 1 },
  checkpoint: { every: { steps: 5 }, keep: 1 },
  evals: { test: { type: "segmentation", split: "test" } },
};

let dir: string;
const at = (name: string): string => join(dir, name);
let values: Readonly<Record<string, number>>;

/** Composites as files: images/ beside masks/ in folders of splits, and the names of their classes. */
async function writeFolder(to: string): Promise<void> {
  const data = await openComposites({ size: 20, count: 16, classes: CLASSES }, () => Promise.reject(new Error("no data"))); // prettier-ignore
  const colours = Array.from({ length: 256 }, (_, value) => classColour(value));
  for (const split of ["train", "test"]) {
    const source = await data.open(split);
    await mkdir(join(to, split, "images"), { recursive: true });
    await mkdir(join(to, split, "masks"), { recursive: true });
    for (let i = 0; i < source.length; i++) {
      const { image, map } = await source.read(i);
      const raw = { width: 20, height: 20, channels: 3 } as const;
      await sharp(image.data as Uint8Array, { raw }).png().toFile(join(to, split, "images", `${i}.png`)); // prettier-ignore
      await writeFile(join(to, split, "masks", `${i}.png`), writePngMap(map, colours));
    }
  }
  await writeFile(join(to, "classes.txt"), ["background", ...CLASSES].join("\n"));
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-segmentation-"));
  const { evals } = await train(config, { workdir: at("run"), engine: "ort" });
  values = evals.test;
  await writeFolder(at("data"));
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

test("a training is judged by the overlap of classes, and its loss falls", async () => {
  expect(Object.keys(values)).toEqual([
    ...["miou", "pixel_accuracy", "loss", "mean_class_accuracy", "frequency_weighted_iou"],
    ...["background", ...CLASSES].map((name) => `iou/${name}`),
  ]);
  const losses = (await metricsOf(at("run"))).flatMap((line) =>
    "loss" in line ? [Number(line.loss)] : [],
  );
  expect(losses.at(-1)).toBeLessThan(losses[0]);
});

test("a resumed training gives what an unbroken one gives", async () => {
  const stop = new AbortController();
  const reporter = {
    terminal: false,
    line: (text: string) => void (text.includes("step 7/") && stop.abort()),
    status: () => undefined,
  };
  const part = await train(config, { workdir: at("part"), engine: "ort", signal: stop.signal, reporter }); // prettier-ignore
  expect(part.interrupted).toBe(true);
  expect((await resume(at("part"))).evals.test).toEqual(values);
  const file = async (run: string) => readFile(join(at(run), "checkpoint.safetensors"));
  expect((await file("part")).equals(await file("run"))).toBe(true);
}, 60_000);

test("ocelli eval gives the run's own values, and judges other data by the names of classes", async () => {
  const own = await runCli(["eval", at("run"), "--json"]);
  expect(own.code, own.stderr).toBe(0);
  const found = lastJson<{ headline: object; values: Record<string, number> }>(own);
  expect(found.headline).toMatchObject({ metric: "miou", better: "higher" });
  for (const [name, value] of Object.entries(values))
    expect(found.values[name]).toBeCloseTo(value, 6);
  const other = await runCli([
    "eval",
    at("run"),
    "--data",
    at("data"),
    "--split",
    "test",
    "--json",
  ]);
  expect(other.code, other.stderr).toBe(0);
  expect(lastJson<{ values: Record<string, number> }>(other).values).toHaveProperty("iou/cross");
});

/** A map as ocelli predict writes it. */
const mapAt = async (path: string): Promise<HostArray> => readPngMap(await readFile(path), path);

test("ocelli predict writes each map as a picture, and an exported model the same maps", async () => {
  const images = join(at("data"), "test", "images");
  const captured = await runCli(["predict", at("run"), images, "--out", at("maps"), "--json"]);
  expect(captured.code, captured.stderr).toBe(0);
  const { predictions } = lastJson<{
    predictions: { image: string; kind: string; areas: { score: number }[]; file: string }[];
  }>(captured);
  expect(predictions.map(({ file }) => file)).toEqual([join(at("maps"), "0.png"), join(at("maps"), "1.png")]); // prettier-ignore
  expect(captured.stderr).toMatch(/0\.png {2}\w+ \d.*% {2}.*maps/);
  const predictor = await loadPredictor(at("run"), { engine: "ort" });
  for (const { image, kind, areas, file } of predictions) {
    expect(kind).toBe("map");
    expect(areas.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 9);
    const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
    const pixels = hostArray([info.height, info.width, 3], "uint8", new Uint8Array(data));
    const [answer] = await predictor.predict([pixels]);
    const map = await mapAt(file);
    expect(map.shape).toEqual([16, 16]);
    expect([...map.data]).toEqual(answer.kind === "map" && [...answer.map.data].map(Number));
  }
  await predictor.dispose();
  const areas = predictions.flatMap((prediction) => prediction.areas);
  expect(areas.length).toBeGreaterThan(2); // not the background alone
  const onnx = at("model.onnx");
  expect((await runCli(["export", at("run"), "--to", "onnx", "--out", onnx])).code).toBe(0);
  const again = await runCli(["predict", onnx, images, "--out", at("exported"), "--json"]);
  expect(again.code, again.stderr).toBe(0);
  for (const name of ["0.png", "1.png"]) {
    expect(await mapAt(join(at("exported"), name))).toEqual(await mapAt(join(at("maps"), name)));
  }
  const lines = await runCli(["predict", at("run"), images, "--out", at("maps.jsonl")]);
  expect(lines.code, lines.stderr).toBe(0);
  const [first] = (await readFile(at("maps.jsonl"), "utf8")).trim().split("\n");
  expect(JSON.parse(first)).toMatchObject({ kind: "map", image: join(images, "0.png") });
});

test("report and dashboard show picture, truth and answer", async () => {
  const report = await readFile(join(at("run"), "report.html"), "utf8");
  expect(report.match(/: the true map"/g)).toHaveLength(6); // of 6 test images
  expect(report).toContain("#800000");
  expect(report).not.toContain("predictions.json");
  const answers = JSON.parse(await readFile(join(at("run"), "answers.json"), "utf8")) as {
    examples: { truth: string }[];
  };
  const truth = Buffer.from(answers.examples[0].truth.split(",")[1], "base64");
  const colours = new Set<string>();
  const { data } = await sharp(truth).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let i = 0; i < data.length; i += 3) colours.add([...data.subarray(i, i + 3)].join());
  const known = ["background", ...CLASSES].map((_, value) => classColour(value).join());
  for (const colour of colours) expect(known).toContain(colour);
});

test("the pictures are drawn in a real browser, in report and dashboard", async () => {
  const browser = await launchChromium();
  const server = await serveDashboard({ dir, port: 0, host: "127.0.0.1" });
  try {
    for (const path of ["report?run=run", "#run=run&tab=pictures"]) {
      const tab = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      await tab.goto(new URL(path, server.url).href);
      await tab.locator(".triple img").first().scrollIntoViewIfNeeded({ timeout: 20_000 });
      const drawn = (): Promise<number[]> =>
        tab.locator(".triple img").evaluateAll((images) =>
          images.map((image) => {
            image.setAttribute("loading", "eager");
            return (image as unknown as { naturalWidth: number }).naturalWidth;
          }),
        );
      await expect.poll(drawn, { timeout: 20_000 }).toEqual(new Array<number>(18).fill(16));
      const folder = process.env.OCELLI_SCREENSHOTS;
      if (folder) await tab.screenshot({ path: join(folder, `${path.slice(1, 5)}.png`) });
    }
  } finally {
    await browser.close();
    await server.close();
  }
}, 60_000);

test("ocelli train segmentation takes a folder of images and maps", async () => {
  const small = ["--model.backbone.width=0.125", "--duration.steps=2", "--batchSize=4"];
  const from = ["train", "segmentation", "--data", at("data"), "--workdir", at("own")];
  const captured = await runCli([...from, ...small, "--engine=ort", "--json"]);
  expect(captured.code, captured.stderr).toBe(0);
  expect(captured.stderr).toContain("maps train: 16 images");
  expect(await readdir(at("own"))).toContain("answers.json");
}, 60_000);

test("a sweep is sorted by the overlap", async () => {
  const grid = { lr: [1e-6, 1e-2] };
  const options = { workdir: at("sweep"), engine: "ort" };
  const { trials } = await sweep({ name: "rates", base: { ...config, duration: { steps: 4 } } as never, grid, metric: "miou" }, options); // prettier-ignore
  expect(trials).toHaveLength(2);
  expect(trials[0].value).toBeGreaterThanOrEqual(trials[1].value);
}, 60_000);

test("what does not fit is said", async () => {
  const bad = (more: object) =>
    train({ ...config, ...more } as ConfigInput, { workdir: at("bad") });
  await expect(bad({ objective: { name: "segmentation", weights: { disk: 2 } } })).rejects.toThrow(
    'unknown class "disk"; valid: disc',
  );
  const plain = { name: "vit", patchSize: [4, 4], width: 16, depth: 1, numHeads: 2 };
  await expect(bad({ model: plain })).rejects.toThrow("segmentation needs logits");
  const layers = { ...config.model, layers: ["pre_logits_3d"] };
  await expect(bad({ model: layers })).rejects.toThrow("pre_logits_2d");
  await expect(bad({ data: { name: "mnist" } })).rejects.toThrow(
    "segmentation needs the field map",
  );
  await expect(bad({ balance: "loss" })).rejects.toThrow("single label");
});
