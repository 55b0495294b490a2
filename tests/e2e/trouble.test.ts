/** @file Trouble in the middle of a training: data that goes away, and steps that are not finite. */

import { mkdir, mkdtemp, readFile, readdir, rename, rm } from "node:fs/promises";
import { renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigInput, resume, train } from "../../src/index.ts";
import type { Reporter } from "../../src/train/watch/progress.ts";
import { smallConfig } from "./small-run.ts";
import { TINY, runCli } from "./run-cli.ts";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "ocelli-trouble-"))));
afterAll(() => rm(dir, { recursive: true }));

/** Gathers lines, and tells each to `see`. */
function recorder(see: (line: string) => void = () => undefined) {
  const lines: string[] = [];
  const line = (text: string) => {
    lines.push(text);
    see(text);
  };
  const reporter: Reporter = { line, status: () => undefined, terminal: false };
  return { lines, reporter };
}

test("data that goes away ends training with its name; what was trained is saved", async () => {
  const images = join(dir, "images");
  for (const [name, background] of [
    ["dark", "#202020"],
    ["light", "#e0e0e0"],
  ] as const) {
    await mkdir(join(images, name), { recursive: true });
    for (let i = 0; i < 12; i++) {
      const picture = sharp({ create: { width: 8 + i, height: 8, channels: 3, background } });
      await picture.png().toFile(join(images, name, `${i}.png`));
    }
  }
  const config = {
    ...smallConfig(dir, 120),
    data: { name: "folder", dir: images },
    preprocess: {
      train: "decode|resize(28)|grayscale|value_range(-1,1)",
      eval: "decode|resize(28)|grayscale|value_range(-1,1)",
    },
    evals: { test: { split: "test" } },
    batchSize: 4,
    checkpoint: { keep: 1 },
  } as unknown as ConfigInput;
  const workdir = join(dir, "lost");
  const away = recorder((line) => {
    if (line.startsWith("step 14/")) renameSync(images, `${images}-away`);
  });
  await expect(train(config, { workdir, reporter: away.reporter })).rejects.toThrow(/\.png/);
  expect(away.lines.at(-1)).toBe(
    `stopped by an error; resume with: ocelli train --resume ${workdir}`,
  );
  const [saved] = await readdir(join(workdir, "checkpoints"));
  const step = Number(/\d+/.exec(saved)![0]);
  expect(step).toBeGreaterThanOrEqual(14);
  expect(step).toBeLessThan(120);

  await rename(`${images}-away`, images);
  const back = recorder();
  const result = await resume(workdir, { reporter: back.reporter });
  expect(back.lines).toContain(`resumed after step ${step}`);
  expect(result).toMatchObject({ steps: 120, interrupted: false });
});

test("a training that blows up says where it began, and ends after some steps", async () => {
  const workdir = join(dir, "blown");
  const args = [...TINY, "--optimizer.lr=1e38", "--maxSkipped=3", "--workdir", workdir];
  const { code, stdout, stderr } = await runCli(["train", "quickstart", ...args]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^ocelli: 3 steps in a row, the last of them step \d+, were not finite\. /m,
  );
  const found = JSON.parse(await readFile(join(workdir, "nonfinite.json"), "utf8")) as {
    step: number;
    name: string;
    where: string;
  };
  expect(found.where).toBe("forward");
  const told = stdout.split("\n").filter((line) => line.includes("is not finite and left out"));
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(
    `step ${found.step} is not finite and left out: first in ${found.name}`,
  );
});
