import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { type HostArray, toNumbers } from "../../src/graph/index.ts";
import {
  type ConfigInput,
  type Ranked,
  decodeImageFile,
  evaluateModelOn,
  loadPredictor,
  openModel,
  resume,
  train,
} from "../../src/index.ts";
import { toFlat } from "../../src/tree.ts";
import { readCheckpointFile } from "../../src/weights/checkpoint-file.ts";
import { COLOURS, PLACES, VOCABULARY } from "./captioned-drawings.ts";
import { lastJson, runCli } from "./run-cli.ts";
import { writePairs } from "./small-pairs.ts";

let dir: string;
let config: ConfigInput;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-contrastive-"));
  config = await writePairs(dir);
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
    "writes no texts: it is a model of contrastive. Take a run of the task captioning, or ask this model with ocelli predict.",
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

test("texts become vectors in the space of the images", async () => {
  const workdir = join(dir, "cli");
  const model = await openModel(workdir, { engine: "interpreter" });
  const captions = Object.keys(COLOURS).flatMap((colour) =>
    Object.keys(PLACES).map((place) => `${colour} on the ${place}`),
  );
  const { shape, data } = await model.texts!.embed(captions);
  expect(shape).toEqual([8, 16]);
  const alone = await model.texts!.embed([captions[5]]);
  await model.dispose();
  const row = (array: HostArray, k: number) => toNumbers(array).slice(k * 16, (k + 1) * 16);
  const texts = { shape, data, dtype: "float32" } as HostArray;
  for (let k = 0; k < 8; k++) expect(Math.hypot(...row(texts, k))).toBeCloseTo(1, 6);
  row(texts, 5).forEach((x, j) => expect(toNumbers(alone)[j]).toBeCloseTo(x, 5));
  const predictor = await loadPredictor(workdir, { engine: "interpreter" });
  const [answer] = await predictor.predict([await decodeImageFile(join(dir, "red-left.png"))]);
  await predictor.dispose();
  const image = answer.kind === "features" ? toNumbers(answer.features) : [];
  const scores = captions.map((_, k) => row(texts, k).reduce((sum, x, j) => sum + x * image[j], 0));
  expect(captions[scores.indexOf(Math.max(...scores))]).toBe("red on the left");
});

test("ocelli embed writes images and texts", async () => {
  const workdir = join(dir, "cli");
  const out = (name: string) => join(dir, `${name}.parquet`);
  const embed = (...args: string[]) => runCli(["embed", ...args, "--engine", "interpreter"]);
  const images = await embed(workdir, join(dir, "red-left.png"), "--out", out("i"), "--json");
  expect(lastJson(images)).toMatchObject({ count: 1, features: 16 });
  const lines = join(dir, "lines.txt");
  await writeFile(lines, "blue on the right\nwhite 猫 猫\n");
  const long = Array.from({ length: 40 }, () => "red").join(" ");
  const texts = await embed(
    ...[workdir, "--text", "red on the left", "--text", long, "--texts", lines],
    ...["--out", out("t"), "--json"],
  );
  expect(lastJson(texts)).toEqual({ out: out("t"), count: 4, features: 16 });
  expect(texts.stderr).toMatch(/"red red .*…" has \d+ tokens: the model reads the first 11/);
  expect(texts.stderr).toMatch(/"white 猫 猫": \d of \d tokens are unknown to the model/);
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(out("t")) });
  expect(rows.map(({ id }) => id)).toEqual([
    ...["red on the left", long, "blue on the right", "white 猫 猫"],
  ]);
  expect(rows[0].embedding).toHaveLength(16);
  const empty = await embed(workdir, "--text", "  ", "--out", out("e"));
  expect([empty.code, empty.stderr]).toEqual([2, "ocelli: a --text is empty.\n"]);
  const both = await embed(workdir, "a.png", "--text", "a", "--out", out("e"));
  expect(both.stderr).toContain("a.png is an image, and texts are given too");
  const none = await embed(workdir, "--out", out("e"));
  expect(none.stderr).toContain("ocelli embed needs images, or texts as --text");
});

test("a model of images alone says that it reads no texts", async () => {
  const workdir = join(dir, "vit");
  const plain = "decode|resize(8)|value_range(-1,1)";
  await train(
    {
      ...config,
      data: { name: "folder", dir: await classFolders() },
      task: undefined,
      model: { name: "vit", width: 16, depth: 1, numHeads: 2, mlpDim: 32, patchSize: [4, 4] },
      objective: { name: "classification" },
      preprocess: { train: plain, eval: plain },
      duration: { steps: 1 },
      evals: {},
    } as ConfigInput,
    { engine: "interpreter", workdir },
  );
  const captured = await runCli([
    ...["embed", workdir, "--text", "a", "--out", join(dir, "x.parquet")],
    ...["--engine", "interpreter"],
  ]);
  expect(captured.code).toBe(2);
  expect(captured.stderr).toBe(
    `ocelli: ${workdir} reads no texts: it is a model of the task classification. Give a run of the task contrastive, or SigLIP or CLIP as hf:….\n`,
  );
});

