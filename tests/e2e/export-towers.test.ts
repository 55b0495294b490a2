/** A model of images and texts is exported tower by tower, and each file answers in Node as the run does. */

import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeModel } from "../../src/formats/onnx-decode.ts";
import { decodeWeights } from "../../src/formats/onnx-weights.ts";
import { toNumbers } from "../../src/graph/index.ts";
import { decodeImageFile, loadPredictor, openModel, train } from "../../src/index.ts";
import { lastJson, runCli } from "./run-cli.ts";
import { writePairs } from "./small-pairs.ts";

let dir: string;
let run: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-towers-"));
  run = join(dir, "run");
  await train(await writePairs(dir), { engine: "ort", workdir: run });
}, 120_000);
afterAll(() => rm(dir, { recursive: true }));

const CAPTIONS = ["red on the left", "blue", "", "left: green"];

async function vectorsOf(spec: string, texts: readonly string[]): Promise<number[]> {
  const model = await openModel(spec, { engine: "ort" });
  const vectors = await model.texts!.embed(texts);
  await model.dispose();
  return toNumbers(vectors);
}

async function vectorOf(spec: string, image: string): Promise<number[]> {
  const predictor = await loadPredictor(spec, { engine: "ort" });
  const [answer] = await predictor.predict([await decodeImageFile(image)]);
  await predictor.dispose();
  return answer.kind === "features" ? toNumbers(answer.features) : [];
}

const near = (a: readonly number[], b: readonly number[]): void => {
  expect(a).toHaveLength(b.length);
  a.forEach((x, i) => expect(Math.abs(x - b[i])).toBeLessThan(1e-5));
};

test("both towers lie in a folder that names no file of this machine, and answer as the run does", async () => {
  const folder = join(dir, "onnx");
  const written = await runCli(["export", run, "--to", "onnx", "--out", folder, "--json"]);
  expect(written.stderr).not.toContain("ocelli:");
  const { file, files } = lastJson<{ file: string; files: Record<string, number> }>(written);
  expect(file).toBe(folder);
  const names = ["image.onnx", "preprocess.json", "text.onnx", "tokenizer.vocabulary"];
  expect((await readdir(folder)).sort()).toEqual(names);
  for (const name of names) expect(files[name]).toBe((await readFile(join(folder, name))).length);
  const { tokenizer, ...image } = JSON.parse(
    await readFile(join(folder, "preprocess.json"), "utf8"),
  ) as Record<string, object>;
  expect(image).toMatchObject({ input: { name: "image", shape: ["batch", 8, 8, 3] } });
  expect(tokenizer).toMatchObject({
    ...{ file: "tokenizer.vocabulary", lower: "ascii", eos: "sticky", length: 12 },
    input: { name: "text", dtype: "int32", shape: ["batch", 12] },
  });
  const bytes = await readFile(join(folder, "text.onnx"));
  const { metadata } = decodeModel(new Uint8Array(bytes));
  expect(metadata).toMatchObject({ input: "text", output: "text", names: "{}" });
  expect(metadata.task).not.toContain(dir);
  const weights = Object.keys(decodeWeights(new Uint8Array(bytes)));
  expect(weights).toContain("params/txt/Embed_0/embedding");
  expect(weights.filter((name) => name.includes("img/"))).toEqual([]);
  near(await vectorsOf(join(folder, "text.onnx"), CAPTIONS), await vectorsOf(run, CAPTIONS));
  const picture = join(dir, "green-left.png");
  near(await vectorOf(join(folder, "image.onnx"), picture), await vectorOf(run, picture));
});

test("one tower alone is a file, and channels may come first", async () => {
  const [words, looks] = [join(dir, "one", "words.onnx"), join(dir, "looks.onnx")];
  await mkdir(join(dir, "one"));
  const to = (...more: string[]) => runCli(["export", run, "--to", "onnx", ...more]);
  expect((await to("--tower", "text", "--out", words)).code).toBe(0);
  expect((await readdir(join(dir, "one"))).sort()).toEqual(["tokenizer.vocabulary", "words.onnx"]);
  near(await vectorsOf(words, CAPTIONS), await vectorsOf(run, CAPTIONS));
  expect((await to("--tower", "image", "--layout", "NCHW", "--out", looks)).code).toBe(0);
  const picture = join(dir, "white-right.png");
  near(await vectorOf(looks, picture), await vectorOf(run, picture));
  const half = join(dir, "half.onnx");
  expect((await to("--tower", "image", "--weights", "float16", "--out", half)).code).toBe(0);
  expect((await readFile(half)).length).toBeLessThan((await readFile(looks)).length);
  expect((await to()).code).toBe(0); // beside the checkpoint
  near(await vectorsOf(join(run, "text.onnx"), CAPTIONS), await vectorsOf(run, CAPTIONS));
});

test("what a tower cannot do is one clear line", async () => {
  const to = async (...more: string[]) => (await runCli(["export", run, ...more])).stderr;
  expect(await to("--to", "onnx", "--tower", "images")).toContain(
    'unknown tower "images"; valid: image, text',
  );
  expect(await to("--to", "onnx", "--out", join(dir, "x.onnx"))).toContain(
    "is 2 files, one for each tower. Give a folder as --out, or --tower image or text.",
  );
  expect(await to("--to", "onnx", "--tower", "text", "--output", "logits")).toContain(
    'unknown output of the text tower "logits"; valid: text',
  );
  expect(await to("--to", "npz", "--tower", "text")).toContain("--tower is for ONNX models");
  const other = join(dir, "other");
  await mkdir(other);
  await writeFile(join(other, "tokenizer.vocabulary"), "another");
  expect(await to("--to", "onnx", "--out", other)).toContain(
    "tokenizer.vocabulary is the vocabulary of another model. Give each model a folder of its own",
  );
  const folder = join(dir, "onnx");
  const picture = join(dir, "red-left.png");
  const asked = await runCli(["predict", join(folder, "text.onnx"), picture]);
  expect(asked.stderr).toContain(
    "text.onnx takes text, and is given image. It is one tower of two; give the other one.",
  );
  const lone = join(dir, "lone.onnx");
  await copyFile(join(folder, "text.onnx"), lone);
  await expect(openModel(lone)).rejects.toThrow(/cannot read tokenizer\.vocabulary/);
});
