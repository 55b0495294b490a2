/** @file What commands print for people: the result alone with --quiet, tables after eval, a summary after predict. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openMnist } from "../../src/data/classification/mnist.ts";
import { TINY, lastJson, runCli } from "./run-cli.ts";

let dir: string;
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-terminal-"));
  await mkdir(at("digits"));
  const source = await (await openMnist()).open("test");
  for (let i = 0; i < 5; i++) {
    const { image } = await source.read(i);
    const raw = { width: 28, height: 28, channels: 1 } as const;
    await sharp(image.data as Uint8Array, { raw }).png().toFile(at(`digits/${i}.png`)); // prettier-ignore
  }
  await writeFile(at("digits/broken.png"), "no picture");
});
afterAll(() => rm(dir, { recursive: true }));

test("--quiet prints the result alone; without it, progress has epochs and no control codes", async () => {
  const loud = await runCli(["train", "quickstart", ...TINY, "--workdir", at("loud")]);
  expect(loud.stdout).toMatch(/^step 8\/8 · epoch 1\/1 · loss /m);
  expect(loud.stdout).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  const quiet = await runCli(["train", "quickstart", ...TINY, "--workdir", at("run"), "--quiet"]);
  expect(quiet).toMatchObject({ code: 0, stderr: "" });
  expect(quiet.stdout).toMatch(/^result {2}\S+run: test\/accuracy \d+\.\d\d %\n$/);
  const json = await runCli(["train", "quickstart", ...TINY, "--workdir", at("json"), "--quiet", "--json"]); // prettier-ignore
  expect(json.stderr).toBe("");
  expect(json.stdout.trim().split("\n")).toHaveLength(1);
});

test("eval explains its numbers, and shows the confusion and every class", async () => {
  const flags = ["--split", "test[:200]", "--engine=interpreter", "--quiet"];
  const { stdout } = await runCli(["eval", at("run"), ...flags]);
  const lines = stdout.split("\n");
  expect(lines[0]).toMatch(/^data +mnist test\[:200\]: 200 images$/);
  expect(lines[1]).toMatch(/^accuracy +\d+\.\d\d % {2}how many images have the right class/);
  const head = lines.findIndex((line) => line.startsWith("confusion: "));
  const table = lines.slice(head + 1, head + 12);
  expect(new Set(table.map(({ length }) => length)).size).toBe(1);
  const counts = table.slice(1).flatMap((line) => line.trim().split(/\s+/).slice(1).map((n) => (n === "·" ? 0 : Number(n)))); // prettier-ignore
  expect(counts).toHaveLength(100);
  expect(counts.reduce((a, b) => a + b)).toBe(200);
  expect(stdout).toMatch(/^ {2}class +recall +precision +images$/m);
  expect(stdout).toMatch(/^ {2}recall {5}how many of the class's images were recognised$/m);
});

test("predict of a folder ends with a summary, in JSON too", async () => {
  const flags = ["--engine=interpreter", "--quiet"];
  const { stdout } = await runCli(["predict", at("run"), at("digits"), ...flags]);
  expect(stdout).toMatch(/^summary: 5 images by the most probable class$/m);
  expect(stdout).toMatch(/^ {2}uncertain +5 /m);
  expect(stdout).toMatch(/^ {2}unreadable +1 /m);
  const result = lastJson<{
    count: number;
    skipped: number;
    summary: { classes: Record<string, number> };
  }>(await runCli(["predict", at("run"), at("digits"), ...flags, "--json"]));
  expect(result).toMatchObject({ count: 5, skipped: 1, summary: { uncertain: 5 } });
  expect(Object.values(result.summary.classes).reduce((a, b) => a + b)).toBe(5);
  const one = await runCli(["predict", at("run"), at("digits/0.png"), ...flags]);
  expect(one.stdout).not.toContain("summary");
});
