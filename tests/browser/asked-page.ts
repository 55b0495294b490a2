/** @file A tiny run and a picture of which `ocelli predict` says something, and the same question to a page. */

import { join } from "node:path";
import type { Browser } from "playwright-core";
import sharp from "sharp";
import { decodeImageFile } from "../../src/data/decode/decode.ts";
import { loadPredictor } from "../../src/served/predict.ts";
import { describeAnswer } from "../../src/tasks/answer.ts";
import { TINY, runCli } from "../e2e/run-cli.ts";

/** A run, a picture's file, and what is said of it. */
export interface Asked {
  readonly run: string;
  readonly picture: string;
  readonly expected: string;
}

/** Trains the run and writes the picture, both in a folder. */
export async function prepareQuestion(dir: string): Promise<Asked> {
  const run = join(dir, "run");
  const { code, stderr } = await runCli(["train", "quickstart", ...TINY, "--workdir", run]);
  if (code !== 0) throw new Error(stderr);
  const picture = join(dir, "picture.jpg");
  const pixels = Uint8Array.from({ length: 60 * 40 * 3 }, (_, i) => (i * i) % 253);
  const raw = { width: 60, height: 40, channels: 3 } as const;
  await sharp(pixels, { raw }).jpeg().toFile(picture);
  const predictor = await loadPredictor(run);
  const [answer] = await predictor.predict([await decodeImageFile(picture)]);
  await predictor.dispose();
  return { run, picture, expected: describeAnswer(answer) };
}

/** What a page says of a picture; an error where a script of the page fails. */
export async function askPage(browser: Browser, url: string, picture: string): Promise<string> {
  const tab = await browser.newPage();
  const faults: string[] = [];
  tab.on("pageerror", ({ message }) => faults.push(message));
  try {
    await tab.goto(url);
    await tab.waitForSelector("#file:enabled", { timeout: 60_000 });
    await tab.setInputFiles("#file", picture);
    await tab.waitForFunction(() => document.querySelector("#answer")!.textContent.includes("%"));
    if (faults.length > 0) throw new Error(faults.join("\n"));
    return (await tab.textContent("#answer")) ?? "";
  } finally {
    await tab.close();
  }
}
