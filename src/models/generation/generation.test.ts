import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpz } from "../../formats/npz.ts";
import { type Engine, jit } from "../../engines/engine.ts";
import { openEngine } from "../../engines/select.ts";
import { installedPlugins } from "../../engines/xla/plugins.ts";
import {
  type HostArray,
  type Spec,
  type Tensor,
  fromNumbers,
  sizeOf,
  toNumbers,
} from "../../graph/index.ts";
import { type Params, apply, modelSpecs } from "../../nn/index.ts";
import { seededRandom } from "../../random.ts";
import { fromFlat, toFlat } from "../../tree.ts";
import { type GenerationOptions, createFieldModel, createGenerator } from "../index.ts";
import { filterScores } from "./sample.ts";

const LENGTH = 11; // a group of steps, and some that are left
const VOCABULARY = 9;
const BATCH = 3;
const END = 4;
const PAD = 0;
const drawer = (seed: string) => {
  const random = seededRandom(seed);
  return (shape: readonly number[], scale: number): HostArray =>
    fromNumbers(
      Array.from({ length: sizeOf(shape) }, () => scale * (2 * random.uniform() - 1)),
      shape,
      "float32",
    );
};
const image = drawer("pictures")([BATCH, 8, 8, 3], 4);
const PIXELS = 8 * 8 * 3;
const picture = (row: number): HostArray =>
  fromNumbers(toNumbers(image).slice(row * PIXELS, (row + 1) * PIXELS), [1, 8, 8, 3], "float32");

/** How large values are: what is seen of an image weighs enough for pictures to have unlike texts. */
const scaleOf = (name: string): number =>
  /^encoder\/embedding|CrossAttn\/(value|out)/.test(name) ? 3 : 0.6;

/** A captioner with random arrays. */
function captioner(scan: boolean, options: object = {}) {
  const size = { width: 16, depth: 2, numHeads: 2, mlpDim: 24 };
  const given = {
    encoder: { ...size, patchSize: [4, 4] },
    decoder: { scan, width: 24, numHeads: 3, depth: 3 },
    ...{ vocabSize: VOCABULARY, seqLen: LENGTH, maskedPredProb: 0.5, ...options },
  };
  const model = createFieldModel("cappa", given);
  const fields = {
    image: { shape: image.shape, dtype: "float32" },
    text: { shape: [BATCH, LENGTH], dtype: "int32" },
  } as const;
  const draw = drawer(`x, scan ${scan}`);
  const specs = Object.entries(toFlat<Spec>(modelSpecs(model, fields).params));
  const arrays = specs.map(([name, { shape }]) => [name, draw(shape, scaleOf(name))]);
  const params = fromFlat<HostArray>(Object.fromEntries(arrays) as Record<string, HostArray>);
  return { model, generate: createGenerator("cappa", given)!, params };
}

/** Scores of the token after some others for a picture, by the whole model without caches. */
function scorer(engine: Engine, { model, params }: ReturnType<typeof captioner>) {
  const program = jit(engine, (arrays: Params, pixels: Tensor, text: Tensor) => {
    const { result } = apply(model, { params: arrays }, { image: pixels, text });
    return result[0];
  });
  return async (row: number, before: readonly number[]): Promise<number[]> => {
    const text = fromNumbers(padded(before), [1, LENGTH], "int32");
    const scores = await program(params as never, picture(row), text);
    const read = toNumbers(await scores.read());
    scores.dispose();
    return read.slice(before.length * VOCABULARY, (before.length + 1) * VOCABULARY);
  };
}

async function write(
  engine: Engine,
  { generate, params }: ReturnType<typeof captioner>,
  options?: GenerationOptions,
  pixels: HostArray = image,
  vocabulary?: number,
): Promise<number[][]> {
  const program = jit(engine, (arrays: Params, x: Tensor) => {
    const writing = (...[scope, fields]: [Parameters<typeof generate>[0], { image: Tensor }]) =>
      generate(scope, fields, { end: END, pad: PAD, vocabulary }, options);
    return apply(writing, { params: arrays }, { image: x }).result;
  });
  const written = await program(params as never, pixels);
  const { shape, data } = await written.read();
  written.dispose();
  return Array.from({ length: shape[0] }, (_, i) => [
    ...(data as Int32Array).slice(i * shape[1], (i + 1) * shape[1]),
  ]);
}

