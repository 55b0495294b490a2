import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type HostArray, toNumbers } from "../../src/graph/index.ts";
import {
  type ConfigInput,
  evaluateModelOn,
  loadPredictor,
  resume,
  train,
} from "../../src/index.ts";
import { toFlat } from "../../src/tree.ts";
import { readCheckpointFile } from "../../src/weights/checkpoint-file.ts";
import { VOCABULARY, drawCaptioned } from "./captioned-drawings.ts";
import { runCli } from "./run-cli.ts";

let dir: string;
let config: ConfigInput;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-contrastive-"));
  const { data, tokenizer } = await drawCaptioned(dir);
  const tower = { width: 16, depth: 1, numHeads: 2, mlpDim: 32 };
  config = {
    name: "pairs",
    data,
    task: { name: "contrastive", tokenizer },
    model: {
      name: "two-towers",
      image: { ...tower, patchSize: [4, 4], poolType: "map" },
      text: { ...tower, poolType: "map" },
      ...{ outDim: [null, 16], temperatureInit: 10, biasInit: -2 },
    },
    objective: { name: "contrastive" },
    optimizer: { name: "adam", lr: 5e-3 },
    preprocess: {
      train: "decode|resize(8)|value_range(-1,1)",
      eval: 'decode|resize(8)|value_range(-1,1)|pick_text("first")',
    },
    batchSize: 8,
    duration: { steps: 60 },
  };
});
afterAll(() => rm(dir, { recursive: true }));

const run = (name: string, changes: Partial<ConfigInput> = {}) =>
  train({ ...config, ...changes }, { engine: "interpreter", workdir: join(dir, name) });

test("pairs of a table are learned, judged by retrieval and served", async () => {
  const file = join(dir, "pairs.mjs");
  await writeFile(file, `export default ${JSON.stringify(config)};`);
  const workdir = join(dir, "cli");
  const captured = await runCli([
    ...["train", file, "--engine", "interpreter", "--workdir", workdir, "--json"],
  ]);
  expect(captured.stderr).not.toContain("ocelli:");
  expect(captured.code).toBe(0);
  const { card } = readCheckpointFile(join(workdir, "checkpoint.safetensors"), "it");
  expect(card.task).toMatchObject({
    name: "contrastive",
    tokenizer: { lower: "ascii", eos: "sticky", pad: 0, length: 12, vocabulary: 700 },
  });
  const { values, headline } = await evaluateModelOn(workdir, undefined, { engine: "interpreter" });
  expect(Object.keys(values)).toEqual(
    ["img2txt", "txt2img"].flatMap((way) => [1, 5, 10].map((k) => `${way}_recall@${k}`)),
  );
  expect(headline).toEqual({ metric: "txt2img_recall@1", better: "higher", value: 1 });
  expect(values["img2txt_recall@1"]).toBe(1);
  const asked = await runCli(["caption", workdir, join(dir, "red-left.png")]);
  expect(asked.stderr).toContain(
    "writes no texts: it is a model of contrastive. Take a captioner, or ask it with ocelli predict.",
  );
  const predictor = await loadPredictor(workdir, { engine: "interpreter" });
  const [answer] = await predictor.predict([
    { shape: [8, 8, 3], dtype: "uint8", data: new Uint8Array(192).fill(90) },
  ]);
  await predictor.dispose();
  const vector = answer.kind === "features" ? toNumbers(answer.features) : [];
  expect(vector).toHaveLength(16);
  expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
});

test("a run that was stopped resumes to the same weights", async () => {
  const whole = await run("whole", { duration: { steps: 6 } });
  const steps = { every: { steps: 1 }, keep: 6 };
  await run("halves", { duration: { steps: 3 }, checkpoint: steps });
  const resumed = await resume(join(dir, "halves"), { duration: { steps: 6 } });
  expect(resumed.steps).toBe(6);
  const weights = (name: string) => readFile(join(dir, name, "checkpoint.safetensors"));
  expect((await weights("halves")).equals(await weights("whole"))).toBe(true);
  expect(resumed.evals).toEqual(whole.evals);
});

test("a tower begins with weights of its own and stays locked while the other learns", async () => {
  await run("towers", { duration: { steps: 2 } });
  const weights = join(dir, "towers");
  const locked: Partial<ConfigInput> = {
    init: { parts: { img: { weights } } },
    optimizer: {
      name: "adam",
      lr: 5e-3,
      schedule: [
        ["img/.*", null],
        [".*", {}],
      ],
    },
    duration: { steps: 3 },
  };
  await run("locked", locked);
  const read = (name: string) =>
    toFlat<HostArray>(readCheckpointFile(join(dir, name, "checkpoint.safetensors"), name).params);
  const [before, after] = [read("towers"), read("locked")];
  const same = Object.keys(after).filter(
    (name) => String(after[name].data) === String(before[name].data),
  );
  const isImage = (name: string) => name.startsWith("img/");
  expect(same.filter(isImage)).toEqual(Object.keys(after).filter(isImage));
  expect(same).toHaveLength(same.filter(isImage).length);
  await expect(run("bad", { init: { parts: { image: { weights } } } })).rejects.toThrow(
    'unknown part of two-towers (init.parts) "image"',
  );
  const wider = {
    ...config.model,
    image: { ...(config.model as { image: object }).image, mlpDim: 24 },
  };
  await expect(run("bad", { ...locked, model: wider as never })).rejects.toThrow(
    /towers does not fit the model: MAPHead_0/,
  );
});

