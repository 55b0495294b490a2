/** @file A model of 2.4 GB, which no buffer of Node's reads and no ONNX file holds, from checkpoint to export to answer. */

import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf } from "../../src/formats/bytes.ts";
import { hostArray, sizeOf } from "../../src/graph/dtype.ts";
import type { Spec } from "../../src/graph/index.ts";
import { createModel } from "../../src/models/index.ts";
import { modelSpecs } from "../../src/nn/index.ts";
import { writeAtomically } from "../../src/files.ts";
import type { Ranked } from "../../src/tasks/index.ts";
import { mapTree } from "../../src/tree.ts";
import { checkpointChunks, loadWeights } from "../../src/weights/index.ts";
import { lastJson, runCli } from "./run-cli.ts";

const LIMIT = 2 ** 31;
const MODEL = { patchSize: [28, 28], width: 4096, depth: 3, mlpDim: 16384, numHeads: 16 };

describe.runIf(process.env.OCELLI_LONG === "1")("a model above 2 GiB", { timeout: 400_000 }, () => {
  let dir: string;
  let checkpoint: string;
  let picture: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "ocelli-large-"));
    const model = createModel("vit", { ...MODEL, numClasses: 3 });
    const imageShape = [28, 28, 3];
    const { params } = modelSpecs(model, { shape: [1, ...imageShape], dtype: "float32" });
    let next = 0;
    const arrays = mapTree(params, ({ shape }: Spec) => {
      const data = new Float32Array(sizeOf(shape));
      for (let i = 0; i < data.length; i++) data[i] = ((next++ % 1009) - 504) / 40_000;
      return hostArray(shape, "float32", data);
    });
    const card = {
      model: { name: "vit", ...MODEL },
      task: { name: "classification", loss: "softmax" },
      names: { label: ["a", "b", "c"] },
      preprocessing: "decode|resize(28)|value_range(-1,1)",
      imageShape,
      step: 1,
    };
    checkpoint = join(dir, "large.safetensors");
    await writeAtomically(checkpoint, checkpointChunks({ card, params: arrays, variables: {} }));
    picture = join(dir, "picture.png");
    const raw = { width: 28, height: 28, channels: 3 } as const;
    const pixels = Uint8Array.from({ length: 28 * 28 * 3 }, (_, i) => (i * 7) % 256);
    await sharp(pixels, { raw }).toFile(picture);
  }, 120_000);
  afterAll(() => rm(dir, { recursive: true }));

  const exportTo = async (format: string) => {
    const file = join(dir, `model.${format}`);
    const captured = await runCli(["export", checkpoint, "--to", format, "--out", file, "--json"]);
    expect(captured.stderr).not.toContain("ocelli:");
    const { bytes } = lastJson<{ bytes: number }>(captured);
    expect(bytes).toBeGreaterThan(LIMIT);
    return file;
  };

  test("an ONNX file with its weights beside it answers as the checkpoint does", async () => {
    const file = await exportTo("onnx");
    expect((await stat(`${file}.data`)).size).toBeGreaterThan(LIMIT);
    const answers = [];
    for (const model of [checkpoint, file]) {
      const captured = await runCli(["predict", model, picture, "--engine=ort", "--json"]);
      expect(captured.code, captured.stderr).toBe(0);
      answers.push(lastJson<{ predictions: { ranked: Ranked[] }[] }>(captured));
    }
    const [ours, theirs] = answers.map(({ predictions: [{ ranked }] }) => ranked);
    expect(theirs.map((it) => it.name)).toEqual(ours.map((it) => it.name));
    ours.forEach(({ score }, i) => expect(theirs[i].score).toBeCloseTo(score, 6));
    expect(ours[0].score - ours[2].score).toBeGreaterThan(1e-4);
  });

  test.each(["safetensors", "npz"])("%s reads back", async (format) => {
    const { arrays } = await loadWeights(await exportTo(format));
    const before = (await loadWeights(checkpoint)).arrays;
    const name = "Transformer/encoderblock_2/MlpBlock_0/Dense_1/kernel";
    const [ours, theirs] = [before[`params/${name}`], arrays[name]];
    expect(theirs.shape).toEqual(ours.shape);
    expect(Buffer.compare(bytesOf(theirs), bytesOf(ours))).toBe(0);
  });
});
