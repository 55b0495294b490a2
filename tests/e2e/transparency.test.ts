/** @file Transparent pictures, from training to prediction: what the run says, keeps and shows of them. */

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigInput, evaluateModelOn, resume, train, transfer } from "../../src/index.ts";
import type { DataProblemsSummary } from "../../src/data/problems.ts";
import type { Reporter } from "../../src/train/watch/progress.ts";
import { readCheckpointFile } from "../../src/weights/checkpoint-file.ts";
import { lastJson, runCli } from "./run-cli.ts";
import { smallConfig } from "./small-run.ts";

const SIDE = 16;
let dir: string;
let config: ConfigInput;

/** A line drawing: black lines on nothing, and nothing is black. */
const drawing = (isLine: (x: number, y: number) => boolean) =>
  sharp(
    Uint8Array.from({ length: SIDE * SIDE * 4 }, (_, i) => {
      const at = Math.floor(i / 4);
      return i % 4 === 3 && isLine(at % SIDE, Math.floor(at / SIDE)) ? 255 : 0;
    }),
    { raw: { width: SIDE, height: SIDE, channels: 4 } },
  );

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-transparency-"));
  for (const split of ["train", "test"]) {
    for (const name of ["across", "down"]) {
      await mkdir(join(dir, "data", split, name), { recursive: true });
      for (let i = 0; i < (split === "train" ? 8 : 4); i++) {
        const line = (along: number) => along % 8 >= i % 4 && along % 8 < (i % 4) + 4;
        const picture = drawing((x, y) => line(name === "across" ? y : x));
        await picture.png().toFile(join(dir, "data", split, name, `${i}.png`));
      }
    }
  }
  const prepared = "decode|resize(28)|grayscale|value_range(-1,1)";
  config = {
    ...smallConfig(dir, 12),
    data: { name: "folder", dir: join(dir, "data") },
    preprocess: { train: prepared, eval: prepared },
    batchSize: 8,
    evals: { test: { split: "test" } },
    checkpoint: { every: { steps: 6 }, keep: 2 },
  } as unknown as ConfigInput;
});
afterAll(() => rm(dir, { recursive: true }));

function recorder() {
  const lines: string[] = [];
  const reporter: Reporter = {
    line: (text) => lines.push(text),
    status: () => undefined,
    terminal: false,
  };
  return { lines, reporter };
}

const noteOf = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.includes("transparent"));
const json = async (...path: string[]) =>
  JSON.parse(await readFile(join(...path), "utf8")) as Record<string, never>;

