/** @file examples/python/predict.py reads an exported folder and a hundred picture files of every kind, and has Node's numbers. */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeImage } from "../../src/data/decode/decode.ts";
import { readNpz } from "../../src/formats/npz.ts";
import type { HostArray } from "../../src/graph/index.ts";
import { describeOperations, parsePreprocessing } from "../../src/preprocess/pipeline.ts";
import { seededRandom } from "../../src/random.ts";
import { loadPredictor } from "../../src/served/predict.ts";
import { type NamedFile, hundredPictures } from "../browser/hundred-pictures.ts";
import { TINY, runCli } from "./run-cli.ts";

const ROOT = join(import.meta.dirname, "../..");
const PYTHON = join(process.env.OCELLI_PEERS ?? join(ROOT, ".venv"), "bin/python");
const hasRuntime =
  existsSync(PYTHON) && spawnSync(PYTHON, ["-c", "import onnxruntime, numpy, PIL"]).status === 0;

/** Runs a program that imports the example; its arguments are a folder of pictures and more. */
const runPython = (program: string, ...args: readonly string[]) =>
  execFileSync(PYTHON, ["-c", `import predict\n${program}`, ...args], {
    env: { ...process.env, PYTHONPATH: join(ROOT, "examples/python") },
  });

const ANSWERS = `
import sys, numpy as np
pictures, count, folder, out = sys.argv[1:]
model = predict.Model(folder)
files = [f"{pictures}/{i}" for i in range(int(count))]
np.savez(out, probabilities=np.concatenate([model.probabilities([file]) for file in files]))
`;

const PREPARED = `
import json, sys, numpy as np
pictures, cases, out = sys.argv[1:]
model = object.__new__(predict.Model)
results = {}
for i, preprocess in enumerate(json.load(open(cases))):
    model.preprocess = {**preprocess, "input": {"layout": "NHWC"}}
    for j in preprocess["pictures"]:
        results[f"{i}/{j}"] = model.prepare(f"{pictures}/{j}")
np.savez(out, **results)
`;

let dir: string;
let pictures: readonly NamedFile[];
let folder: string; // of the pictures, named by their place

beforeAll(async () => {
  if (!hasRuntime) return;
  dir = await mkdtemp(join(tmpdir(), "ocelli-python-"));
  folder = join(dir, "pictures");
  await mkdir(folder);
  pictures = await hundredPictures();
  for (const [i, { file }] of pictures.entries()) await writeFile(join(folder, String(i)), file);
}, 120_000);
afterAll(() => dir && rm(dir, { recursive: true }));

const slow = { timeout: 240_000, skip: !hasRuntime };

test("probabilities of a hundred pictures are within 1e-5", slow, async () => {
  const [run, web, out] = ["run", "web", "probabilities.npz"].map((name) => join(dir, name));
  // enough for a model that is sure of something
  const flags = TINY.map((flag) => (flag.startsWith("--dur") ? "--duration.steps=400" : flag));
  const train = ["train", "quickstart", ...flags, "--optimizer.lr=0.008", "--workdir", run];
  expect((await runCli(train)).code).toBe(0);
  const written = await runCli(["export", run, "--to", "web", "--no-page", "--out", web]);
  expect(written.code).toBe(0);
  runPython(ANSWERS, folder, String(pictures.length), web, out);
  const { probabilities } = readNpz(await readFile(out));
  const labels = JSON.parse(await readFile(join(web, "labels.json"), "utf8")) as {
    readonly label: readonly string[];
  };
  expect(probabilities.shape).toEqual([pictures.length, labels.label.length]);
  const predictor = await loadPredictor(join(web, "model.onnx"));
  let surest = 0;
  try {
    for (const [i, { name, file }] of pictures.entries()) {
      const image = await decodeImage(file, { alpha: predictor.alpha });
      const [answer] = await predictor.predict([image]);
      if (answer.kind !== "ranked") throw new Error(answer.kind);
      surest = Math.max(surest, answer.ranked[0].score);
      for (const { name: label, score } of answer.ranked) {
        const at = i * labels.label.length + labels.label.indexOf(label);
        expect(Math.abs(Number(probabilities.data[at]) - score), name).toBeLessThan(1e-5);
      }
    }
  } finally {
    await predictor.dispose();
  }
  expect(surest).toBeGreaterThan(0.5);
});

const TF = ["bilinear", "area", "bicubic", "lanczos3", "nearest"] as const;
const PILLOW = ["pil_box", "pil_bilinear", "pil_hamming", "pil_bicubic", "pil_lanczos"] as const;

/** Preprocessings whose operations all run on the host, so that what they make can be seen. */
const TEXTS = [
  "decode",
  "decode(background=(10,200,30))",
  "decode(alpha=drop)",
  "decode(channels=1)",
  "grayscale|rgb",
  ...TF.flatMap((method) => [
    `decode|resize((31,45),method=${method})`,
    `decode|resize((31,45),method=${method},antialias=true)`,
    `decode|value_range(0,1)|resize(24,method=${method},antialias=true)`,
  ]),
  ...PILLOW.map((method) => `decode|resize((31,45),method=${method})`),
  "decode|grayscale|resize(20,method=pil_bicubic)",
  "decode|resize_small(40)|central_crop(32)",
  "decode|resize_small(41,method=pil_bicubic,round=down)|central_crop",
  "decode|resize_long(33)|pad(3,value=7)",
  "decode|resize(12)|pad(4,mode=reflect)",
  "decode|value_range(-1,1,[1,2,3],[250,251,252],clip_values=true)|pad(1)",
  "decode|vgg_value_range|pad(1)",
  "decode|clip_value_range|grayscale",
];

test("what operations make of them is the same, number for number", slow, async () => {
  const all = pictures.map((_, i) => i);
  const large = (i: number): boolean => / large$|640 × 480/.test(pictures[i].name);
  // every picture decoded in every way; of the slower ones two small ones and one to scale down
  const some = ["png 97 × 61", "jpeg 5 × 1", "jpeg 640 × 480"].map((wanted) =>
    pictures.findIndex(({ name }) => name === wanted),
  );
  const cases = TEXTS.map((text) => ({
    text,
    alpha: parsePreprocessing(text).alpha,
    operations: describeOperations(text),
    pictures: /resize|pad/.test(text) ? some : all.filter((i) => !large(i)),
  }));
  const [file, out] = [join(dir, "cases.json"), join(dir, "prepared.npz")];
  await writeFile(file, JSON.stringify(cases));
  runPython(PREPARED, folder, file, out);
  const prepared = readNpz(await readFile(out));
  for (const [i, { text, pictures: seen }] of cases.entries()) {
    const { onHost, alpha, hostOperations } = parsePreprocessing(text);
    expect(hostOperations, text).toBe(text.split("|").length);
    for (const j of seen) {
      const image: HostArray = await decodeImage(pictures[j].file, { alpha });
      const made = onHost({ image }, seededRandom("python")).image;
      const got = prepared[`${i}/${j}`];
      const what = `${text} of ${pictures[j].name}`;
      expect(got.shape, what).toEqual(made.shape);
      const apart = got.data.findIndex((value, at) => value !== made.data[at]);
      expect(apart, what).toBe(-1);
    }
  }
});