test("labelled images are judged by the names of their classes", async () => {
  const data = { name: "folder", dir: await classFolders() } as const;
  const workdir = join(dir, "cli");
  const options = { engine: "interpreter", split: "all" };
  const { values, examples } = await evaluateModelOn(workdir, data, options);
  const classes = Object.keys(COLOURS).sort();
  const model = await openModel(workdir, options);
  const names = toNumbers((await model.texts!.embed(classes)) as HostArray);
  await model.dispose();
  const predictor = await loadPredictor(workdir, options);
  let correct = 0;
  for (const [label, colour] of classes.entries()) {
    for (const place of Object.keys(PLACES)) {
      const image = await decodeImageFile(join(dir, `${colour}-${place}.png`));
      const [answer] = await predictor.predict([image]);
      const vector = answer.kind === "features" ? toNumbers(answer.features) : [];
      const scores = classes.map((_, k) =>
        vector.reduce((sum, x, at) => sum + x * names[k * vector.length + at], 0),
      );
      if (scores.indexOf(Math.max(...scores)) === label) correct++;
    }
  }
  await predictor.dispose();
  expect({ values, examples }).toEqual({ values: { accuracy: correct / 8 }, examples: 8 });

  const templates = ["{} on the left", "{} on the right", "left: {}", "right: {}"];
  const zero = { type: "zeroshot", data, split: "all", templates };
  const trained = await run("zero", {
    duration: { steps: 1 },
    optimizer: { name: "adam", lr: 1e-12 },
    evals: {
      named: zero,
      swapped: { ...zero, classNames: ["red", "white", "blue", "green"] },
      test: { type: "retrieval", split: "test" },
    },
    init: { weights: workdir },
  } as Partial<ConfigInput>);
  expect(trained.evals).toMatchObject({ named: { accuracy: 1 }, swapped: { accuracy: 0 } });
  const wrong = { bad: { ...zero, classNames: ["red"] } };
  await expect(run("bad", { evals: wrong } as Partial<ConfigInput>)).rejects.toThrow(
    "zeroshot: there are 1 classNames for 4 classes.",
  );
});

test("images are classified by labels", async () => {
  const workdir = join(dir, "cli");
  const images = ["red-left", "blue-right"].map((name) => join(dir, `${name}.png`));
  const classify = (labels: string, ...more: string[]) =>
    runCli(["classify", workdir, "--labels", labels, ...images, "--engine=interpreter", ...more]);
  const colours = await classify("blue,green,red", "--template", "{} on the left", "--json");
  const { predictions } = lastJson<{ predictions: { image: string; ranked: Ranked[] }[] }>(colours);
  expect(predictions.map(({ ranked: [{ name }] }) => name)).toEqual(["red", "blue"]);
  const labels = join(dir, "labels.txt");
  await writeFile(labels, "on the left, left\non the right, right\n");
  const places = await classify(labels, "--top-k", "1");
  expect(places.stdout).toMatch(/red-left\.png {2}on the left, left \d.*\n.*on the right, right/);

  // sigmoid: t · zᵀw + b for each label by itself
  const model = await openModel(workdir, { engine: "interpreter" });
  const { data } = await model.texts!.embed(["red on the left"]);
  await model.dispose();
  const { params } = readCheckpointFile(join(workdir, "checkpoint.safetensors"), "it");
  const [t, b] = ["t", "b"].map((name) =>
    Number((params as Readonly<Record<string, HostArray>>)[name].data[0]),
  );
  const predictor = await loadPredictor(workdir, { engine: "interpreter" });
  const [answer] = await predictor.predict([await decodeImageFile(images[0])]);
  await predictor.dispose();
  const image = answer.kind === "features" ? toNumbers(answer.features) : [];
  const product = image.reduce((sum, x, j) => sum + x * Number(data[j]), 0);
  const red = predictions[0].ranked.find(({ name }) => name === "red")!;
  expect(red.score).toBeCloseTo(1 / (1 + Math.exp(-(Math.exp(t) * product + b))), 5);

  const errors = {
    "red,,blue": "label 2 of 3 is empty. Such as cat,dog.",
    "red,Red!": 'the labels "red" and "Red!" are the same. Such as cat,dog.',
    "none.txt": /cannot read none\.txt/,
  };
  for (const [given, message] of Object.entries(errors)) {
    const { code, stderr } = await classify(given);
    expect([code, stderr.trim().split("\n").length]).toEqual([2, 1]);
    expect(stderr).toMatch(message);
  }
  const template = await classify("red,blue", "--template", "a photo");
  expect(template.stderr).toContain('the template "a photo" must have one {} for the name.');
  const long = await classify(`red,${"blue ".repeat(30)}`);
  expect(long.stdout).toContain("tokens: the model reads the first 11");
});

test("with the softmax loss the labels' probabilities sum to 1", async () => {
  await run("softmax", {
    objective: { name: "contrastive", loss: "softmax" },
    duration: { steps: 1 },
  } as Partial<ConfigInput>);
  const workdir = join(dir, "softmax");
  const args = ["classify", workdir, join(dir, "red-left.png"), "--engine=interpreter"];
  const several = await runCli([...args, "--labels", "red,blue,green", "--json"]);
  const { predictions } = lastJson<{ predictions: { ranked: Ranked[] }[] }>(several);
  const sum = predictions[0].ranked.reduce((total, { score }) => total + score, 0);
  expect(sum).toBeCloseTo(1, 5);
  const one = await runCli([...args, "--labels", "red"]);
  expect(one.stderr).toContain(
    "compares labels with one another: one alone is always right. Give at least two",
  );
});

/** The images of the pairs in a folder for each colour. */
async function classFolders(): Promise<string> {
  const root = join(dir, "classes");
  for (const colour of Object.keys(COLOURS)) {
    await mkdir(join(root, colour), { recursive: true });
    for (const place of Object.keys(PLACES)) {
      const name = `${colour}-${place}.png`;
      await copyFile(join(dir, name), join(root, colour, name));
    }
  }
  return root;
}

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
