/** @file The examples, built as they stand and driven in a real Chromium: a web worker, and a Node server of one's own. */

import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer } from "../../examples/server/server.ts";
import { serveFolder } from "../../examples/teach/serve.ts";
import { buildWorkerExample } from "../../examples/worker/build.ts";
import { decodeImageFile } from "../../src/data/decode/decode.ts";
import { loadPredictor } from "../../src/served/predict.ts";
import { describeAnswer } from "../../src/tasks/answer.ts";
import { TINY, runCli } from "../e2e/run-cli.ts";
import { launchChromium } from "./chromium.ts";

let dir: string;
let run: string;
let picture: string;
let expected: string;
let browser: Browser;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-examples-"));
  run = join(dir, "run");
  expect((await runCli(["train", "quickstart", ...TINY, "--workdir", run])).code).toBe(0);
  picture = join(dir, "picture.jpg");
  const pixels = Uint8Array.from({ length: 60 * 40 * 3 }, (_, i) => (i * i) % 253);
  await sharp(pixels, { raw: { width: 60, height: 40, channels: 3 } })
    .jpeg()
    .toFile(picture);
  const predictor = await loadPredictor(run);
  const [answer] = await predictor.predict([await decodeImageFile(picture)]);
  await predictor.dispose();
  expected = describeAnswer(answer);
  browser = await launchChromium();
}, 60_000);
afterAll(async () => {
  await browser.close();
  await rm(dir, { recursive: true });
});

/** What the page of a server shows for the picture. */
async function answerAt(server: Server): Promise<string | null> {
  const tab = await browser.newPage();
  try {
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await tab.waitForSelector("#file:enabled", { timeout: 30_000 });
    await tab.setInputFiles("#file", picture);
    await tab.waitForFunction(() => document.querySelector("#answer")!.textContent.includes("%"));
    return await tab.textContent("#answer");
  } finally {
    await tab.close();
    server.close();
    server.closeAllConnections();
  }
}

test("a web worker", { timeout: 60_000 }, async () => {
  await buildWorkerExample(run, join(dir, "worker"));
  expect(await answerAt(await serveFolder(join(dir, "worker"), 0))).toBe(expected);
});

test("a Node server", { timeout: 60_000 }, async () => {
  expect(await answerAt(await startServer(run, 0))).toBe(expected);
});
