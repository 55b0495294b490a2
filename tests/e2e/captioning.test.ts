import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigInput, evaluateModelOn, resume, train } from "../../src/index.ts";
import { serveModel } from "../../src/serve/server.ts";
import { readCheckpointFile } from "../../src/weights/checkpoint-file.ts";
import { drawCaptioned } from "./captioned-drawings.ts";
import { runCli } from "./run-cli.ts";

let dir: string;
let config: ConfigInput;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-captioning-"));
  const { data, tokenizer } = await drawCaptioned(dir);
  const size = { width: 32, depth: 1, numHeads: 2, mlpDim: 64 };
  config = {
    name: "captions",
    data,
    task: { name: "captioning", tokenizer },
    model: {
      name: "cappa",
      encoder: { ...size, patchSize: [4, 4] },
      maskedPredProb: 0.25,
    },
    objective: { name: "captioning" },
    optimizer: { name: "adam", lr: 1e-2 },
    preprocess: {
      train: 'decode|resize(8)|value_range(-1,1)|pick_text("first")',
      eval: 'decode|resize(8)|value_range(-1,1)|pick_text("first")',
    },
    batchSize: 8,
    duration: { steps: 60 },
  };
});
afterAll(() => rm(dir, { recursive: true }));

const run = (name: string, changes: Partial<ConfigInput> = {}) =>
  train({ ...config, ...changes }, { engine: "ort", workdir: join(dir, name) });

test("captions are learned, judged by the schedule, and written for images", async () => {
  const evals = {
    likely: { type: "perplexity", split: "test", every: { steps: 60 } },
    written: { type: "captions", split: "test" },
    beams: { type: "captions", split: "test", beams: 3 },
  } as const;
  const result = await run("captions", { duration: { steps: 120 }, evals });
  expect(Object.keys(result.evals.likely)).toEqual(["perplexity", "accuracy", "loss"]);
  expect(result.evals.likely.perplexity).toBeLessThan(1.2);
  expect(result.evals.likely.perplexity).toBeCloseTo(Math.exp(result.evals.likely.loss), 1);
  expect(result.headline).toMatchObject({ metric: "likely/perplexity", better: "lower" });
  for (const name of ["written", "beams"]) {
    // each caption is one of the two that people wrote
    expect(result.evals[name].bleu4).toBeCloseTo(1, 6);
    expect(result.evals[name].rougeL).toBe(1);
    expect(result.evals[name].cider).toBeGreaterThan(4);
  }
  const workdir = join(dir, "captions");
  const images = ["red-left", "blue-right"].map((name) => join(dir, `${name}.png`));
  const captions = ["red on the left", "blue on the right"];
  const ask = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli([...args, "--engine", "ort"]);
    expect(stderr).not.toContain("ocelli:");
    expect(code).toBe(0);
    return stdout;
  };
  expect(await ask("caption", workdir, ...images)).toBe(
    images.map((image, i) => `${image}  ${captions[i]}\n`).join(""),
  );
  for (const args of [
    ["predict"],
    ["caption", "--beam", "3"],
    ["caption", "--sample", "--temperature", "0.05", "--seed", "7"],
  ]) {
    const told: unknown = JSON.parse(
      await ask(args[0], workdir, ...images, ...args.slice(1), "--json"),
    );
    const predictions = images.map((image, i) => ({ image, kind: "text", text: captions[i] }));
    expect(told).toMatchObject({ count: 2, predictions });
  }
  const short = await ask("caption", workdir, images[0], "--max-length", "1");
  expect(short.trim().length).toBeLessThan(`${images[0]}  ${captions[0]}`.length);
  const server = await serveModel(workdir, { port: 0, limits: { batch: 1 }, engine: "ort" });
  const body = new Uint8Array(await readFile(images[1]));
  const served = await fetch(new URL("predict", server.url), { method: "POST", body });
  expect(await served.json()).toEqual({ kind: "text", text: captions[1] });
  await server.close();
  const { values } = await evaluateModelOn(workdir, undefined, { engine: "ort" });
  expect(values.perplexity).toBeCloseTo(result.evals.likely.perplexity, 4);
  expect(values.bleu4).toBeCloseTo(1, 6);
});

test("a captioner that was stopped resumes to the same weights; its card keeps the tokenizer", async () => {
  const whole = await run("whole", { duration: { steps: 6 } });
  const steps = { every: { steps: 1 }, keep: 6 };
  await run("halves", { duration: { steps: 3 }, checkpoint: steps });
  const resumed = await resume(join(dir, "halves"), { duration: { steps: 6 } });
  expect(resumed.steps).toBe(6);
  const weights = (name: string) => readFile(join(dir, name, "checkpoint.safetensors"));
  expect((await weights("halves")).equals(await weights("whole"))).toBe(true);
  expect(resumed.evals).toEqual(whole.evals);
  const { card } = readCheckpointFile(join(dir, "whole", "checkpoint.safetensors"), "it");
  expect(card.task).toMatchObject({
    ...{ name: "captioning", end: 1 },
    tokenizer: { lower: "ascii", eos: "sticky", pad: 0, length: 12, vocabulary: 700 },
  });
});

