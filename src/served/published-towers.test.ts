import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeviceArray } from "../engines/engine.ts";
import { openNpz } from "../formats/npz.ts";
import { type HostArray, fromNumbers, toNumbers } from "../graph/index.ts";
import { identityOf } from "../search/embedder.ts";
import { tokenizerOf } from "../tasks/index.ts";
import { openBackbone } from "../transfer/backbone.ts";
import { createLabelRanker } from "./classification/zero-shot.ts";
import { openModel } from "./open.ts";
import { openTrained } from "./trained.ts";

const golden = (path: string): string =>
  fileURLToPath(new URL(`../../tests/golden/${path}`, import.meta.url));

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "ocelli-towers-"))));
afterAll(() => rm(folder, { recursive: true }));

/** A vocabulary of the words "w0", "w1" and so on, whose ids are their numbers. */
const wordList = (size: number) => ({
  version: "1.0",
  added_tokens: [],
  pre_tokenizer: { type: "Whitespace" },
  model: {
    type: "WordLevel",
    vocab: Object.fromEntries(Array.from({ length: size }, (_, i) => [`w${i}`, i])),
    unk_token: "w2",
  },
});

const words = (ids: readonly number[]): string => ids.map((id) => `w${id}`).join(" ");

/** A folder as a repository of the hub is, of recorded weights and a vocabulary of some words. */
async function repository(
  name: string,
  recorded: string,
  tokenizer: object,
  size: number,
): Promise<string> {
  const place = join(folder, name);
  await cp(golden(`${recorded}/model`), place, { recursive: true });
  await rm(join(place, "spiece.model"), { force: true }); // of more pieces than the small tower knows
  await writeFile(join(place, "tokenizer_config.json"), JSON.stringify(tokenizer));
  await writeFile(join(place, "tokenizer.json"), JSON.stringify(wordList(size)));
  return place;
}

const SIGLIP = { tokenizer_class: "SiglipTokenizer", model_max_length: 1e30, eos_token: "w1" };
const CLIP = {
  ...{ tokenizer_class: "CLIPTokenizer", model_max_length: 77 },
  ...{ bos_token: "w48", eos_token: { content: "w49" } },
};

const siglip = (name: string) => repository(name, "hf_siglip/model", SIGLIP, 60);
const clip = (name: string) => repository(name, "hf_clip/model", CLIP, 50);

async function recorded(path: string): Promise<(name: string) => HostArray> {
  const { read } = openNpz(await readFile(golden(`${path}/io.npz`)));
  return read;
}

const rowsOf = (array: HostArray): number[][] => {
  const [rows, columns] = array.shape;
  const all = toNumbers(array);
  return Array.from({ length: rows }, (_, i) => all.slice(i * columns, (i + 1) * columns));
};

const vectorOf = (row: readonly number[]): HostArray => fromNumbers(row, [row.length], "float32");

/** The largest difference of numbers in order. */
const difference = (a: readonly number[], b: readonly number[]): number => {
  expect(a.length).toBe(b.length);
  return Math.max(...a.map((x, i) => Math.abs(x - b[i])));
};

test("CLIP ranks labels as its recorded logits do: by softmax", async () => {
  const spec = await clip("clip");
  const read = await recorded("hf_clip/model");
  const model = await openModel(spec, { engine: "ort" });
  try {
    expect(model.card.task).toMatchObject({ name: "contrastive", loss: "softmax" });
    expect(model.texts!.tokenizer.card.length).toBe(12);
    // the library's rows begin with 48, end with 49 and are filled up with it
    const labels = rowsOf(read("in/input_ids")).map((row) =>
      words(row.slice(1, row.indexOf(49)).map(Number)),
    );
    const rankLabels = createLabelRanker(model, spec);
    const logits = rowsOf(read("out/logits_per_image"));
    for (const [i, vector] of rowsOf(read("out/image_embeds")).entries()) {
      const ranked = await rankLabels(vectorOf(vector), labels);
      const whole = logits[i].reduce((sum, x) => sum + Math.exp(x), 0);
      const want = logits[i].map((x) => Math.exp(x) / whole);
      const got = labels.map((label) => ranked.find(({ name }) => name === label)!.score);
      expect(difference(got, want)).toBeLessThan(1e-6);
    }
  } finally {
    await model.dispose();
  }
});