test("line drawings are seen on white, and the run names it", async () => {
  const { lines, reporter } = recorder();
  const workdir = join(dir, "white");
  await train(config, { workdir, reporter });
  const text = 'decode(background="white")|resize(28)|grayscale|value_range(-1,1)';
  expect(await json(workdir, "config.json")).toMatchObject({
    preprocess: { train: text, eval: text },
  });
  expect(readCheckpointFile(join(workdir, "checkpoint.safetensors"), "it").card).toMatchObject({
    preprocessing: text,
  });
  const behind = "transparent parts lie on white (decode(background=…), decode(alpha=drop))";
  expect(noteOf(lines)).toEqual([
    `16 pictures are transparent: ${behind}`, // after the first epoch
    `24 pictures are transparent: ${behind}`, // and those that it is judged by
  ]);
  const kept: unknown = await json(workdir, "problems.json");
  const { pictures } = kept as DataProblemsSummary;
  expect(pictures).toMatchObject({ transparent: { count: 24 }, plain: { count: 0, ids: [] } });
  expect(new Set(pictures!.transparent.ids).size).toBe(24);
  const report = await readFile(join(workdir, "report.html"), "utf8");
  expect(report).toMatch(/24\s+pictures are\s+transparent:\s+<span class="soft">(train|test)\//);
  const result = await evaluateModelOn(workdir, undefined);
  expect(result.notes.at(-1)).toBe(`8 pictures are transparent: ${behind}`);
});

test("without alpha all drawings are one black picture, and that is said", async () => {
  const { lines, reporter } = recorder();
  const prepared = "decode(alpha=drop)|resize(28)|grayscale|value_range(-1,1)";
  const preprocess = { train: prepared, eval: prepared };
  const workdir = join(dir, "drop");
  await train({ ...config, preprocess }, { workdir, reporter });
  expect(noteOf(lines).at(-1)).toBe(
    "24 pictures are transparent: transparent parts show their hidden colours " +
      "(decode(background=…), decode(alpha=drop)); 24 pictures are of one colour",
  );
  const picture = join(dir, "data/test/across/0.png");
  const said = await runCli(["predict", workdir, picture, "--json"]);
  expect(lastJson<{ count: number }>(said).count).toBe(1);
  expect(said.stderr + said.stdout).toContain("1 picture is transparent");
});

test("a run from before backgrounds were named goes on with black, bit for bit", async () => {
  const black = "decode(background=black)|resize(28)|grayscale|value_range(-1,1)";
  const preprocess = { train: black, eval: black };
  const unbroken = join(dir, "black");
  await train({ ...config, preprocess }, { workdir: unbroken });

  const old = join(dir, "old");
  await cp(unbroken, old, { recursive: true });
  await rm(join(old, "result.json"));
  await rm(join(old, "checkpoints/step-000000012.safetensors"));
  const { preprocess: _, ...rest } = await json(old, "config.json");
  const text = "decode|resize(28)|grayscale|value_range(-1,1)"; // as it was written then
  const stored = { ...rest, preprocess: { train: text, eval: text } };
  await writeFile(join(old, "config.json"), JSON.stringify(stored));
  await resume(old);
  const served = (folder: string) => readFile(join(folder, "checkpoint.safetensors"));
  expect((await served(old)).equals(await served(unbroken))).toBe(true);
});

test("a transfer counts them too, and again where features were kept", async () => {
  const cache = join(dir, "cache");
  for (const times of ["first", "second"]) {
    const { lines, reporter } = recorder();
    const data = { name: "folder", dir: join(dir, "data") } as const;
    const workdir = join(dir, `transfer-${times}`);
    const options = { model: join(dir, "white"), method: "fewshot", cache, workdir } as const;
    await transfer(data, { ...options, reporter });
    expect(lines.some((line) => line.endsWith("kept before"))).toBe(times === "second");
    expect(noteOf(lines)).toHaveLength(1);
    expect(noteOf(lines)[0]).toMatch(
      /^24 pictures are transparent: transparent parts lie on white/,
    );
    const kept: unknown = await json(workdir, "problems.json");
    const { pictures } = kept as DataProblemsSummary;
    expect(new Set(pictures!.transparent.ids).size).toBe(24);
  }
});

test("the report's pictures of mistakes are what the model saw", async () => {
  const { mistakes } = (await json(join(dir, "white"), "predictions.json")) as unknown as {
    mistakes: { id: string; thumbnail: string }[];
  };
  const wrong = join(dir, "wrong");
  const given = mistakes.length > 0 ? mistakes : await mistaken(wrong);
  for (const { thumbnail } of given) {
    const png = Buffer.from(thumbnail.slice(thumbnail.indexOf(",") + 1), "base64");
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(info.channels).toBe(3);
    expect([...new Set(data)].sort()).toEqual([0, 255]); // lines, and white behind them
  }
});

/** Mistakes of a training of one step, which has learned nothing. */
async function mistaken(workdir: string) {
  await train({ ...config, duration: { steps: 1 } }, { workdir });
  const { mistakes } = (await json(workdir, "predictions.json")) as unknown as {
    mistakes: { id: string; thumbnail: string }[];
  };
  expect(mistakes.length).toBeGreaterThan(0);
  return mistakes;
}