const padded = (text: readonly number[], length = LENGTH): number[] =>
  Array.from({ length }, (_, i) => text[i] ?? PAD);
const logSoftmax = (scores: readonly number[]): number[] => {
  const most = Math.max(...scores);
  const sum = Math.log(scores.reduce((total, x) => total + Math.exp(x - most), 0)) + most;
  return scores.map((x) => x - sum);
};
const likeliest = (scores: readonly number[]): number => scores.indexOf(Math.max(...scores));

/** Beam search straight from its definition: the whole model scores every text anew. */
async function searched(
  score: ReturnType<typeof scorer>,
  row: number,
  beams: number,
  penalty: number,
): Promise<number[]> {
  let live = [{ text: [] as number[], sum: 0 }];
  let best = { text: [] as number[], value: -Infinity };
  for (let i = 0; i < LENGTH; i++) {
    const next: typeof live = [];
    for (const { text, sum } of live) {
      logSoftmax(await score(row, text)).forEach((likely, token) => {
        const made = { text: [...text, token], sum: sum + likely };
        if (token !== END) next.push(made);
        else {
          const value = made.sum / ((5 + made.text.length) / 6) ** penalty;
          if (value > best.value) best = { text: made.text, value };
        }
      });
    }
    live = next.sort((a, b) => b.sum - a.sum).slice(0, beams);
  }
  return padded(best.text);
}

const hasXla = installedPlugins().includes("xla-cpu");

describe.each(["interpreter", "ort", "xla-cpu"])("on %s", (name) => {
  let engine: Engine;
  beforeAll(async () => {
    if (name !== "xla-cpu" || hasXla) engine = await openEngine(name);
  });
  afterAll(() => engine?.dispose());

  test.for([false, true])(
    "with caches each token is the likeliest of the whole model's scores (scan: %s)",
    async (scan, { skip }) => {
      skip(name === "xla-cpu" && !hasXla, "xla-cpu is not installed");
      const made = captioner(scan);
      const texts = await write(engine, made);
      const score = scorer(engine, made);
      for (const [row, text] of texts.entries()) {
        const ids: number[] = [];
        while (ids.length < LENGTH && ids.at(-1) !== END)
          ids.push(likeliest(await score(row, ids)));
        expect(text).toEqual(padded(ids));
      }
      expect(new Set(texts.map(String)).size).toBeGreaterThan(1);
      const short = await write(engine, made, { maxLength: 5 });
      expect(short).toEqual(texts.map((text) => text.slice(0, 5)));
    },
  );

  test.for([
    [false, 3, 0],
    [true, 4, 0.8],
  ] as const)(
    "beam search (scan: %s, %d beams, penalty %d)",
    async ([scan, beams, penalty], { skip }) => {
      skip(name === "xla-cpu" && !hasXla, "xla-cpu is not installed");
      const made = captioner(scan);
      const texts = await write(engine, made, { beams, lengthPenalty: penalty });
      const score = scorer(engine, made);
      for (const [row, text] of texts.entries()) {
        expect(text).toEqual(await searched(score, row, beams, penalty));
      }
    },
  );

  test("drawn texts are the same as on the interpreter", async ({ skip }) => {
    skip(name === "xla-cpu" && !hasXla, "xla-cpu is not installed");
    const made = captioner(false);
    const plain = await openEngine("interpreter");
    const options = { seed: 3, topP: 0.9, topK: 7, temperature: 1.2 };
    expect(await write(engine, made, options)).toEqual(await write(plain, made, options));
    await plain.dispose();
  });
});

test("drawn texts follow their seed, and not what stands beside them", async () => {
  const engine = await openEngine("interpreter");
  const made = captioner(false);
  const texts = await write(engine, made, { seed: 3 });
  expect(await write(engine, made, { seed: 3 })).toEqual(texts);
  expect(await write(engine, made, { seed: 4 })).not.toEqual(texts);
  expect(await write(engine, made, { seed: 3 }, picture(0))).toEqual(texts.slice(0, 1));
  await engine.dispose();
});

test("drawn from one token alone, texts are those of the likeliest tokens", async () => {
  const engine = await openEngine("interpreter");
  const made = captioner(false);
  const texts = await write(engine, made);
  expect(await write(engine, made, { topK: 1 })).toEqual(texts);
  expect(await write(engine, made, { topP: 1e-6 })).toEqual(texts);
  await engine.dispose();
});