test("SigLIP gives the recorded logits for pictures and rows of ids, and sigmoid probabilities for labels", async () => {
  const spec = await siglip("siglip");
  const read = await recorded("hf_siglip/model");
  // pictures are recorded as they are after the preprocessing
  const model = await openModel(spec, {
    ...{ engine: "ort", preprocessing: "resize(32)|value_range(0,255,0,255)" },
  });
  try {
    const { card, task, texts } = model;
    expect(card.task).toMatchObject({ name: "contrastive", loss: "sigmoid" });
    expect(texts!.tokenizer.card.length).toBe(16);
    const run = model.compile(({ out }) => ({
      logits: out.logits,
      zimg: task.heads.embed({ output: out.logits, out }),
    }));
    const pixels = read("in/pixel_values");
    const [batch, channels, height, width] = pixels.shape;
    const values = toNumbers(pixels);
    const image = fromNumbers(
      values.map((_, at) => {
        const [cell, channel] = [Math.floor(at / channels) % (height * width), at % channels];
        const one = Math.floor(at / (channels * height * width));
        return values[(one * channels + channel) * height * width + cell];
      }),
      [batch, height, width, channels],
      "float32",
    );
    const ids = read("in/input_ids");
    const text = fromNumbers(toNumbers(ids).map(Number), ids.shape, "int32");
    const made = (await run({ image, text })) as unknown as Record<string, DeviceArray>;
    const logits = toNumbers(await made.logits.read());
    expect(difference(logits, toNumbers(read("out/logits_per_image")))).toBeLessThan(1e-5);

    const labels = ["w3 w7", "w40"];
    const embedded = rowsOf(await texts!.embed(labels));
    const [vector] = rowsOf(await made.zimg.read());
    const ranked = await createLabelRanker(model, spec)(vectorOf(vector), labels);
    const scaling = model.compile(({ out }) => ({ t: out.t, b: out.b }));
    const { t, b } = (await scaling({ text })) as unknown as Record<string, DeviceArray>;
    const [[scale], [bias]] = [toNumbers(await t.read()), toNumbers(await b.read())];
    const want = embedded.map((row) => {
      const product = row.reduce((sum, x, j) => sum + x * vector[j], 0);
      return 1 / (1 + Math.exp(-(scale * product + bias)));
    });
    const got = labels.map((label) => ranked.find(({ name }) => name === label)!.score);
    expect(difference(got, want)).toBeLessThan(1e-6);
  } finally {
    await model.dispose();
  }
});

describe("what is no pair of towers stays as it is", () => {
  test("a backbone is the image tower alone", async () => {
    const { model, features } = await openBackbone(await siglip("backbone"));
    expect(model).toMatchObject({ name: "vit", poolType: "map" });
    expect(features).toBe(32);
  });

  test("so is a part of the weights", async () => {
    const spec = await siglip("part");
    const { card } = await openTrained(`${spec}:vision_model`);
    expect(card).toMatchObject({ model: { name: "vit" }, task: { name: "features" } });
  });
});

test("of CLIP, whose image tower is not described alone, a backbone is what embeds images", async () => {
  const { model, features } = await openBackbone(await clip("embedding"));
  expect(model.name).toBe("two-towers");
  expect(features).toBe(20);
});

test("an index knows a model again wherever the tokenizer's file lies", async () => {
  const [one, other] = [
    await openTrained(await clip("here")),
    await openTrained(await clip("there")),
  ];
  expect(tokenizerOf(one.card.task)!.file).not.toBe(tokenizerOf(other.card.task)!.file);
  expect(identityOf("clip", other)).toEqual(identityOf("clip", one));
});

test("SigLIP 2 reads lower case, as it was trained", async () => {
  const spec = await repository(
    "gemma",
    "hf_siglip/model",
    { ...SIGLIP, tokenizer_class: "GemmaTokenizer" },
    60,
  );
  const { card } = await openTrained(spec);
  expect(tokenizerOf(card.task)).toMatchObject({ lower: "unicode", bos: "no", length: 16 });
});

describe("a tokenizer that cannot be read is one line", () => {
  const failing = async (spec: string): Promise<string> => {
    const error: unknown = await openTrained(spec).then(
      () => undefined,
      (error: unknown) => error,
    );
    return (error as Error).message.replaceAll(spec, "REPOSITORY");
  };

  test("where it is missing", async () => {
    const spec = await siglip("missing");
    await rm(join(spec, "tokenizer_config.json"));
    expect(await failing(spec)).toBe(
      "REPOSITORY has no tokenizer that is known here: there is no tokenizer_config.json. Its image tower alone is REPOSITORY:vision_model.",
    );
  });

  test("where its vocabulary is missing", async () => {
    const spec = await siglip("vocabulary");
    await rm(join(spec, "tokenizer.json"));
    expect(await failing(spec)).toBe(
      "REPOSITORY has no tokenizer that is known here: there is no spiece.model and no tokenizer.json. Its image tower alone is REPOSITORY:vision_model.",
    );
  });

  test("where it is unknown", async () => {
    const spec = await siglip("unknown");
    await writeFile(join(spec, "tokenizer_config.json"), '{"tokenizer_class":"T5Tokenizer"}');
    expect(await failing(spec)).toBe(
      "REPOSITORY has no tokenizer that is known here: tokenizer_config.json says T5Tokenizer. Its image tower alone is REPOSITORY:vision_model.",
    );
  });

  test("where it has more pieces than the text tower knows", async () => {
    const spec = await repository("large", "hf_siglip/model", SIGLIP, 61);
    expect(await failing(spec)).toBe(
      "REPOSITORY: its tokenizer has 61 pieces, its text tower knows 60. They are of two models; put the right tokenizer beside it.",
    );
  });
});
