import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DeviceArray, jit } from "../../src/engines/engine.ts";
import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import { decodeModel } from "../../src/formats/onnx-decode.ts";
import { readNpz, writeNpz } from "../../src/formats/npz.ts";
import { readSafetensors } from "../../src/formats/safetensors.ts";
import { type HostArray, type Tensor, fromNumbers } from "../../src/graph/index.ts";
import { type ModelTensors, outputsOf } from "../../src/served/outputs.ts";
import { loadTrained } from "../../src/served/trained.ts";
import { toFlat } from "../../src/tree.ts";
import { readModelFile } from "../../src/weights/onnx-checkpoint.ts";
import { drawnBackbone } from "../browser/teach-page.ts";
import { TINY, lastJson, runCli } from "./run-cli.ts";

const ROOT = join(import.meta.dirname, "../..");
const PYTHON = join(process.env.OCELLI_PEERS ?? join(ROOT, ".venv"), "bin/python");
const hasRuntime =
  existsSync(PYTHON) && spawnSync(PYTHON, ["-c", "import onnxruntime, numpy"]).status === 0;

let dir: string;
let run: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-export-"));
  run = join(dir, "run");
  const captured = await runCli(["train", "quickstart", ...TINY, "--workdir", run, "--json"]);
  expect(captured.code).toBe(0);
});
afterAll(() => rm(dir, { recursive: true }));

const exportTo = async (format: string): Promise<string> => {
  const file = join(dir, `model.${format}`);
  const captured = await runCli(["export", run, "--to", format, "--out", file, "--json"]);
  expect(captured.stderr).not.toContain("ocelli:");
  expect(lastJson(captured)).toMatchObject({ file, format, bytes: (await readFile(file)).length });
  return file;
};

test("npz and safetensors hold the parameters under big_vision's names", async () => {
  const { params } = await loadTrained(run);
  const flat = toFlat<HostArray>(params);
  expect(Object.keys(flat)).toContain("Transformer/encoderblock_0/MlpBlock_0/Dense_0/kernel");
  const npz = readNpz(await readFile(await exportTo("npz")));
  const { tensors, metadata } = readSafetensors(await readFile(await exportTo("safetensors")));
  for (const arrays of [npz, tensors]) {
    expect(Object.keys(arrays).sort()).toEqual(Object.keys(flat).sort());
    for (const [name, { data }] of Object.entries(flat)) expect(arrays[name].data).toEqual(data);
  }
  expect(metadata.preprocessing).toBe("resize(28)|grayscale|value_range(-1,1)");
});

test("arrays of one value, which the graph folds, come back too", async () => {
  const resnet = await drawnBackbone(dir); // its norms are as they begin: all ones and zeros
  const file = join(dir, "resnet.onnx");
  await runCli(["export", resnet, "--to", "onnx", "--out", file]);
  const bytes = new Uint8Array(await readFile(file));
  const { uniform } = decodeModel(bytes).metadata;
  expect(Object.keys(JSON.parse(uniform) as object).length).toBeGreaterThan(0);
  const { params, variables } = readModelFile(bytes, file);
  const trained = await loadTrained(resnet);
  expect(toFlat<HostArray>(params)).toEqual(toFlat<HostArray>(trained.params));
  expect(toFlat<HostArray>(variables)).toEqual(toFlat<HostArray>(trained.variables));
});

test("an ONNX file holds the whole checkpoint, whatever its layout; one of half floats does not", async () => {
  const bytesOf = (file: string) => readFile(file).then((bytes) => new Uint8Array(bytes));
  const checkpoint = readModelFile(await bytesOf(join(run, "checkpoint.safetensors")), "the run");
  const plain = await exportTo("onnx");
  const { card, params, variables } = readModelFile(await bytesOf(plain), "the export");
  const file = join(dir, "other.onnx");
  await runCli(["export", run, "--to", "onnx", "--layout", "NCHW", "--out", file]);
  const other = readModelFile(await bytesOf(file), "the other");
  for (const read of [{ params, variables }, other]) {
    expect(toFlat<HostArray>(read.params)).toEqual(toFlat<HostArray>(checkpoint.params));
    expect(toFlat<HostArray>(read.variables)).toEqual(toFlat<HostArray>(checkpoint.variables));
  }
  expect(card).toEqual(checkpoint.card);
  await runCli(["export", run, "--to", "onnx", "--weights", "float16", "--out", file]);
  const half = await bytesOf(file);
  expect(() => readModelFile(half, "half.onnx")).toThrow(/half\.onnx holds half floats/);
});

/** Loads a model, runs it at two batch sizes, and prints its metadata. */
const SCRIPT = `
import json, sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
images = np.load(sys.argv[2])["image"]
logits = [session.run(["logits"], {"image": x})[0] for x in (images, images[:1])]
np.savez(sys.argv[3], all=logits[0], one=logits[1])
print(json.dumps(session.get_modelmeta().custom_metadata_map))
`;

test.skipIf(!hasRuntime)(
  "ONNX gives the same logits in Python's onnxruntime, at any batch size",
  async () => {
    const { model, card, params, variables } = await loadTrained(run);
    const shape = [5, ...card.imageShape];
    const size = shape.reduce((a, b) => a * b);
    const pixels = Array.from({ length: size }, (_, i) => Math.sin(i * i));
    const image = fromNumbers(pixels, shape, "float32");
    const forward = jit(
      createInterpreter(),
      (x: Tensor, weights: ModelTensors) => outputsOf({ model }, weights, { image: x }).output,
    );
    const output = (await forward(image, { params, variables })) as DeviceArray;
    const expected = (await output.read()).data as Float32Array;

    const [input, result] = [join(dir, "input.npz"), join(dir, "result.npz")];
    await writeFile(input, writeNpz({ image }));
    const file = await exportTo("onnx");
    const printed = execFileSync(PYTHON, ["-c", SCRIPT, file, input, result], { encoding: "utf8" });
    const { all, one } = readNpz(await readFile(result));
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = (given: HostArray) =>
      (given.data as Float32Array).reduce(
        (most, value, i) => Math.max(most, Math.abs(value - expected[i])),
        0,
      );
    expect(all.shape).toEqual([5, 10]);
    expect(one.shape).toEqual([1, 10]);
    expect(error(all)).toBeLessThan(1e-5 * largest);
    expect(error(one)).toBeLessThan(1e-5 * largest);
    const metadata = JSON.parse(printed) as Record<string, string>;
    expect(metadata.preprocessing).toBe(card.preprocessing);
    expect(JSON.parse(metadata.classes)).toEqual(card.names.label);
  },
);
