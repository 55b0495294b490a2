/** @file The examples that need no bundler of their own, driven in a real Chromium: a web worker, and a Node server. */

import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer } from "../../examples/server/server.ts";
import { serveFolder } from "../../examples/serve-folder.ts";
import { buildWorkerExample } from "../../examples/worker/build.ts";
import { type Asked, askPage, prepareQuestion } from "./asked-page.ts";
import { launchChromium } from "./chromium.ts";

let dir: string;
let asked: Asked;
let browser: Browser;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-examples-"));
  asked = await prepareQuestion(dir);
  browser = await launchChromium();
}, 60_000);
afterAll(async () => {
  await browser.close();
  await rm(dir, { recursive: true });
});

/** What the page of a server says of the picture. */
async function answerAt(server: Server): Promise<string> {
  const { port } = server.address() as AddressInfo;
  try {
    return await askPage(browser, `http://127.0.0.1:${port}/`, asked.picture);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test("a web worker", { timeout: 60_000 }, async () => {
  await buildWorkerExample(asked.run, join(dir, "worker"));
  expect(await answerAt(await serveFolder(join(dir, "worker"), 0))).toBe(asked.expected);
});

test("a Node server", { timeout: 60_000 }, async () => {
  expect(await answerAt(await startServer(asked.run, 0))).toBe(asked.expected);
});