test("a locked tower's embeddings are computed once, and training ends with the same weights", async () => {
  vi.stubEnv("OCELLI_CACHE", join(dir, "cache"));
  const locked: Partial<ConfigInput> = {
    optimizer: {
      name: "adam",
      lr: 5e-3,
      schedule: [
        ["img/.*", null],
        [".*", {}],
      ],
    },
    duration: { steps: 4 },
    evals: {},
  };
  const lines: string[] = [];
  const reporter = { line: (text: string) => lines.push(text), status: () => undefined } as never;
  const cached = (name: string, changes: Partial<ConfigInput> = {}) =>
    train(
      { ...config, ...locked, cacheEmbeddings: true, ...changes },
      { engine: "ort", workdir: join(dir, name), reporter },
    );
  const read = (name: string) =>
    toFlat<HostArray>(readCheckpointFile(join(dir, name, "checkpoint.safetensors"), name).params);
  await cached("plain", { cacheEmbeddings: false });
  await cached("computed");
  await cached("kept");
  const [a, b, c] = [read("plain"), read("computed"), read("kept")];
  expect(Object.keys(b).sort()).toEqual(Object.keys(a).sort());
  for (const [name, array] of Object.entries(a)) {
    expect(c[name].data).toEqual(b[name].data);
    toNumbers(array).forEach((value, i) => expect(toNumbers(b[name])[i]).toBeCloseTo(value, 5));
  }
  const told = lines.filter((line) => line.includes("embeddings"));
  expect(told).toEqual([
    expect.stringMatching(/the embeddings of 8 images are computed, and kept in .*cache/),
    expect.stringMatching(/the embeddings of 8 images come from .*cache/),
  ]);
  await cached("parts", { duration: { steps: 2 } });
  await resume(join(dir, "parts"), { duration: { steps: 4 } });
  expect(read("parts")).toEqual(b);

  const trained = { optimizer: config.optimizer };
  await expect(cached("bad", trained)).rejects.toThrow(
    /cacheEmbeddings cannot keep embeddings of images: the image tower is trained \(img\/.*\)\. Lock it/,
  );
  const flipping = "decode|resize(8)|flip_lr|value_range(-1,1)";
  const preprocess = { ...config.preprocess!, train: flipping };
  await expect(cached("bad", { preprocess })).rejects.toThrow(
    /preprocess\.train changes images anew each time \(".*flip_lr.*"\)\. Leave its random operations out\./,
  );
  vi.unstubAllEnvs();
});

test("what does not fit is one clear line", async () => {
  const { task, ...rest } = config;
  await expect(run("none", { ...rest, task: undefined })).rejects.toThrow("tokenizer is missing");
  const tokenizer = (task as { tokenizer: object }).tokenizer;
  const withTokenizer = (changes: object) =>
    run("bad", { task: { name: "contrastive", tokenizer: { ...tokenizer, ...changes } } as never });
  await expect(withTokenizer({ file: join(dir, "no.model") })).rejects.toThrow(
    /cannot read .*no\.model/,
  );
  await expect(withTokenizer({ vocabulary: 7 })).rejects.toThrow(
    "it has 700 pieces, the card says 7",
  );
  const { model } = config;
  await expect(
    run("small", { model: { ...model, text: { vocabSize: 10 } } as never }),
  ).rejects.toThrow("model.text.vocabSize is 10, but the tokenizer has 700 pieces. Leave it out.");
  const patches = "decode|resize_to_sequence(4,4)|value_range(-1,1)|patchify(4)";
  await expect(run("patches", { preprocess: { train: patches, eval: patches } })).rejects.toThrow(
    "preprocess.eval gives images of [4,48], not of [height, width, channels].",
  );
  await expect(run("vit", { model: { name: "vit", variant: "mu/4" } as never })).rejects.toThrow(
    "contrastive needs a model of images and texts; vit takes image. Take the model two-towers.",
  );
});

test("a run opens and resumes by its own copy of the vocabulary, wherever it lies", async () => {
  const workdir = join(dir, "own");
  const file = join(dir, "own.model");
  await copyFile(VOCABULARY, file);
  const tokenizer = { ...(config.task as { tokenizer: object }).tokenizer, file };
  const task = { name: "contrastive", tokenizer } as never;
  await run("own", { task, duration: { steps: 1 } });
  const exported = await runCli(["export", workdir, "--to", "onnx", "--out", join(dir, "x.onnx")]);
  expect(exported.stderr).toContain("a model of image and text cannot be exported to ONNX");
  await rm(file);
  const moved = join(dir, "moved");
  await rename(workdir, moved);
  const open = async (path: string) =>
    (await loadPredictor(path, { engine: "interpreter" })).dispose();
  await open(moved);
  await open(join(moved, "checkpoint.safetensors"));
  await resume(moved, { duration: { steps: 2 } });

  const other = new URL("../sp_unigram_bytes/tokenizer.model", VOCABULARY);
  const copy = join(moved, "tokenizer.vocabulary");
  await copyFile(other, copy);
  await expect(open(moved)).rejects.toThrow(
    /tokenizer\.vocabulary is another tokenizer than the model was trained with\. Put .*own\.model in its place/,
  );
  await rm(copy); // as runs from before have none
  await expect(open(moved)).rejects.toThrow(/cannot read .*own\.model/);
  await copyFile(VOCABULARY, file);
  await open(moved);
  await copyFile(other, file);
  const changed = "own.model is another tokenizer than the model was trained with";
  await expect(open(moved)).rejects.toThrow(changed);
  await expect(resume(moved, { duration: { steps: 3 } })).rejects.toThrow(changed);
});
