/** @file `ocelli pretrain`: pictures without labels become a run that `transfer` takes, and a stopped one resumes. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { pretrain } from "../../src/pretrain/pretrain.ts";
import type { PretrainResult } from "../../src/pretrain/pretrain.ts";
import { seededRandom } from "../../src/random.ts";
import type { TransferResult } from "../../src/transfer/classification/options.ts";
import { resume } from "../../src/transfer/resume.ts";
import { lastJson, runCli } from "./run-cli.ts";

const COLOURS = { green: [60, 160, 70], red: [190, 60, 60] } as const;

let dir: string;
let pictures: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-pretrain-"));
  vi.stubEnv("OCELLI_CACHE", join(dir, "cache"));
  pictures = join(dir, "pictures");
  await mkdir(pictures);
  for (const [name, colour] of Object.entries(COLOURS)) {
    await mkdir(join(dir, "labelled", name), { recursive: true });
    for (let i = 0; i < 40; i++) {
      const random = seededRandom("pretrain", name, i);
      const pixels = Uint8Array.from(
        { length: 36 * 34 * 3 },
        (_, k) => colour[k % 3] + random.integer(-50, 50),
      );
      const picture = await sharp(pixels, { raw: { width: 36, height: 34, channels: 3 } })
        .png()
        .toBuffer();
      await writeFile(join(pictures, `${name}-${i}.png`), picture);
      if (i < 12) await writeFile(join(dir, "labelled", name, `${i}.png`), picture);
    }
  }
  await writeFile(join(pictures, "labels.csv"), "file,label\nred-1.png,red\ngreen-1.png,green\n");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

test("method and length are chosen and said, and transfer takes the run", async () => {
  const workdir = join(dir, "run");
  const captured = await runCli([
    ...["pretrain", "--data", pictures, "--minutes=0.6", "--engine=ort", "--workdir", workdir],
    "--json",
  ]);
  expect(captured.code, captured.stderr).toBe(0);
  const { chosen, steps, interrupted } = lastJson<PretrainResult>(captured);
  expect(interrupted).toBe(false);
  expect(steps).toBe(chosen.steps);
  expect(captured.stderr).toMatch(/^data {4}folder: \d\d pictures to train on, about 36 × 34/m);
  expect(captured.stderr).toMatch(/^tried {3}simclr of 32 pixels: [\d.]+ s for a step of 32$/m);
  for (const line of chosen.why) expect(captured.stderr).toContain(line);
  expect(captured.stderr).toContain(`next    ocelli transfer --model ${workdir} --data LABELLED`);
  const config = JSON.parse(await readFile(join(workdir, "config.json"), "utf8")) as object;
  expect(config).toMatchObject({ objective: { name: chosen.method }, duration: { steps } });

  const transferred = await runCli([
    ...["transfer", "--model", workdir, "--data", join(dir, "labelled"), "--engine=ort"],
    ...["--workdir", join(dir, "transferred"), "--json"],
  ]);
  expect(transferred.code, transferred.stderr).toBe(0);
  expect(lastJson<TransferResult>(transferred).accuracy).toBe(1);
}, 120_000);

test("a stopped run resumes, and one that is stopped before it began says so", async () => {
  const workdir = join(dir, "stopped");
  const stop = new AbortController();
  const lines: string[] = [];
  const line = (text: string) => {
    lines.push(text);
    if (/^step \d+\//.test(text)) stop.abort();
  };
  const reporter = { terminal: false, line, status: () => undefined };
  const data = { name: "folder", dir: pictures, labels: "none" } as const;
  const first = await pretrain(data, {
    ...{ minutes: 9, engine: "ort", workdir, reporter, signal: stop.signal, method: "rotation" },
  });
  expect(first.interrupted).toBe(true);
  expect(lines).toContain(`resume with: ocelli pretrain --resume ${workdir}`);
  expect(first.steps).toBeLessThan(first.chosen.steps);
  const length = first.steps + 3;
  const { steps, interrupted } = await resume(workdir, { duration: { steps: length } });
  expect([steps, interrupted]).toEqual([length, false]);
  await expect(pretrain(data, { minutes: 1, signal: AbortSignal.abort("now") })).rejects.toBe(
    "now",
  );
}, 120_000);

test("mistakes are told before anything is computed", async () => {
  const wrong = await runCli(["pretrain", "--data", pictures, "--method=simclear"]);
  expect(wrong.stderr).toContain("simclr");
  expect(wrong.code).toBe(2);
  const never = await runCli(["pretrain", "--data", pictures, "--minutes=0"]);
  expect(never.stderr).toContain('--minutes must be a number above 0, not "0"');
  const both = await runCli(["pretrain", "--resume", dir, "--minutes=3"]);
  expect(both.stderr).toContain("--resume RUN does not take --minutes.");
  const taken = join(dir, "taken");
  await mkdir(taken);
  await writeFile(join(taken, "config.json"), "{}");
  await writeFile(join(taken, "metrics.jsonl"), '{"step":1}\n');
  const again = await runCli(["pretrain", "--data", pictures, "--workdir", taken]);
  expect(again.stderr).toContain(`${taken} already holds a run`);
  expect(again.stdout).not.toContain("tried");
});