test("what does not suit a captioner is one clear line", async () => {
  const { task, model } = config;
  const withTokenizer = (changes: object) =>
    run("bad", {
      task: { ...task, tokenizer: { ...(task as { tokenizer: object }).tokenizer, ...changes } },
    } as never);
  await expect(withTokenizer({ eos: "none" })).rejects.toThrow(
    /captioning cannot learn where a text ends: .*spiece\.model ends no text \(eos "none"\)\. Say task\.tokenizer\.eos "sticky"\./,
  );
  await expect(withTokenizer({ pad: 1 })).rejects.toThrow(
    /spiece\.model pads texts with 1, which also ends them\. Take another id as task\.tokenizer\.pad, such as 0\./,
  );
  const withModel = (changes: object) => run("bad", { model: { ...model, ...changes } } as never);
  await expect(withModel({ seqLen: 5 })).rejects.toThrow(
    "model.seqLen is 5, but texts have 12 tokens (task.tokenizer.length). Leave it out.",
  );
  await expect(withModel({ vocabSize: 5 })).rejects.toThrow(
    "model.vocabSize is 5, but the tokenizer has 700 pieces. Leave it out.",
  );
  await expect(run("bad", { model: { name: "vit", variant: "mu/4" } as never })).rejects.toThrow(
    "captioning needs a model that writes texts about images; vit takes image. Take the model cappa.",
  );
});

test("texts that are too long are cut and counted, unknown characters counted", async () => {
  const { task } = config;
  const tokenizer = { ...(task as { tokenizer: object }).tokenizer, length: 4 };
  await writeFile(
    join(dir, "odd.jsonl"),
    [
      { image: "red-left.png", caption: "red" },
      { image: "blue-left.png", caption: "a long way of saying that it is blue" },
      { image: "green-left.png", caption: "緑" },
    ]
      .map((pair) => JSON.stringify(pair))
      .join("\n"),
  );
  const lines: string[] = [];
  await train(
    {
      ...config,
      data: {
        name: "captions",
        files: { train: join(dir, "odd.jsonl"), test: join(dir, "odd.jsonl") },
      },
      task: { name: "captioning", tokenizer } as never,
      ...{ batchSize: 3, duration: { steps: 1 }, evals: {} },
    },
    {
      ...{ engine: "ort", workdir: join(dir, "odd") },
      reporter: { line: (text: string) => lines.push(text), status: () => undefined } as never,
    },
  );
  const told = lines.filter((line) => /texts (are|have)/.test(line));
  expect(told).toEqual([
    expect.stringMatching(/\b1 of 3 texts are cut to 4 tokens \(task\.tokenizer\.length\)$/),
    expect.stringMatching(/\b1 of 3 texts have characters that the tokenizer does not know$/),
  ]);
});

test.each([
  [
    "no caption",
    '{"image":"red-left.png","caption":" "}',
    /has no pairs of an image and a text: 2 pairs .* left out; 2 empty texts left out/,
  ],
  [
    "another encoding",
    Buffer.from('{"image":"red-left.png","caption":"caf\xe9"}', "latin1"),
    /is no text of UTF-8; save it as UTF-8\./,
  ],
  [
    "an image that is missing",
    '{"image":"none.png","caption":"red"}',
    /cannot read .*none\.png: there is no such file/,
  ],
] as const)("pairs with %s are one clear line", async (_, line, message) => {
  const file = join(dir, "bad.jsonl");
  await writeFile(file, line);
  const data = { name: "captions", files: { train: file, test: file } } as const;
  await expect(run("bad", { data })).rejects.toThrow(message);
});

test("a file that is no vocabulary, and flags that do not go together, are one clear line", async () => {
  const { task } = config;
  const tokenizer = {
    ...(task as { tokenizer: object }).tokenizer,
    file: join(dir, "train.jsonl"),
  };
  await expect(run("bad", { task: { name: "captioning", tokenizer } as never })).rejects.toThrow(
    /train\.jsonl: the tokenizer does not fit its card: "kind" is "sentencepiece", but the bytes are JSON\./,
  );
  const asked = await runCli(["caption", "RUN", "x.png", "--top-p", "0.5"]);
  expect(asked.stderr).toContain("--top-p needs --sample.");
  const wrong = await runCli(["caption", "RUN", "x.png", "--sample", "--top-p", "2"]);
  expect(wrong.stderr).toContain("--top-p: ");
});