test("what the tokenizer does not have is not written", async () => {
  const engine = await openEngine("interpreter");
  const made = captioner(false);
  const most = (texts: readonly (readonly number[])[]) => Math.max(...texts.flat());
  expect(most(await write(engine, made, { temperature: 9 }))).toBeGreaterThanOrEqual(6);
  for (const options of [{ temperature: 9 }, { beams: 3 }, {}]) {
    expect(most(await write(engine, made, options, image, 6))).toBeLessThan(6);
  }
  await engine.dispose();
});

const DECODING = new URL("../../../../shared/oracles/decoding/paligemma/io.npz", import.meta.url);

test.skipIf(!existsSync(DECODING))(
  "filters and draws are big_vision's (skipped: its recorded scores are not here)",
  async () => {
    const recorded = readNpz(await readFile(DECODING));
    const engine = await openEngine("interpreter");
    const cases = {
      greedy: {},
      "temperature0.8_gumbel": { temperature: 0.8 },
      "nucleus0.7_t1.2_gumbel": { temperature: 1.2, topP: 0.7 },
      "temperature1.5_uniform": { temperature: 1.5 },
      "nucleus0.5_t1.0_uniform": { temperature: 1, topP: 0.5 },
    };
    for (const [name, options] of Object.entries(cases)) {
      const logits = recorded[`out/${name}/logits`]; // [rows, steps, vocabulary]
      const tokens = toNumbers(recorded[`out/${name}/tokens`]);
      const [rows, steps, vocabulary] = logits.shape;
      const all = fromNumbers(toNumbers(logits), [rows * steps, vocabulary], "float32");
      const filter = jit(engine, (scores: Tensor) => filterScores(scores, options));
      const kept = toNumbers(await (await filter(all)).read());
      const [gumbel, uniform] = [recorded["in/gumbel"], recorded["in/uniform"]].map(toNumbers);
      tokens.forEach((token, at) => {
        const [row, step] = [Math.floor(at / steps), at % steps];
        const scores = kept.slice(at * vocabulary, (at + 1) * vocabulary);
        const noise = gumbel.slice((step * rows + row) * vocabulary);
        if (!name.endsWith("uniform")) {
          const noisy = scores.map((x, i) => x + (name === "greedy" ? 0 : noise[i]));
          expect(likeliest(noisy)).toBe(token);
          return;
        }
        let below = 0;
        const drawn = logSoftmax(scores).findIndex((likely) => {
          below += Math.exp(likely);
          return below > uniform[step * rows + row];
        });
        expect(drawn).toBe(token);
      });
    }
    await engine.dispose();
  },
);

test("tokens are drawn from the likeliest that are asked for", async () => {
  const engine = await openEngine("interpreter");
  const keep = async (options: GenerationOptions): Promise<boolean[]> => {
    const program = jit(engine, (scores: Tensor) => filterScores(scores, options));
    const kept = await program(fromNumbers([0.1, 0.4, 0.2, 0.3].map(Math.log), [1, 4], "float32"));
    return toNumbers(await kept.read()).map((score) => score > -1e6);
  };
  expect(await keep({ topK: 2 })).toEqual([false, true, false, true]);
  expect(await keep({ topP: 0.39 })).toEqual([false, true, false, false]);
  expect(await keep({ topP: 0.69 })).toEqual([false, true, false, true]);
  expect(await keep({ topP: 0.71 })).toEqual([false, true, true, true]);
  expect(await keep({ topP: 0.71, temperature: 0.3 })).toEqual([false, true, false, true]);
  expect(await keep({})).toEqual([true, true, true, true]);
  await engine.dispose();
});

test("what does not go together is one clear line", async () => {
  const engine = await openEngine("interpreter");
  const made = captioner(false);
  await expect(write(engine, made, { beams: 2, topK: 3 })).rejects.toThrow(
    "texts are written with beams or drawn, not both. Leave out beams, or temperature, topK, topP and seed.",
  );
  await expect(write(engine, made, { maxLength: 12 })).rejects.toThrow(
    "maxLength is 12, but the model writes at most 11 tokens.",
  );
  await expect(write(engine, made, { lengthPenalty: 1 })).rejects.toThrow(
    "lengthPenalty compares the texts of several beams. Say beams, such as 4, or leave it out.",
  );
  expect(createGenerator("vit", { variant: "mu/4" })).toBeUndefined();
  await engine.dispose();
});
