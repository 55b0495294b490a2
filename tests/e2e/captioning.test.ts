import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigInput, resume, train } from "../../src/index.ts";
import { readCheckpointFile } from "../../src/weights/checkpoint-file.ts";
import { drawCaptioned } from "./captioned-drawings.ts";

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
